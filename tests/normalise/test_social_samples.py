"""Every sample of Bluesky, Mastodon and X: what becomes of each file, to the last payload.

`relevance = "all"`, so that every act shows. `.jsonl` and `.txt` are one payload a line, `.json` and `.sse.txt` one payload.
"""

from collections import Counter
from typing import Any

import pytest

from schemas.events import FINAL, Act, Authored, Gone, GonePost
from streams.runtime.topology import Normalised
from tests.normalise.social import NOW, SAMPLES, needs_samples, normaliser, records

pytestmark = needs_samples

Outcome = tuple[dict[str, int], dict[str, int], dict[str, int]]
"""(events by kind, unknown kinds by name, refusals by path)"""

BLUESKY: dict[str, Outcome] = {
    "jetstream_v1_capture_20260704.jsonl": (
        {"like": 69, "repost": 11, "post": 5, "reply": 5, "follow": 5, "block": 1, "Gone": 3},
        {"another collection": 1},
        {},
    ),
    "jetstream_v2_frames.jsonl": (
        {"like": 1, "Gone": 1, "Sighting": 1, "AccountStatus": 1},
        {"sync": 1, "info": 1, "error": 1},
        {},
    ),
    "interop_data-model-invalid.json": ({}, {}, {"$": 1}),
    "interop_data-model-valid.json": ({}, {}, {"$": 1}),
    # Lists of names and times, one a line: no frames, so every line is refused.
    "interop_aturi_syntax_invalid.txt": ({}, {}, {"$": 89}),
    "interop_aturi_syntax_valid.txt": ({}, {}, {"$": 35}),
    "interop_datetime_parse_invalid.txt": ({}, {}, {"$": 7}),
    "interop_datetime_syntax_invalid.txt": ({}, {}, {"$": 68}),
    "interop_datetime_syntax_valid.txt": ({}, {}, {"$": 40}),
    "interop_did_syntax_invalid.txt": ({}, {}, {"$": 19}),
    "interop_did_syntax_valid.txt": ({}, {}, {"$": 26}),
    "interop_handle_syntax_invalid.txt": ({}, {}, {"$": 61}),
    "interop_handle_syntax_valid.txt": ({}, {}, {"$": 90}),
    "interop_language_syntax_valid.txt": ({}, {}, {"$": 26}),
    "interop_nsid_syntax_valid.txt": ({}, {}, {"$": 32}),
    "interop_recordkey_syntax_invalid.txt": ({}, {}, {"$": 15}),
    "interop_recordkey_syntax_valid.txt": ({}, {}, {"$": 21}),
    "interop_tid_syntax_invalid.txt": ({}, {}, {"$": 15}),
    "interop_tid_syntax_valid.txt": ({}, {}, {"$": 11}),
}
MASTODON: dict[str, Outcome] = {
    "bigbone_account.json": ({}, {"account": 1}, {}),
    "bigbone_context.json": ({}, {"context": 1}, {}),
    "bigbone_conversations.json": ({"post": 2, "Authored": 2}, {}, {}),
    "bigbone_error.json": ({}, {"error": 1}, {}),
    "bigbone_grouped_notifications_get_all_success.json": ({}, {"grouped notifications": 1}, {}),
    "bigbone_notifications.json": ({"reply": 1, "Authored": 1, "like": 1}, {}, {}),
    "bigbone_public_timeline.json": ({"post": 20, "Authored": 20}, {}, {}),
    "bigbone_search_for_statuses_ranging_ids.json": ({}, {"search results": 1}, {}),
    "bigbone_status.json": ({"post": 1, "Authored": 1}, {}, {}),
    "bigbone_status_after_deleting.json": ({"GonePost": 1}, {}, {}),
    "bigbone_status_edit_history.json": ({}, {"status edit": 5}, {}),
    "bigbone_status_with_poll.json": ({"post": 1, "Authored": 1}, {}, {}),
    "bigbone_status_with_previewcard.json": ({"post": 1, "Authored": 1}, {}, {}),
    "docs_entity_Account.jsonl": ({}, {"account": 2}, {}),
    "docs_entity_Quote.jsonl": ({}, {"quote": 1}, {}),
    "docs_entity_Status.jsonl": ({"post": 1, "Authored": 1}, {}, {}),
    "mastodonpy_rest_account.jsonl": ({}, {"account": 5}, {}),
    "mastodonpy_rest_grouped_notifications.jsonl": ({}, {"grouped notifications": 3}, {}),
    "mastodonpy_rest_notifications.jsonl": ({"post": 2, "Authored": 2}, {"account": 2}, {}),
    "mastodonpy_rest_status.jsonl": (
        {"post": 23, "repost": 2, "reply": 2, "quote": 2, "dm": 1, "Authored": 30},
        {},
        {},
    ),
    "mastodonpy_rest_status_history.jsonl": ({}, {"status edit": 3}, {}),
    "mastodonpy_sse_conversation.jsonl": ({"dm": 3, "Authored": 3}, {}, {}),
    "mastodonpy_sse_delete.jsonl": ({"GonePost": 1}, {}, {}),
    "mastodonpy_sse_notification.jsonl": ({"post": 1, "dm": 1, "Authored": 2}, {}, {}),
    "mastodonpy_sse_status_update.jsonl": ({"post": 1, "Authored": 1}, {}, {}),
    "mastodonpy_sse_update.jsonl": ({"post": 2, "dm": 1, "Authored": 3}, {}, {}),
    "mastodonpy_test_stream_direct.sse.txt": ({"dm": 1, "Authored": 1}, {}, {}),
    "mastodonpy_test_stream_user_direct.sse.txt": ({"post": 3, "dm": 2, "Authored": 5, "GonePost": 1}, {}, {}),
    "mastodonpy_test_stream_user_local.sse.txt": ({"post": 1, "Authored": 1}, {}, {}),
}
_ACTIVITY = (
    "like.create", "follow.follow", "follow.unfollow", "profile.update.bio", "profile.update.profile_picture",
    "profile.update.banner_picture", "profile.update.screenname", "profile.update.geo", "profile.update.url",
    "chat.received", "chat.sent", "dm.sent", "dm.received", "news.new", "spaces.start", "spaces.end",
    "broadcast.start", "broadcast.end", "broadcast.chat", "oauth.revoke",
)  # fmt: skip
X: dict[str, Outcome] = {
    "account_activity.jsonl": ({}, {"account activity webhook": 5, "another message": 1, "another object": 2}, {}),
    "activity_event_payloads.jsonl": (
        {"post": 2, "reply": 1, "quote": 1, "repost": 1, "Gone": 1},
        {f"activity {kind}": 1 for kind in _ACTIVITY},
        {"$.data.payload.id": 1},
    ),
    "gnip_v1_native.jsonl": (
        {"Gone": 2},
        {
            "v1 object": 15,
            "activity stream": 7,
            "another message": 8,
            "status_withheld": 1,
            "undrop": 1,
            "user_withheld": 1,
        },
        {},
    ),
    "v2_batch_compliance.jsonl": ({}, {"another object": 1, "batch compliance": 2}, {}),
    "v2_data_dictionary.jsonl": (
        {"post": 5, "reply": 2, "repost": 2, "quote": 1},
        {"list": 1, "another message": 1, "another object": 9, "post without author": 4},
        {},
    ),
    "v2_fundamentals.jsonl": ({"reply": 3, "post": 3}, {"post without author": 10, "another object": 1}, {}),
}
CASES = [(source, name) for source, files in (("bluesky", BLUESKY), ("mastodon", MASTODON), ("x", X)) for name in files]
EXPECTED = {"bluesky": BLUESKY, "mastodon": MASTODON, "x": X}


def payloads(source: str, name: str) -> list[bytes]:
    raw = (SAMPLES / source / name).read_bytes()
    return [raw] if name.endswith((".json", ".sse.txt")) else raw.splitlines()


def read_sample(source: str, name: str) -> Normalised:
    return normaliser(source)(records(payloads(source, name)))


def acts(source: str, name: str) -> list[Act]:
    return [arrival.event for arrival in read_sample(source, name).arrivals if isinstance(arrival.event, Act)]


def kind_of(event: Any) -> str:
    return event.kind if isinstance(event, Act) else type(event).__name__


@pytest.mark.parametrize(("source", "name"), CASES)
def test_the_outcome_of_every_file_is_known(source: str, name: str) -> None:
    found = read_sample(source, name)
    events = Counter(kind_of(arrival.event) for arrival in found.arrivals)
    refusals = Counter(refused.path for refused in found.refusals)
    assert (dict(events), found.unknown, dict(refusals)) == EXPECTED[source][name]
    assert found.irrelevant == 0


@pytest.mark.parametrize("source", list(EXPECTED))
def test_no_file_is_left_out(source: str) -> None:
    assert sorted(EXPECTED[source]) == sorted(path.name for path in (SAMPLES / source).iterdir())


def test_a_real_reply_of_the_capture() -> None:
    found = acts("bluesky", "jetstream_v1_capture_20260704.jsonl")
    first_like, first_post = found[0], found[1]
    assert first_like == Act(
        id="bluesky:did:plc:wq4aajammjtxdomz3e23667t/app.bsky.feed.like/3mptbyplj5d2a",
        version="3mptbypluud2a",
        at=1_783_175_888_999,
        received_at=1_783_175_888_085,
        source="bluesky",
        kind="like",
        targets=("bluesky:did:plc:r2zybk6op3ymzpz6jhqpkoy5",),
    )
    assert (first_post.text, first_post.lang) == ("www.youtube.com/watch?v=V5lD...", "en")
    assert first_post.uri == "https://bsky.app/profile/did:plc:dclwtltrt2ggsryagfzk7dp4/post/3mptbyoeyc22k"
    for reply in (act for act in found if act.kind == "reply"):
        assert reply.in_reply_to.startswith(reply.targets[0] + "/app.bsky.feed.post/")
    assert not any(act.flag for act in found), "36 seconds ahead is believed"


def test_the_capture_has_deletes_of_follows() -> None:
    found = read_sample("bluesky", "jetstream_v1_capture_20260704.jsonl").arrivals
    gone = next(arrival for arrival in found if isinstance(arrival.event, Gone))
    assert gone.address == "account:bluesky:did:plc:ux2eeflheratfrvp3xfbp4zi"
    assert gone.event.id == "bluesky:did:plc:ux2eeflheratfrvp3xfbp4zi/app.bsky.graph.follow/3m3q3ut7jsm2m"
    assert gone.event.version == "3mptbyp63ih2m"


def test_a_transcript_tells_of_a_post_its_edit_and_its_delete() -> None:
    found = read_sample("mastodon", "mastodonpy_test_stream_user_direct.sse.txt").arrivals
    name = "mastodon:social.example/117024236332527350"
    texts = [arrival.event.text for arrival in found if isinstance(arrival.event, Act) and arrival.event.id == name]
    assert texts == ["only real cars respond.", "only real animals respond."]
    versions = [
        arrival.event.version for arrival in found if isinstance(arrival.event, Act) and arrival.event.id == name
    ]
    assert versions == sorted(versions)
    assert (found[1].address, found[1].event) == (
        f"post:{name}",
        Authored("account:mastodon:mastodonpy_test@social.example", name, NOW),
    )
    assert (found[-1].address, found[-1].event) == (f"post:{name}", GonePost(NOW, NOW))


@pytest.mark.parametrize("name", [name for name in MASTODON if name.endswith(".sse.txt")])
def test_a_transcript_line_by_line_tells_the_same(name: str) -> None:
    whole = read_sample("mastodon", name)
    lines = normaliser("mastodon")(records(payloads("mastodon", name)[0].split(b"\n")))
    assert [arrival.event for arrival in lines.arrivals] == [arrival.event for arrival in whole.arrivals]
    assert lines.refusals == []
    assert set(lines.unknown) == {"keep-alive"}


def test_html_becomes_what_a_reader_sees() -> None:
    (found,) = acts("mastodon", "docs_entity_Status.jsonl")
    first, second = found.text.split("\n")
    assert first == '"I lost my inheritance with one wrong digit on my sort code"'
    assert second.startswith("https://www.theguardian.com/money/2019/dec/07/")


def test_a_real_retweet_has_its_author_and_all_the_words() -> None:
    first, second = (act for act in acts("x", "v2_data_dictionary.jsonl") if act.kind == "repost")
    assert (first.id, first.targets) == ("x:2244994945/1229851574555508737", ("x:857699969263964161",))
    assert first.text.endswith("Check it out here 👇\n\nhttps://t.co/l5J8wq748G")
    assert (second.targets, second.text[:30]) == (("x:1102321381",), "📣 If you enjoyed the London co")
    assert "uses Twitter's new search endpoint" in second.text


def test_a_real_reply_names_whom_it_answers_and_whom_it_mentions() -> None:
    reply = next(act for act in acts("x", "v2_data_dictionary.jsonl") if act.id.endswith("/1296887316556980230"))
    assert (reply.kind, reply.in_reply_to) == ("reply", "x:2244994945/1296887091901718529")
    assert reply.targets == ("x:2244994945", "x:1615654896")
    assert (reply.handle, reply.uri) == ("handle:x:twitterdev", "https://x.com/twitterdev/status/1296887316556980230")


def test_deletes_of_the_older_spelling_keep_their_digits() -> None:
    found = read_sample("x", "gnip_v1_native.jsonl").arrivals
    assert [(arrival.address, arrival.event.id, arrival.event.version) for arrival in found] == [
        ("account:x:3198576760", "x:3198576760/601430178305220608", FINAL),
        ("account:x:3198576760", "x:3198576760/601430178305220600", FINAL),
    ]
