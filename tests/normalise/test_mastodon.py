"""Mastodon's streams, in every form they are kept in."""

import json
from typing import Any

import pytest

from config.settings import RelevanceSettings
from schemas.events import Act, Authored, GonePost, ReplyTo
from tests.normalise.social import ALL, BRAND, NOW, events, only, read, records, refusal, status
from topologies.normalise import mastodon
from topologies.normalise.relevance import relevance_of

ID = "117024236332527350"
ACT_ID = f"mastodon:social.example/{ID}"
POST = f"post:{ACT_ID}"
ANN = "account:mastodon:ann@social.example"
BOB = {"id": "8", "acct": "Bob@Far.example", "username": "Bob"}
US = {"id": "9", "acct": "us", "username": "us"}


def act(payload: Any, **kwargs: Any) -> Act:
    """The act of a status, which comes first."""
    (_, found), (address, authored) = events("mastodon", payload, **kwargs)
    assert address == f"post:{found.id}"
    assert isinstance(authored, Authored)
    assert isinstance(found, Act)
    return found


def sse(name: str, data: str) -> bytes:
    return f"event: {name}\ndata: {data}\n\n".encode()


def ws(name: str, payload: Any) -> dict[str, Any]:
    return {"stream": ["public"], "event": name, "payload": payload}


def test_a_status_is_an_act_and_its_post_remembers_the_author() -> None:
    assert events("mastodon", status("<p>Hi &amp; bye<br>you</p>", language="en")) == [
        (
            ANN,
            Act(
                id=ACT_ID,
                version="001783166340000",
                at=NOW - 60_000,
                received_at=NOW,
                source="mastodon",
                kind="post",
                uri=f"https://social.example/@ann/{ID}",
                text="Hi & bye\nyou",
                lang="en",
                name="Ann",
            ),
        ),
        (POST, Authored(ANN, ACT_ID, NOW)),
    ]


@pytest.mark.parametrize(
    "payload",
    [
        sse("update", json.dumps(status())),
        sse("update", json.dumps(status()).replace('"content"', '\ndata: "content"')),
        f"event:update\r\ndata:{json.dumps(status())}\r\n".encode(),
        b"data: " + json.dumps(status()).encode(),
        b":thump\n\nid: 7\nretry: 100\nevent: update\ndata: " + json.dumps(status()).encode(),
        ws("update", json.dumps(status())),
        ws("update", json.dumps(status(), ensure_ascii=True)),
        ws("update", status()),
        status(),
        [status()],
        b"\xef\xbb\xbf" + json.dumps(status()).encode(),
    ],
)
def test_however_it_is_kept_it_says_the_same(payload: Any) -> None:
    assert events("mastodon", payload) == events("mastodon", status())


@pytest.mark.parametrize(
    "payload",
    [
        f"event: delete\ndata: {ID}\n\n".encode(),
        f"data: {ID}".encode(),
        ID.encode(),
        f"{ID}\r\n".encode(),
        f'"{ID}"'.encode(),
        ws("delete", ID),
        ws("delete", int(ID)),
        f'{{"event":"delete","payload":{ID}}}'.encode(),
    ],
)
def test_a_delete_is_told_to_the_post_because_it_names_nobody(payload: Any) -> None:
    for relevance in (ALL, BRAND):
        assert events("mastodon", payload, relevance=relevance) == [(POST, GonePost(NOW, NOW))]


def test_ids_are_texts_and_need_not_be_numbers() -> None:
    assert events("mastodon", ws("delete", "AvkW4hLd5E")) == [
        ("post:mastodon:social.example/AvkW4hLd5E", GonePost(NOW, NOW))
    ]
    assert act(status(id="AvkW4hLd5E")).id == "mastodon:social.example/AvkW4hLd5E"
    assert act(status(id=int(ID))).id == ACT_ID
    gone = {"id": ID, "text": "source", "account": {"acct": "ann"}}
    assert events("mastodon", gone) == [(POST, GonePost(NOW, NOW))]


def test_an_edit_is_a_later_version_of_the_same_act() -> None:
    edited = sse("status.update", json.dumps(status(edited_at="2026-07-04T12:05:00.000Z")))
    first, second = act(status()), act(edited)
    assert (first.id, first.at) == (second.id, second.at)
    assert first.version < second.version
    assert act(status(created_at="?", edited_at=None)).version == "000000000000000"


@pytest.mark.parametrize(
    ("acct", "identifier"),
    [
        ("ann", "mastodon:ann@social.example"),
        ("Ann", "mastodon:ann@social.example"),
        ("ann@Far.Example", "mastodon:ann@far.example"),
        ("ann@bücher.example", "mastodon:ann@xn--bcher-kva.example"),
    ],
)
def test_accounts_have_one_spelling_whichever_server_tells_of_them(acct: str, identifier: str) -> None:
    ((address, _), _) = events("mastodon", status(acct=acct))
    assert address == f"account:{identifier}"
    assert act(status(mentions=[{"id": "1", "acct": acct}])).targets == (identifier,)


def test_a_server_with_a_port_names_accounts_without_it() -> None:
    form = mastodon.Streaming("Social.Example:3000", relevance_of(ALL))
    (address, event), _ = form.parse(records([json.dumps(status()).encode()])[0]).events
    assert (address, event.id) == (ANN, f"mastodon:social.example:3000/{ID}")


def test_a_reply_names_what_it_answers_and_whom() -> None:
    found = act(status(in_reply_to_id="5", in_reply_to_account_id="8", mentions=[US, BOB]))
    assert (found.kind, found.in_reply_to) == ("reply", "mastodon:social.example/5")
    assert found.targets == ("mastodon:bob@far.example", "mastodon:us@social.example")
    own_thread = act(status(in_reply_to_id="5", in_reply_to_account_id="7"))
    assert (own_thread.kind, own_thread.targets) == ("reply", ("mastodon:ann@social.example",))


def test_a_boost_is_an_act_of_who_boosts_with_the_words_of_the_boosted() -> None:
    boosted = status("<p>cats</p>", acct="Bob@Far.example", language="de", url="https://far.example/@bob/1")
    found = act(
        status("", reblog=boosted, url=f"https://social.example/users/ann/statuses/{ID}/activity", language=None)
    )
    assert (found.kind, found.text, found.lang) == ("repost", "cats", "de")
    assert (found.targets, found.uri, found.id) == (("mastodon:bob@far.example",), "https://far.example/@bob/1", ACT_ID)


@pytest.mark.parametrize(
    ("quote", "kind", "targets"),
    [
        (None, "post", ()),
        ({"state": "accepted", "quoted_status": {"account": BOB}}, "quote", ("mastodon:bob@far.example",)),
        ({"state": "accepted", "quoted_status_id": "5"}, "quote", ()),
        ({"state": "revoked", "quoted_status": None}, "post", ()),
        ({"id": "5", "account": BOB}, "quote", ("mastodon:bob@far.example",)),
        ("junk", "post", ()),
    ],
)
def test_a_quote_comes_in_several_shapes(quote: Any, kind: str, targets: tuple[str, ...]) -> None:
    found = act(status(quote=quote))
    assert (found.kind, found.targets) == (kind, targets)


def test_what_is_said_in_private_is_a_message() -> None:
    direct = status(visibility="direct", mentions=[US])
    assert act(direct).kind == "dm"
    conversation = {"id": "6", "unread": True, "accounts": [BOB], "last_status": direct}
    assert act(sse("conversation", json.dumps(conversation))) == act(direct)
    assert read("mastodon", conversation | {"last_status": None}).irrelevant == 1


def test_a_warning_is_part_of_the_text() -> None:
    assert act(status("<p>down again</p>", spoiler_text=" Acme "), relevance=BRAND).text == "Acme\ndown again"


def test_one_mention_told_twice_is_one_act() -> None:
    note = {"id": "14", "type": "mention", "created_at": "2026-07-04T11:59:00Z", "account": BOB, "status": status()}
    assert events("mastodon", sse("notification", json.dumps(note))) == events("mastodon", status())


def test_a_favourite_and_a_follow_are_known_from_their_notification_only() -> None:
    note = {"id": "14", "type": "favourite", "created_at": "2026-07-04T11:59:00.000Z", "account": BOB}
    ours = note | {"status": {"id": "1", "account": US}}
    ((address, like),) = events("mastodon", ours, relevance=BRAND)
    assert (address, like.kind, like.targets) == (
        "account:mastodon:bob@far.example",
        "like",
        ("mastodon:us@social.example",),
    )
    assert like.id == "mastodon:social.example/14/notification"
    assert read("mastodon", note | {"status": {"account": BOB}}, relevance=BRAND).irrelevant == 1
    follow = only("mastodon", note | {"type": "follow"}, relevance=BRAND)
    assert (follow.kind, follow.targets) == ("follow", ("mastodon:us@social.example",))


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"", "keep-alive"),
        (b"\r\n", "keep-alive"),
        (b":)\n", "keep-alive"),
        (b":thump\n\n", "keep-alive"),
        (b"event: update", "keep-alive"),
        (b"undefined", "undefined"),
        (b"data: undefined", "undefined"),
        (b"event: filters_changed\ndata: undefined\n\n", "filters_changed"),
        ({"stream": ["user"], "event": "filters_changed"}, "filters_changed"),
        (sse("announcement.delete", "8"), "announcement.delete"),
        (ws("weather", "{}"), "another event"),
        ({"error": "Missing access token", "status": 401}, "error"),
        ({"id": "1", "acct": "ann", "url": "u"}, "account"),
        ({"ancestors": [], "descendants": []}, "context"),
        ({"statuses": [], "accounts": [], "notification_groups": []}, "grouped notifications"),
        ({"statuses": []}, "search results"),
        ({"state": "accepted", "quoted_status": {}}, "quote"),
        ({"content": "c", "account": US, "created_at": "t"}, "status edit"),
        ({"id": "1", "type": "reblog", "account": BOB}, "notification reblog"),
        ({"id": "1", "type": "weather", "account": BOB}, "another notification"),
        ({"hello": 1}, "another object"),
        (b"[]", "empty list"),
    ],
)
def test_kinds_that_are_not_ours_are_counted_by_name(payload: Any, kind: str) -> None:
    found = read("mastodon", payload)
    assert (found.arrivals, found.refusals, found.unknown) == ([], [], {kind: 1})


@pytest.mark.parametrize(
    ("payload", "path", "cause"),
    [
        (None, "$", "null value"),
        (b"acme <html>", "$", "event stream"),
        (b"event: \xff", "$", "UTF-8"),
        (b'{"id":', "$", "no JSON"),
        (b"[" * 100_000, "$", "nested"),
        (b"17", "$", "event stream"),
        (b'"17"', "$", "want an object, got a text"),
        (b"data: 17", "$.data", "want an object, got a number"),
        ([[]], "$[0]", "want an object, got a list"),
        ([7], "$[0]", "want an object, got a number"),
        (sse("update", "{"), "$.data", "no JSON"),
        (sse("delete", '""'), "$.data", "want the id of a status"),
        (ws("update", "[]"), "$.payload", "want an object, got a list"),
        (ws("update", None), "$.payload", "want an object, got null"),
        (ws("delete", {}), "$.payload", "want the id of a status"),
        (status(id=None), "$.id", "want an id"),
        (status(id=1.5), "$.id", "want an id"),
        (status(id="x" * 300), "$.id", "want an id"),
        (status(account=None), "$.account.acct", "want a name"),
        (status(acct="a b"), "$.account.acct", "want a name"),
        (ws("update", json.dumps(status(acct=""))), "$.payload.account.acct", "want a name"),
        ({"id": "1", "type": "mention", "account": BOB}, "$.status", "want an object, got null"),
        ({"last_status": status(id=[])}, "$.last_status.id", "want an id"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_path(payload: Any, path: str, cause: str) -> None:
    found_path, found_cause = refusal("mastodon", payload)
    assert found_path == path
    assert cause in found_cause


def test_one_part_that_cannot_be_read_does_not_hurt_the_others() -> None:
    transcript = b":)\n" + sse("update", json.dumps(status())) + sse("update", "{") + sse("delete", ID)
    found = read("mastodon", transcript)
    assert [type(arrival.event).__name__ for arrival in found.arrivals] == ["Act", "Authored", "GonePost"]
    assert [refused.path for refused in found.refusals] == ["$.data"]
    found = read("mastodon", [status(), status(id=None), status()])
    assert (len(found.arrivals), [refused.path for refused in found.refusals]) == (4, ["$[1].id"])


OPTIONAL = (
    "uri", "url", "created_at", "edited_at", "spoiler_text", "language", "visibility", "in_reply_to_id", "mentions",
    "in_reply_to_account_id", "reblog", "quote", "card", "tags", "poll", "media_attachments",
)  # fmt: skip


@pytest.mark.parametrize("field", OPTIONAL)
@pytest.mark.parametrize(
    "wrong", [7, 1.5, True, "x", "", [], {}, [None, 7, [[]], {"acct": 7}], {"account": 8}, 1 << 90]
)
def test_a_field_of_the_wrong_type_does_not_lose_the_act(field: str, wrong: Any) -> None:
    found = act(status() | {field: wrong})
    assert found.id == ACT_ID
    assert field in {"reblog", "spoiler_text"} or found.text == "hello"


def test_links_that_nobody_should_click_are_not_handed_on() -> None:
    assert act(status(url="javascript:alert(1)", uri="tag:x")).uri == ""
    assert act(status(url=None)).uri.startswith("https://social.example/users/")
    assert act(status(url="https://a.example/" + "x" * 3_000, uri=None)).uri == ""


@pytest.mark.parametrize(
    ("payload", "matters"),
    [
        (status("<p>I love <b>AC</b>ME</p>"), True),
        (status("<p>caf&eacute;s</p>"), False),
        (status('<p><a href="https://acme.example/x">link</a></p>'), True),
        (status('<p><span class="invisible">https://www.</span>acme.example/</p>'), True),
        (status(card={"url": "https://shop.acme.example/"}), True),
        (status(mentions=[US]), True),
        (status(mentions=[{"id": "9", "acct": "us@social.example"}]), True),
        (status(mentions=[{"id": "9", "acct": "us@other.example"}]), False),
        (status(in_reply_to_id="1", in_reply_to_account_id="9", mentions=[US]), True),
        (status("", reblog=status("<p>x</p>", acct="us")), True),
        (status("", reblog=status("<p>acme</p>", acct="bob")), True),
        (status(quote={"state": "accepted", "quoted_status": status(acct="us")}), True),
        (status(), False),
    ],
)
def test_a_status_matters_when_it_is_about_us(payload: dict[str, Any], matters: bool) -> None:
    found = read("mastodon", payload, relevance=BRAND)
    assert (len(found.arrivals), found.irrelevant) == ((2, 0) if matters else (0, 1))


def test_our_answer_goes_by_the_post_it_answers() -> None:
    answer = status("<p>sorry</p>", acct="us", in_reply_to_id="5", in_reply_to_account_id="8", mentions=[BOB])
    (asked, told), (memory, authored) = events("mastodon", answer, relevance=BRAND)
    assert (asked, memory) == ("post:mastodon:social.example/5", POST)
    assert isinstance(told, ReplyTo)
    assert (told.act.id, told.act.role, told.act.kind) == (ACT_ID, "reply", "reply")
    assert authored == Authored("account:mastodon:bob@far.example", ACT_ID, NOW), "a delete of it must find Bob"
    # Without the mention the post that is answered knows, and nobody else.
    (only_told,) = events("mastodon", answer | {"mentions": []}, relevance=BRAND)
    assert isinstance(only_told[1], ReplyTo)


@pytest.mark.parametrize("relevance", [BRAND, RelevanceSettings(relevance="all", accounts=BRAND.accounts)])
@pytest.mark.parametrize(
    "payload",
    [
        status("<p>Acme news</p>", acct="us"),
        status("<p>more</p>", account=US, in_reply_to_id="5", in_reply_to_account_id="9"),
        status("", acct="us@social.example", reblog=status("<p>Acme</p>")),
    ],
)
def test_our_acts_that_answer_nobody_do_not_matter(payload: Any, relevance: RelevanceSettings) -> None:
    found = read("mastodon", payload, relevance=relevance)
    assert (found.arrivals, found.irrelevant) == ([], 1)
