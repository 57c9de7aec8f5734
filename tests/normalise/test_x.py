"""X's API v2: posts, edits, compliance, and lines about the connection."""

from typing import Any

import pytest

from config.settings import RelevanceSettings
from schemas.events import FINAL, AccountStatus, Act, Authored, Gone, GonePost, Sighting
from tests.normalise.social import BRAND, NOW, events, only, read, refusal, tweet

ANN = "account:x:7"
ID = "2080761390344937796"
BOB = {"id": "8", "author_id": "8", "text": "cats &amp; dogs", "edit_history_tweet_ids": ["3", "5"]}
AT = "2026-07-04T11:59:00.000Z"


def refer(kind: str, **fields: Any) -> dict[str, Any]:
    return {"referenced_tweets": [{"type": kind, "id": "5"}]} | fields


def bob(**fields: Any) -> list[dict[str, Any]]:
    return [BOB | {"id": "5"} | fields]


def test_a_post_is_an_act_of_its_author() -> None:
    assert events("x", tweet("a &lt;b&gt; &amp;amp; c", lang="en")) == [
        (
            ANN,
            Act(
                id=f"x:7/{ID}",
                version="0000",
                at=NOW - 60_000,
                received_at=NOW,
                source="x",
                kind="post",
                uri=f"https://x.com/ann/status/{ID}",
                text="a <b> &amp; c",
                lang="en",
                handle="handle:x:ann",
                name="Ann Lee",
            ),
        )
    ]


def test_the_author_is_found_by_id_and_not_by_place() -> None:
    message = tweet()
    message["includes"]["users"] = [{"id": "8", "username": "bob", "name": "Bob"}, *message["includes"]["users"]]
    assert only("x", message).handle == "handle:x:ann"
    message["includes"] = {}
    nameless = only("x", message)
    assert (nameless.handle, nameless.name, nameless.uri) == ("", "", f"https://x.com/i/status/{ID}")


def test_a_post_without_author_can_be_joined_to_nobody() -> None:
    message = tweet()
    del message["data"]["author_id"]
    found = read("x", message)
    assert (found.arrivals, found.unknown) == ([], {"post without author": 1})


def test_an_edit_is_a_later_version_of_the_same_act() -> None:
    history = [str(2080761390344937796 + step) for step in range(12)]
    acts = [only("x", tweet(id=one, edit_history_tweet_ids=history[: place + 1])) for place, one in enumerate(history)]
    assert {act.id for act in acts} == {f"x:7/{ID}"}
    assert [act.version for act in acts] == sorted(act.version for act in acts)
    assert acts[3].uri.endswith(history[3])
    assert only("x", tweet(edit_history_tweet_ids=["1", "2"])).id == f"x:7/{ID}", "not its own history"


def test_both_spellings_say_the_same() -> None:
    old = tweet("short", note_tweet={"text": "all of it"}, tweets=bob(), **refer("quoted"))
    new = {"data": {}, "includes": {"users": old["includes"]["users"], "posts": old["includes"]["tweets"]}}
    new["data"] = {
        name.replace("edit_history_tweet_ids", "edit_history_post_ids")
        .replace("referenced_tweets", "referenced_posts")
        .replace("note_tweet", "note_post"): value
        for name, value in old["data"].items()
    }
    assert events("x", old) == events("x", new)
    assert only("x", new).text == "all of it"


def test_the_activity_api_wraps_the_same_once_more() -> None:
    plain = tweet(tweets=bob(), **refer("quoted"))
    includes = {name: [{"data": each} for each in found] for name, found in plain["includes"].items()}
    wrapped = {"event_uuid": "-1", "event_type": "post.quote.create", "payload": plain["data"], "includes": includes}
    assert events("x", {"data": wrapped}) == events("x", plain)
    deleted = {"data": {"event_type": "post.delete", "payload": {"id": "1", "author_id": "7"}}}
    assert events("x", deleted, relevance=BRAND) == [(ANN, Gone("x:7/1", FINAL, NOW, NOW))]


@pytest.mark.parametrize(
    ("message", "kind", "in_reply_to", "targets"),
    [
        (tweet(**refer("replied_to"), in_reply_to_user_id="8"), "reply", "x:8/5", ("x:8",)),
        (tweet(**refer("replied_to"), in_reply_to_user_id="8", tweets=bob()), "reply", "x:8/3", ("x:8",)),
        (tweet(**refer("replied_to"), tweets=bob()), "reply", "x:8/3", ("x:8",)),
        (tweet(**refer("replied_to")), "reply", "", ()),
        (tweet(in_reply_to_user_id="8"), "reply", "", ("x:8",)),
        (tweet(**refer("quoted"), tweets=bob()), "quote", "", ("x:8",)),
        (tweet(**refer("quoted")), "quote", "", ()),
        (tweet(**refer("retweeted"), tweets=bob()), "repost", "", ("x:8",)),
        (tweet(**refer("liked")), "post", "", ()),
    ],
)
def test_what_a_post_does_with_others(message: Any, kind: str, in_reply_to: str, targets: tuple[str, ...]) -> None:
    act = only("x", message)
    assert (act.kind, act.in_reply_to, act.targets) == (kind, in_reply_to, targets)


def test_a_reply_that_quotes_is_a_reply_to_both() -> None:
    both = [{"type": "quoted", "id": "5"}, {"type": "replied_to", "id": "6"}]
    act = only("x", tweet(referenced_tweets=both, in_reply_to_user_id="9", tweets=bob()))
    assert (act.kind, act.in_reply_to, act.targets) == ("reply", "x:9/6", ("x:9", "x:8"))


def test_a_retweet_has_all_the_words_of_what_it_shares() -> None:
    assert only("x", tweet("RT @bob: cats &amp;…", **refer("retweeted"), tweets=bob())).text == "cats & dogs"
    long = bob(note_tweet={"text": "a long &lt;note&gt;"})
    assert only("x", tweet("RT @bob: cats…", **refer("retweeted"), tweets=long)).text == "a long <note>"
    assert only("x", tweet("RT @bob: cats…", **refer("retweeted"))).text == "RT @bob: cats…"


@pytest.mark.parametrize("start", [2, -1, 1 << 70, "2", None])
def test_entities_count_wherever_they_say_they_stand(start: Any) -> None:
    mentions = [
        {"start": start, "end": 5, "username": "Bob", "id": "8"},
        {"start": start, "username": "Us"},
        {"start": start, "username": "Stranger"},
        {"start": start, "username": "not a name"},
        {"username": ""},
        7,
    ]
    users = [{"id": "99", "username": "us"}, {"id": "5"}]
    act = only("x", tweet("👀 &amp; @Bob", entities={"mentions": mentions, "hashtags": 7}, users=users))
    assert (act.text, act.targets) == ("👀 & @Bob", ("x:8", "x:99", "handle:x:stranger"))


def compliance(kind: str, **body: Any) -> dict[str, Any]:
    return {"data": {kind: body | {"event_at": AT}}}


USER = {"user": {"id": "7"}}
POST = {"tweet": {"id": "1", "author_id": "7"}}


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (compliance("delete", **POST), Gone("x:7/1", FINAL, NOW - 60_000, NOW)),
        (compliance("drop", post={"id": "1", "author_id": "7"}), Gone("x:7/1", FINAL, NOW - 60_000, NOW)),
        (compliance("user_suspend", **USER), AccountStatus(True, "suspended", NOW - 60_000, NOW)),
        (compliance("user_unsuspend", **USER), AccountStatus(False, "active", NOW - 60_000, NOW)),
        (compliance("user_delete", **USER), AccountStatus(True, "deleted", NOW - 60_000, NOW)),
        (compliance("user_undelete", **USER), AccountStatus(False, "active", NOW - 60_000, NOW)),
        (compliance("user_protect", **USER), AccountStatus(True, "protected", NOW - 60_000, NOW)),
        (compliance("user_unprotect", **USER), AccountStatus(False, "active", NOW - 60_000, NOW)),
        (
            compliance(
                "user_profile_modification", **USER, profile_field="user.profile.screen_name", new_value="New_Ann"
            ),
            Sighting("handle:x:new_ann", NOW - 60_000, NOW),
        ),
        ({"user_protect": {"id": 7, "timestamp_ms": str(NOW - 5)}}, AccountStatus(True, "protected", NOW - 5, NOW)),
        (
            {
                "delete": {
                    "status": {"id": 0, "id_str": "1", "user_id": 700, "user_id_str": "7"},
                    "timestamp_ms": NOW - 5,
                }
            },
            Gone("x:7/1", FINAL, NOW - 5, NOW),
        ),
    ],
)
def test_compliance_passes_whatever_matters(message: Any, event: Any) -> None:
    assert events("x", message, relevance=BRAND) == [(ANN, event)]
    assert events("x", message.get("data", message)) == [(ANN, event)], "also without `data` around it"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (b"", "keep-alive"),
        (b"\r\n", "keep-alive"),
        (compliance("undrop", **POST), "undrop"),
        (compliance("withheld", **POST, withheld_in_countries=["XY"]), "withheld"),
        (compliance("user_withheld", **USER), "user_withheld"),
        (compliance("scrub_geo", **USER, up_to_tweet_id="1"), "scrub_geo"),
        (compliance("tweet_edit", tweet={"id": "2"}, initial_tweet_id="1", edit_tweet_ids=["1", "2"]), "tweet_edit"),
        (compliance("delete", favorite={"id": "1", "user_id": "7"}), "delete of a like"),
        (compliance("user_profile_modification", **USER, profile_field="name", new_value="A"), "profile modification"),
        (compliance("user_profile_modification", **USER, profile_field="username", new_value=7), "profile modification"),
        ({"errors": [{"title": "operational-disconnect", "disconnect_type": "UpstreamOperationalDisconnect"}]}, "disconnect"),
        ({"errors": [{"title": "Not Found Error"}]}, "errors"),
        ({"error": {"message": "Forced disconnect", "sent": "2020-06-01T00:00:00+00:00"}}, "error"),
        ({"for_user_id": "7", "tweet_create_events": []}, "account activity webhook"),
        ({"id": 1, "id_str": "1", "text": "old"}, "v1 object"),
        ({"objectType": "activity"}, "activity stream"),
        ({"id": "1", "action": "delete", "redacted_at": AT}, "batch compliance"),
        ({"hello": 1}, "another message"),
        ([{"id": "1", "text": "x"}], "list"),
        ({"data": []}, "empty list"),
        ({"data": {"id": "7", "username": "ann"}}, "another object"),
        ({"data": {"id": "7", "sender_id": "8", "text": "dm"}}, "another object"),
        ({"data": {"event_type": "like.create", "payload": {}}}, "activity like.create"),
    ],
)  # fmt: skip
def test_kinds_that_are_not_ours_are_counted_by_name(message: Any, kind: str) -> None:
    found = read("x", message)
    assert (found.arrivals, found.refusals, found.unknown) == ([], [], {kind: 1})


@pytest.mark.parametrize(
    ("message", "path", "cause"),
    [
        (None, "$", "null value"),
        (b"\xff", "$", "no JSON"),
        (b'{"data":', "$", "no JSON"),
        (b"[" * 100_000, "$", "nested"),
        (b"17", "$", "want an object, got a number"),
        ({"data": 7}, "$.data", "want an object, got a number"),
        (tweet(id=None), "$.data.id", "digits"),
        (tweet(id="1a"), "$.data.id", "digits"),
        (tweet(id=1 << 70), "$.data.id", "digits"),
        (tweet(id="²"), "$.data.id", "digits"),
        (tweet(author_id="ann"), "$.data.author_id", "digits"),
        (tweet(author_id=0), "$.data.author_id", "digits"),
        ({"data": {"delete": 7}}, "$.data.delete", "want an object, got a number"),
        ({"data": {"delete": {}}}, "$.data.delete.tweet.id", "digits"),
        ({"data": {"delete": {"post": {"id": "1"}}}}, "$.data.delete.post.author_id", "digits"),
        ({"data": {"user_suspend": {"user": {}}}}, "$.data.user_suspend.user.id", "digits"),
        ({"user_suspend": {}}, "$.user_suspend.id", "digits"),
        ({"data": {"event_type": "post.create", "payload": {}}}, "$.data.payload.id", "digits"),
        ({"data": [tweet()["data"] | {"id": "x"}]}, "$.data[0].id", "digits"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_path(message: Any, path: str, cause: str) -> None:
    found_path, found_cause = refusal("x", message)
    assert found_path == path
    assert cause in found_cause


def test_answers_of_searches_are_many_posts() -> None:
    good, bad = tweet()["data"], tweet(id="x")["data"]
    found = read("x", {"data": [good, bad, {"username": "u"}, 7, good], "includes": tweet()["includes"]})
    assert [arrival.event.handle for arrival in found.arrivals] == ["handle:x:ann"] * 2
    assert [refused.path for refused in found.refusals] == ["$.data[1].id"]
    assert found.unknown == {"another object": 2}


def test_ids_are_numbers_too_and_stay_exact() -> None:
    act = only("x", tweet(id=2080761390344937797, author_id=7, edit_history_tweet_ids=[2080761390344937797]))
    assert act.id == "x:7/2080761390344937797"
    assert only("x", tweet() | {"matching_rules": [{"id": 1166916266197536768, "tag": None}]}) == only("x", tweet())


FIELDS = (
    "text", "created_at", "lang", "entities", "referenced_tweets", "note_tweet", "edit_history_tweet_ids",
    "in_reply_to_user_id", "public_metrics",
)  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("wrong", [None, 7, 1.5, True, "x", [], {}, [None, 7, [[]], {"id": []}], {"text": 7}, 1 << 90])
def test_a_field_of_the_wrong_type_does_not_lose_the_act(field: str, wrong: Any) -> None:
    assert only("x", tweet() | {"data": tweet()["data"] | {field: wrong}}).id == f"x:7/{ID}"
    for includes in (wrong, {"users": wrong, "tweets": wrong}, {"users": [wrong], "tweets": [wrong]}):
        assert only("x", tweet() | {"includes": includes}).id == f"x:7/{ID}"


@pytest.mark.parametrize(
    ("message", "matters"),
    [
        (tweet("I love ACME"), True),
        (tweet("I love cats"), False),
        (tweet("short", note_tweet={"text": "and then Acme"}), True),
        (tweet("RT @bob: x…", **refer("retweeted"), tweets=bob(text="all of Acme")), True),
        (tweet("x", entities={"urls": [{"expanded_url": "https://acme.example/a"}]}), True),
        (tweet("x", note_tweet={"entities": {"urls": [{"unwound_url": "https://acme.example/a"}]}}), True),
        (tweet("x", entities={"mentions": [{"username": "us", "id": "99"}]}), True),
        (tweet("x", entities={"mentions": [{"username": "us"}]}, users=[{"id": "99", "username": "Us"}]), True),
        (tweet("x", entities={"mentions": [{"username": "us"}]}), False),
        (tweet("x", in_reply_to_user_id="99"), True),
        (tweet("x", in_reply_to_user_id="8"), False),
        (tweet("x", **refer("quoted"), tweets=bob(author_id="99")), True),
        (tweet("x", **refer("retweeted"), tweets=bob(author_id="99")), True),
        (tweet("x", **refer("retweeted"), tweets=bob(entities={"mentions": [{"id": "99"}]})), True),
    ],
)
def test_a_post_matters_when_it_is_about_us(message: Any, matters: bool) -> None:
    found = read("x", message, relevance=BRAND)
    assert (len(found.arrivals), found.irrelevant) == ((1, 0) if matters else (0, 1))


def test_our_answer_goes_to_whom_it_answers_and_so_does_its_delete() -> None:
    answer = tweet("sorry", author_id="99", **refer("replied_to", in_reply_to_user_id="8"))
    (address, act), (memory, told) = events("x", answer, relevance=BRAND)
    assert (address, act.role, memory) == ("account:x:8", "reply", f"post:x:99/{ID}")
    assert told == Authored("account:x:8", act.id, NOW)
    deleted = compliance("delete", tweet={"id": ID, "author_id": "99"})
    assert events("x", deleted, relevance=BRAND)[1] == (memory, GonePost(NOW - 60_000, NOW))


@pytest.mark.parametrize("relevance", [BRAND, RelevanceSettings(relevance="all", accounts=BRAND.accounts)])
@pytest.mark.parametrize(
    "message",
    [
        tweet("Acme news", author_id="99"),
        tweet("more", author_id="99", in_reply_to_user_id="99"),
        tweet("look", author_id="99", tweets=bob(), **refer("quoted")),
    ],
)
def test_our_acts_that_answer_nobody_do_not_matter(message: Any, relevance: RelevanceSettings) -> None:
    found = read("x", message, relevance=relevance)
    assert (found.arrivals, found.irrelevant) == ([], 1)
