"""Bluesky's Jetstream, frame by frame."""

from typing import Any

import pytest

from schemas.events import AccountStatus, Act, Authored, Gone, GonePost, Sighting
from tests.normalise.social import ALL, BRAND, NOW, events, normaliser, only, post, read, records, refusal, v1

ANN = "account:bluesky:did:plc:ann"
PARENT = {"uri": "at://did:plc:bob/app.bsky.feed.post/3parent", "cid": "b"}
OURS = {"uri": "at://did:plc:us/app.bsky.feed.post/3ours", "cid": "b"}


def v2(kind: str, **fields: Any) -> dict[str, Any]:
    payload = {"$type": f"network.bsky.jetstream.subscribeEvents#{kind}", "seq": 7, "did": "did:plc:ann"}
    return {"$type": "message", "payload": payload | {"time": "2026-07-04T12:00:00.000999Z"} | fields}


def test_a_post_is_an_act_of_its_author() -> None:
    assert events("bluesky", v1(post("héllo", langs=["pt-BR", "en"]))) == [
        (
            ANN,
            Act(
                id="bluesky:did:plc:ann/app.bsky.feed.post/3ka",
                version="3kb",
                at=NOW - 60_000,
                received_at=NOW,
                source="bluesky",
                kind="post",
                uri="https://bsky.app/profile/did:plc:ann/post/3ka",
                text="héllo",
                lang="pt-BR",
            ),
        )
    ]


def test_both_versions_of_the_wire_say_the_same() -> None:
    old = v1(post("hello"))
    new = v2("commit", **old["commit"])
    assert events("bluesky", old) == events("bluesky", new)
    assert events("bluesky", v1()) == events("bluesky", v2("commit", **v1()["commit"]))


def test_an_update_is_a_later_version_of_the_same_act() -> None:
    first, second = (
        only("bluesky", v1(post(), rev=rev, operation=op)) for rev, op in (("3k1", "create"), ("3k2", "update"))
    )
    assert first.id == second.id
    assert first.version < second.version


def test_a_delete_beats_what_was_there_and_not_what_comes_after() -> None:
    ((address, event),) = events("bluesky", v1(rev="3k2"), relevance=BRAND)
    assert (address, event) == (ANN, Gone("bluesky:did:plc:ann/app.bsky.feed.post/3ka", "3k2", NOW, NOW))


def test_a_reply_names_what_it_answers_and_whom() -> None:
    act = only("bluesky", v1(post(reply={"parent": PARENT, "root": OURS})))
    assert (act.kind, act.in_reply_to) == ("reply", "bluesky:did:plc:bob/app.bsky.feed.post/3parent")
    assert act.targets == ("bluesky:did:plc:bob",)


@pytest.mark.parametrize(
    ("embed", "kind", "targets"),
    [
        ({"$type": "app.bsky.embed.record", "record": PARENT}, "quote", ("bluesky:did:plc:bob",)),
        ({"$type": "app.bsky.embed.recordWithMedia", "record": {"record": PARENT}, "media": {}}, "quote", ("bluesky:did:plc:bob",)),
        ({"record": {"uri": "at://did:plc:bob/app.bsky.feed.generator/cats"}}, "post", ("bluesky:did:plc:bob",)),
        ({"$type": "app.bsky.embed.gallery", "items": [1]}, "post", ()),
        ({"record": {"uri": "at://bob.example/app.bsky.feed.post/3k"}}, "post", ()),
        ("images", "post", ()),
    ],
)  # fmt: skip
def test_a_quote_names_the_quoted(embed: Any, kind: str, targets: tuple[str, ...]) -> None:
    act = only("bluesky", v1(post(embed=embed)))
    assert (act.kind, act.targets) == (kind, targets)


def test_a_reply_that_quotes_is_a_reply_to_both() -> None:
    act = only("bluesky", v1(post(reply={"parent": PARENT}, embed={"record": OURS})))
    assert (act.kind, act.targets) == ("reply", ("bluesky:did:plc:bob", "bluesky:did:plc:us"))


@pytest.mark.parametrize(
    "index", [{"byteStart": 0, "byteEnd": 5}, {"byteStart": -4, "byteEnd": 1 << 70}, {"byteStart": "x"}, None, [1], {}]
)
def test_facets_count_wherever_they_say_they_stand(index: Any) -> None:
    features = [
        {"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:bob"},
        {"$type": "app.bsky.richtext.facet#link", "uri": "https://acme.example/x"},
        {"$type": "app.bsky.richtext.facet#tag", "tag": "cats"},
        {"did": "not a did"},
        "junk",
    ]
    frame = v1(post("日本 @bob", facets=[{"index": index, "features": features}, {"index": index}, 7]))
    act = only("bluesky", frame)
    assert (act.text, act.targets) == ("日本 @bob", ("bluesky:did:plc:bob",))
    assert events("bluesky", frame, relevance=BRAND) != []


@pytest.mark.parametrize(
    ("collection", "subject", "kind"),
    [
        ("app.bsky.feed.like", PARENT, "like"),
        ("app.bsky.feed.repost", PARENT, "repost"),
        ("app.bsky.graph.follow", "did:plc:bob", "follow"),
        ("app.bsky.graph.block", "did:plc:bob", "block"),
    ],
)
def test_acts_without_words_name_whom_they_are_about(collection: str, subject: Any, kind: str) -> None:
    act = only(
        "bluesky", v1({"subject": subject, "createdAt": "2026-07-04T11:59:00Z", "via": PARENT}, collection=collection)
    )
    assert (act.kind, act.targets, act.text, act.uri, act.at) == (kind, ("bluesky:did:plc:bob",), "", "", NOW - 60_000)
    assert act.id == f"bluesky:did:plc:ann/{collection}/3ka"


@pytest.mark.parametrize("subject", [None, 7, [], {}, "", "did:plc:", {"uri": 9}, {"uri": "at://did:plc:bob"}])
def test_an_act_about_nobody_is_still_an_act(subject: Any) -> None:
    assert only("bluesky", v1({"subject": subject}, collection="app.bsky.feed.like")).targets == ()


@pytest.mark.parametrize("field", ["text", "createdAt", "langs", "facets", "embed", "reply", "tags"])
@pytest.mark.parametrize("wrong", [None, 7, 1.5, True, "x", [], {}, [None, 7, [[]]], {"a": 1 << 80}])
def test_a_field_of_the_wrong_type_does_not_lose_the_act(field: str, wrong: Any) -> None:
    act = only("bluesky", v1(post("hello") | {field: wrong}))
    assert act.id == "bluesky:did:plc:ann/app.bsky.feed.post/3ka"
    assert field in {"text", "createdAt"} or (act.text, act.at) == ("hello", NOW - 60_000)


@pytest.mark.parametrize(
    ("created", "at", "flag"),
    [
        ("2026-07-04T12:01:00.000Z", NOW + 60_000, ""),
        ("2026-07-04T12:01:00.001Z", NOW, "clamped"),
        ("2005-12-31T23:59:59Z", NOW, "clamped"),
        ("9999-12-31T23:59:59.999Z", NOW, "clamped"),
        ("0000-01-01T00:00:00Z", NOW, "clamped"),
        ("0010-12-31T23:00:00.000Z", NOW, "clamped"),
        ("yesterday", NOW, "clamped"),
        (17, NOW, "clamped"),
        (None, NOW, ""),
        ("2026-07-04T11:00:00+00:00", NOW - 3_600_000, ""),
        ("2023-07-21T01:33:51.481951", 1_689_903_231_481, ""),
    ],
)
def test_a_claimed_time_is_believed_or_replaced(created: Any, at: int, flag: str) -> None:
    act = only("bluesky", v1(post(createdAt=created)))
    assert (act.at, act.flag, act.received_at) == (at, flag, NOW)


@pytest.mark.parametrize("time_us", [None, 0, -1, "7", 1.5, True, 10**18, 1 << 80, []])
def test_a_frame_without_a_time_of_its_own_has_that_of_the_log(time_us: Any) -> None:
    frame = v1(post()) | {"time_us": time_us}
    found = read("bluesky", frame)
    assert found.arrivals[0].received_at == NOW
    assert found.last_received_at == {0: NOW}


def test_the_last_receive_time_is_known_of_every_partition_though_nothing_was_parsed() -> None:
    batch = records([b'{"did":"did:plc:a","time_us":1783166400456789,"kind":"commit"}'])
    assert normaliser("bluesky", BRAND)(batch).last_received_at == {0: 1_783_166_400_456}
    new = records([b'{"$type":"message","payload":{"time":"2026-07-04T12:00:00.000999Z"}}', b"{}", None, b"\xff"])
    assert normaliser("bluesky", BRAND)(new[:1]).last_received_at == {0: NOW}
    assert normaliser("bluesky", BRAND)(new).last_received_at == {0: NOW}


def test_identity_is_a_sighting_where_a_handle_is() -> None:
    old = {"did": "did:plc:ann", "time_us": NOW * 1000, "kind": "identity"}
    new = v2("identity", identity={"did": "did:plc:ann", "handle": "Ann.Example", "time": "2026-07-04T11:59:59.000Z"})
    seen = (ANN, Sighting("handle:bluesky:ann.example", NOW - 1_000, NOW))
    assert events("bluesky", new, relevance=BRAND) == [seen]
    assert events("bluesky", old | {"identity": new["payload"]["identity"]}, relevance=BRAND) == [seen]
    for identity in ({}, {"handle": "handle.invalid"}, {"handle": 7}, {"handle": ""}, None, "x"):
        found = read("bluesky", old | {"identity": identity}, relevance=BRAND)
        assert (found.arrivals, found.refusals, found.irrelevant) == ([], [], 1)


@pytest.mark.parametrize(
    ("account", "hidden", "status"),
    [
        ({"active": True}, False, "active"),
        ({"active": False, "status": "deleted"}, True, "deleted"),
        ({"active": False, "status": "takendown"}, True, "takendown"),
        ({"active": False}, True, "inactive"),
        ({"active": False, "status": ["x"]}, True, "inactive"),
        ({"active": True, "status": "throttled"}, False, "throttled"),
    ],
)
def test_an_account_is_hidden_when_it_is_not_active(account: dict[str, Any], hidden: bool, status: str) -> None:
    account = account | {"time": "2026-07-04T11:59:59Z"}
    told = [(ANN, AccountStatus(hidden, status, NOW - 1_000, NOW))]
    frame = {"did": "did:plc:ann", "time_us": NOW * 1000, "kind": "account", "account": account}
    assert events("bluesky", frame, relevance=BRAND) == told
    assert events("bluesky", v2("account", account=account), relevance=BRAND) == told


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"kind": "heartbeat", "payload": "tick"}, "heartbeat"),
        ({"kind": "weather"}, "another kind of frame"),
        (v2("sync", sync={"blocks": {"$bytes": "eA=="}}), "sync"),
        ({"$type": "message", "payload": {"$type": "a#info", "name": "OutdatedCursor"}}, "info"),
        ({"$type": "message", "payload": {"$type": "a#weather"}}, "another kind of frame"),
        ({"$type": "error", "error": "ConsumerTooSlow", "message": "m"}, "error"),
        (v1({}, collection="app.bsky.actor.profile", rkey="self"), "app.bsky.actor.profile"),
        (v1({}, collection="fm.teal.alpha.actor.status", rkey="did:plc:x::did:web:y"), "another collection"),
        (v1(post(), operation="resync"), "another operation"),
    ],
)
def test_kinds_that_are_not_ours_are_counted_by_name(frame: dict[str, Any], kind: str) -> None:
    found = read("bluesky", frame)
    assert (found.arrivals, found.refusals, found.unknown) == ([], [], {kind: 1})


@pytest.mark.parametrize(
    ("payload", "path", "cause"),
    [
        (None, "$", "null value"),
        (b"", "$", "truncated"),
        (b"\xff\xfe", "$", ""),
        (b'{"kind":"commit","did":"\xff"}', "$", "UTF-8"),
        (b'{"did":"did:plc:ann","kind":"commit",', "$", "truncated"),
        (b'{"commit":' + b"[" * 100_000, "$.commit", "Expected `object | null`, got `array`"),
        (b'{"x":' + b"[" * 100_000, "$", "nested"),
        (b"[]", "$", "Expected `object`, got `array`"),
        ({}, "$.kind", "missing"),
        ({"kind": 7}, "$.kind", "Expected `str`, got `int`"),
        ({"kind": "commit", "did": 7}, "$.did", "Expected `str`, got `int`"),
        ({"kind": "commit"}, "$.commit", "missing"),
        ({"kind": "commit", "commit": {"rev": "1"}}, "$.commit.operation", "missing"),
        (v1(post(), rkey=None), "$.commit.rkey", "Expected `str`, got `null`"),
        (v1(post(), rkey="a b"), "$.commit.rkey", "record key"),
        (v1(post(), rkey="a" * 513), "$.commit.rkey", "record key"),
        (v1(post(), rev=""), "$.commit.rev", "revision"),
        (v1(post(), rev="~"), "$.commit.rev", "revision"),
        (v1(post(), did=""), "$.did", "missing"),
        (v1(post(), did="did:plc:a/b"), "$.did", "want a DID"),
        (v1({}) | {"commit": v1()["commit"] | {"operation": "create"}}, "$.commit.record", "want an object, got null"),
        (v2("commit", rev="1", operation="create", collection="app.bsky.feed.post"), "$.payload.rkey", "missing"),
        (v2("commit", **v1()["commit"]) | {"payload": {"$type": "a#commit", "did": 7}}, "$.payload.did", "Expected `str`"),
        ({"did": "did:plc:ann", "kind": "account", "account": {"active": "yes"}}, "$.account.active", "true or false"),
        ({"kind": "account", "account": {"active": True}}, "$.did", "missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_path(payload: Any, path: str, cause: str) -> None:
    found_path, found_cause = refusal("bluesky", payload)
    assert found_path == path
    assert cause in found_cause


def test_integers_of_any_size_stand_where_nobody_reads_them() -> None:
    assert only("bluesky", v1(post("hello", size=1 << 900, nested={"n": -(1 << 90)}))).text == "hello"


def test_no_field_of_an_act_grows_without_end() -> None:
    mentions = [{"features": [{"did": f"did:plc:{number}"}]} for number in range(500)]
    act = only("bluesky", v1(post("x" * 900_000, facets=mentions, langs=["e" * 400])))
    assert (len(act.text), len(act.targets), act.lang) == (25_000, 64, "")


@pytest.mark.parametrize(
    ("frame", "matters"),
    [
        (v1(post("I love ACME")), True),
        (v1(post("I love cats")), False),
        (v1(post("cats", tags=["acme"])), True),
        (v1(post("x", embed={"external": {"uri": "https://shop.acme.example/"}})), True),
        (
            v1(post("x", embed={"media": {"external": {"uri": "https://acme.example"}}, "record": {"record": PARENT}})),
            True,
        ),
        (v1(post("x", reply={"parent": OURS, "root": PARENT})), True),
        (v1(post("x", reply={"parent": PARENT, "root": OURS})), True),
        (v1(post("x", reply={"parent": PARENT, "root": PARENT})), False),
        (v1(post("x", embed={"record": OURS})), True),
        (v1(post("x", facets=[{"features": [{"did": "did:plc:us"}]}])), True),
        (v1({"subject": OURS}, collection="app.bsky.feed.like"), True),
        (v1({"subject": PARENT}, collection="app.bsky.feed.like"), False),
        (v1({"subject": OURS}, collection="app.bsky.feed.repost"), True),
        (v1({"subject": "did:plc:us"}, collection="app.bsky.graph.follow"), True),
        (v1({"subject": "did:plc:bob"}, collection="app.bsky.graph.follow"), False),
    ],
)
def test_an_act_matters_when_it_is_about_us(frame: dict[str, Any], matters: bool) -> None:
    found = read("bluesky", frame, relevance=BRAND)
    assert (len(found.arrivals), found.irrelevant) == ((1, 0) if matters else (0, 1))


def test_our_answer_goes_to_whom_it_answers_and_so_does_its_delete() -> None:
    reply = v1(post("sorry!", reply={"parent": PARENT, "root": OURS}), did="did:plc:us")
    (address, act), (memory, told) = events("bluesky", reply, relevance=BRAND)
    assert (address, act.role, act.kind) == ("account:bluesky:did:plc:bob", "reply", "reply")
    assert memory == f"post:{act.id}"
    assert told == Authored("account:bluesky:did:plc:bob", act.id, NOW)
    assert events("bluesky", v1(did="did:plc:us"), relevance=BRAND) == [
        ("account:bluesky:did:plc:us", Gone(act.id, "3kb", NOW, NOW)),
        (memory, GonePost(NOW, NOW)),
    ]


@pytest.mark.parametrize("relevance", [BRAND, BRAND.__class__(relevance="all", accounts=BRAND.accounts)])
@pytest.mark.parametrize(
    "frame",
    [
        v1(post("Acme is great"), did="did:plc:us"),
        v1(post("more", reply={"parent": OURS, "root": OURS}), did="did:plc:us"),
        v1(post("look", embed={"record": PARENT}), did="did:plc:us"),
        v1({"subject": PARENT}, collection="app.bsky.feed.like", did="did:plc:us"),
    ],
)
def test_our_acts_that_answer_nobody_do_not_matter(frame: dict[str, Any], relevance: Any) -> None:
    found = read("bluesky", frame, relevance=relevance)
    assert (found.arrivals, found.irrelevant) == ([], 1)


@pytest.mark.parametrize("relevance", [ALL, BRAND])
def test_one_that_cannot_be_read_does_not_hurt_its_batch(relevance: Any) -> None:
    found = read("bluesky", v1(post("Acme 1")), b"Acme {", None, v1(post("Acme 2")), relevance=relevance)
    assert [(arrival.index, arrival.event.text) for arrival in found.arrivals] == [(0, "Acme 1"), (3, "Acme 2")]
    assert [refused.index for refused in found.refusals] == [1, 2]
