"""`rapport replay`: the same files give the same bytes, and every relevant act is accounted for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from schemas.generate import PUBLISHED
from schemas.topics import OUTPUTS, topics
from tests.cli.payloads import AT, AT_US, post
from tests.cli.shell import SAMPLES, Answer, ask
from tests.cli.subscriber import Subscriber, contents

CAPTURE = SAMPLES / "bluesky" / "jetstream_v1_capture_20260704.jsonl"
FILES = sorted(f"{topics('rapport')[name].name}.jsonl" for name in (*OUTPUTS, "dlq"))


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world in files, with some broken payloads."""
    folder = tmp_path_factory.mktemp("world")
    answer = ask(
        "generate", "--out", folder, "--count", "500", "--customers", "25", "--relevant", "0.6",
        "--broken", "0.02", "--seed", "7",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    return folder


def replayed(world: Path, out: Path, *options: str) -> Any:
    files = [path for path in sorted(world.glob("*.jsonl")) if path.stem != "truth"]
    inputs = [part for path in files for part in ("--in", f"{path.stem}={path}")]
    answer = ask("replay", *inputs, "--config", world / "rapport.toml", "--out", out, "--json", *options)
    assert answer.code == 0, answer.err
    return answer.json


class Desk:
    """Files of one's own, and what came of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"
        self.config = folder / "c.toml"
        self.config.write_text('[relevance]\nrelevance = "all"\n', encoding="utf-8")

    def file(self, name: str, *lines: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines))
        return path

    def replay(self, *options: str | Path, code: int = 0, **inputs: Path) -> Answer:
        given = [part for name, path in inputs.items() for part in ("--in", f"{name.replace('__', '.')}={path}")]
        answer = ask("replay", *given, "-c", self.config, "--out", self.out, "--json", *options)
        assert answer.code == code, answer.err
        return answer

    @property
    def knows(self) -> Subscriber:
        return Subscriber(self.out)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# ---------------------------------------------------------------- generated traffic
def test_who_said_it_is_who_it_was(generated: Path, tmp_path: Path) -> None:
    """The generator knows whose every act is; the engine must find out, and nothing else."""
    summary = replayed(generated, tmp_path)
    truth = {}
    for line in (generated / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        truth[entry["act"]] = entry["customer"]
    pairs = Subscriber(tmp_path).pairs()
    assert pairs == {act: customer for act, customer in truth.items() if customer is not None}
    assert len(pairs) > 50
    assert summary["rejected"] > 0
    assert summary["acts"]["adds_up"]


def test_the_same_files_and_seed_give_the_same_bytes(generated: Path, tmp_path: Path) -> None:
    one, two = (replayed(generated, tmp_path / name, "--seed", "3") for name in ("one", "two"))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert one == two
    assert sorted(contents(tmp_path / "one")) == FILES


def test_three_seeds_know_the_same(generated: Path, tmp_path: Path) -> None:
    known = []
    for seed in ("0", "1", "2"):
        replayed(generated, tmp_path / seed, "--seed", seed)
        known.append(Subscriber(tmp_path / seed).knows())
    assert known[0] == known[1] == known[2]
    assert contents(tmp_path / "0") != contents(tmp_path / "1"), "another interleaving"


def test_time_that_runs_on_seals_every_act(generated: Path, tmp_path: Path) -> None:
    stopped = replayed(generated, tmp_path / "stopped")["acts"]
    ran = replayed(generated, tmp_path / "ran", "--until", "2026-01-12T00:00:00Z")
    acts = ran["acts"]
    assert ran["time"] == "2026-01-12T00:00:00.000Z"
    assert stopped["open"] > 0
    assert acts["open"] == 0
    assert acts["adds_up"]
    assert acts["unmatched"] > stopped["unmatched"]
    assert Subscriber(tmp_path / "ran").pairs() == Subscriber(tmp_path / "stopped").pairs()


def test_every_line_is_what_is_published_of_it(generated: Path, tmp_path: Path) -> None:
    replayed(generated, tmp_path)
    seen = 0
    for name in OUTPUTS:
        schema = json.loads((PUBLISHED / f"{name}.json").read_bytes())
        validator = jsonschema.Draft202012Validator(schema)
        for line in Subscriber(tmp_path).lines(topics("rapport")[name].name):
            assert list(line) == ["key", "headers", "value"]
            if line["value"] is None:
                assert line["headers"] == {}
                continue
            validator.validate(line["value"])
            assert line["headers"]["ce_type"] == f"rapport.{name}.v1"
            assert line["headers"]["ce_subject"] == line["key"]
            seen += 1
    assert seen > 100


# ---------------------------------------------------------------- a real capture
@pytest.mark.skipif(not CAPTURE.exists(), reason="the samples are not here")
def test_a_real_capture_joins_the_customers_that_a_file_names(tmp_path: Path) -> None:
    authors = list(dict.fromkeys(json.loads(line)["did"] for line in CAPTURE.read_bytes().splitlines()))[:30]
    people = tmp_path / "people.csv"
    rows = [f"{number},Person {number},gold,{did}" for number, did in enumerate(authors)]
    people.write_text("\n".join(["id,name,tier,bluesky", *rows]), encoding="utf-8")
    config = tmp_path / "c.toml"
    config.write_text('[relevance]\nrelevance = "all"\n', encoding="utf-8")

    def run(out: str, *options: str) -> Any:
        given = ("--in", f"bluesky.jetstream={CAPTURE}", "--in", f"contacts={people}")
        answer = ask("replay", *given, "--config", config, "--out", tmp_path / out, "--json", *options)
        assert answer.code == 0, answer.err
        return answer.json

    summary = run("0")
    pairs = Subscriber(tmp_path / "0").pairs()
    assert {act.split("/")[0].removeprefix("bluesky:") for act in pairs} <= set(authors)
    assert len(pairs) == summary["acts"]["enriched"] >= 25
    assert summary["acts"]["adds_up"]
    assert summary["acts"]["acts"] == summary["acts"]["enriched"] + summary["acts"]["open"]
    assert summary["rejected"] == 0
    assert sorted(contents(tmp_path / "0")) == FILES
    run("again")
    assert contents(tmp_path / "0") == contents(tmp_path / "again")
    for seed in ("1", "2"):
        run(seed, "--seed", seed)
        assert Subscriber(tmp_path / seed).knows() == Subscriber(tmp_path / "0").knows()


# ---------------------------------------------------------------- files
def test_contacts_are_read_first_whatever_the_order(desk: Desk) -> None:
    sky = desk.file("sky.jsonl", post("did:plc:ann", "1", "hello"))
    people = desk.file("people.csv", "id;name;bluesky", "1;Ann;did:plc:ann", "2;Bea;did:plc:bea")
    desk.replay(bluesky__jetstream=sky, contacts=people)
    one = contents(desk.out)
    desk.replay(contacts=people, bluesky__jetstream=sky)
    assert contents(desk.out) == one
    assert desk.knows.pairs() == {"bluesky:did:plc:ann/app.bsky.feed.post/1": "contacts:contact:1"}


def test_a_delivery_says_when_it_came_and_holds_its_body_as_json_or_text(desk: Desk) -> None:
    change = {
        "eventId": 1, "subscriptionId": 1, "portalId": 1, "occurredAt": AT_US // 1000, "attemptNumber": 0,
        "objectId": 51, "subscriptionType": "contact.propertyChange", "propertyName": "firstname", "propertyValue": "Ann",
    }  # fmt: skip
    other = change | {"eventId": 2, "objectId": 52, "propertyValue": "Bea"}
    hubspot = desk.file(
        "hub.jsonl",
        json.dumps({"received_at": AT, "headers": {"x": "y"}, "body": [change]}),
        json.dumps({"received_at": AT_US // 1000 + 500, "body": json.dumps([other])}),
    )
    summary = desk.replay(hubspot__webhook=hubspot).json
    assert summary["time"] == "2026-03-01T12:00:00.500Z"
    assert {value["name"] for value in desk.knows.profiles().values()} == {"Ann", "Bea"}


def test_files_are_merged_by_time(desk: Desk) -> None:
    one = desk.file("one.jsonl", *(post("did:plc:ann", f"a{n}", "x", second=n * 10) for n in range(5)))
    two = desk.file("two.jsonl", *(post("did:plc:bea", f"b{n}", "x", second=n * 10 + 5) for n in range(5)))
    people = desk.file("people.jsonl", '{"id":"1","bluesky":"did:plc:ann"}', '{"id":"2","bluesky":"did:plc:bea"}')
    desk.replay("--in", f"bluesky.jetstream={two}", bluesky__jetstream=one, contacts=people)
    order = [line["value"]["act"]["id"].rpartition("/")[2] for line in desk.knows.lines("social.enriched")]
    assert order == ["a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3", "a4", "b4"]


@pytest.mark.parametrize("name", ["mastodon", "x"])
def test_what_does_not_say_when_it_was_received_was_received_when_it_was_done(
    generated: Path, desk: Desk, name: str
) -> None:
    deliveries = [
        json.loads(line) for line in (generated / f"{name}.jsonl").read_bytes().splitlines() if b'"body"' in line
    ]
    bare = desk.file(f"{name}.jsonl", *(json.dumps(delivery["body"]) for delivery in deliveries))
    desk.config = generated / "rapport.toml"
    summary = desk.replay("--in", f"{name}={bare}", "--until", "2026-01-12T00:00:00Z").json
    assert summary["rejected"] == 0
    assert summary["acts"]["adds_up"]
    acts = [line["value"]["act"] for line in desk.knows.lines("social.unmatched")]
    assert len(acts) > 5
    for act in acts:
        assert "2026-01-04" < act["at"] <= act["received_at"] < "2026-01-06"


def test_nothing_to_read_is_fine(desk: Desk) -> None:
    summary = desk.replay(contacts=desk.file("empty.csv")).json
    assert (summary["time"], summary["inputs"], summary["acts"]["acts"]) == (None, {}, 0)
    assert sorted(contents(desk.out)) == FILES


def test_one_broken_time_does_not_make_a_century_pass(desk: Desk) -> None:
    lines = [post("did:plc:ann", str(n), "x", second=n) for n in range(3)]
    lines[1] = lines[1].replace(f'"time_us": {AT_US + 1_000_000}', '"time_us": 253402300799000000')
    people = desk.file("people.jsonl", '{"id":"1","bluesky":"did:plc:ann"}')
    summary = desk.replay(bluesky__jetstream=desk.file("sky.jsonl", *lines), contacts=people).json
    assert summary["time"] == "2026-03-01T12:00:02.000Z"
    assert summary["acts"]["enriched"] == 3


def test_what_is_broken_is_in_the_dead_letters_and_its_neighbours_are_not(desk: Desk) -> None:
    large = b'{"did":"did:plc:ann","kind":"commit","text":"' + b"x" * (20 << 20) + b'"}'
    sky = desk.file(
        "sky.jsonl", post("did:plc:ann", "1", "a"), b"{broken", b"\xff\xfe", b"[" * 100_000, large, b"null",
        post("did:plc:ann", "2", "b", second=1),
    )  # fmt: skip
    people = desk.file("people.jsonl", '{"id":"1","bluesky":"did:plc:ann"}', "17")
    summary = desk.replay(bluesky__jetstream=sky, contacts=people).json
    assert summary["inputs"]["raw.bluesky.jetstream"]["payloads"] == 7
    assert summary["inputs"]["raw.bluesky.jetstream"]["rejected"] == 5
    assert summary["inputs"]["raw.contacts"]["rejected"] == 1
    assert summary["acts"]["enriched"] == 2
    letters = desk.knows.lines("rapport.dlq")
    assert len(letters) == 6
    assert all(letter["headers"]["cause"] for letter in letters)
    assert "{broken" in [letter["value"] for letter in letters]


def test_the_table_is_for_people(desk: Desk) -> None:
    sky = desk.file("sky.jsonl", post("did:plc:ann", "1", "hello"), "{broken")
    answer = ask("replay", "--in", f"bluesky.jetstream={sky}", "-c", desk.config, "--out", desk.out)
    assert answer.code == 0
    for text in (
        "raw.bluesky.jetstream",
        "rejected 1×",
        "social.enriched.jsonl",
        "acts: 0 enriched",
        "1 still open",
        "= 1",
    ):
        assert text in answer.out


def test_rules_of_ones_own_are_used(desk: Desk) -> None:
    rules = desk.folder / "rules"
    rules.mkdir()
    (rules / "r.yaml").write_text("- rule: every-word\n  when: {act.kind: post}\n", encoding="utf-8")
    sky = desk.file("sky.jsonl", post("did:plc:ann", "1", "hello"))
    people = desk.file("people.jsonl", '{"id":"1","bluesky":"did:plc:ann"}')
    desk.replay("--rules", rules, bluesky__jetstream=sky, contacts=people)
    assert {line["value"]["rule"] for line in desk.knows.lines("alerts")} == {"every-word"}


# ---------------------------------------------------------------- what is wrong
def test_every_wrong_input_is_named_at_once(desk: Desk) -> None:
    answer = ask(
        "replay", "--in", "blusky=x.jsonl", "--in", "contacts=nowhere.csv", "--in", "what", "-c", desk.config, "--out", desk.out
    )  # fmt: skip
    assert answer.code == 1
    for text in (
        "--in: blusky=x.jsonl: want one of bluesky.jetstream",
        "--in: contacts=nowhere.csv: want a file that can be read, got No such file or directory; check the path",
        "--in: what: want FORMAT=FILE, got 'what'; write it like contacts=people.csv",
    ):
        assert text in answer.err
    assert not desk.out.exists(), "nothing was started"


def test_wrong_configuration_and_rules_are_named_at_once(desk: Desk) -> None:
    desk.config.write_text("[engine]\npartitons = 3\n[score]\nhalf_life_ms = 1\n", encoding="utf-8")
    rules = desk.file("r.yaml", "- rule: one", "  when: {customer.tear: gold}")
    sky = desk.file("sky.jsonl", post("did:plc:ann", "1", "hello"))
    answer = desk.replay("--rules", rules, code=1, bluesky__jetstream=sky)
    problems = answer.json["problems"]
    assert [problem["path"] for problem in problems] == [
        "engine.partitons",
        "score.half_life_ms",
        "one.when.customer.tear",
    ]
    assert all(problem["want"] and problem["got"] and problem["fix"] and problem["line"] for problem in problems)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda desk: desk.config.write_text("", encoding="utf-8"), 'or set relevance.relevance = "all"'),
        (
            lambda desk: desk.config.write_text(
                '[relevance]\nrelevance = "all"\n[[inputs]]\nname = "a"\nformat = "bluesky.jetstream"\n'
                '[[inputs]]\nname = "b"\nformat = "bluesky.jetstream"\n',
                encoding="utf-8",
            ),
            "want one of the inputs a, b, got 'bluesky.jetstream'; name the input",
        ),
    ],
)
def test_an_input_that_cannot_be_what_is_meant(desk: Desk, make: Callable[[Desk], Any], text: str) -> None:
    make(desk)
    sky = desk.file("sky.jsonl", post("did:plc:ann", "1", "hello"))
    answer = ask("replay", "--in", f"bluesky.jetstream={sky}", "-c", desk.config, "--out", desk.out)
    assert answer.code == 1
    assert text in answer.err


def test_a_format_that_needs_options_says_which(desk: Desk) -> None:
    answer = ask("replay", "--in", f"mastodon.stream={desk.file('m.jsonl')}", "-c", desk.config, "--out", desk.out)
    assert answer.code == 1
    assert "inputs[0].server: want a host name, got nothing" in answer.err


def test_a_time_that_is_none_is_wrong_usage(desk: Desk) -> None:
    sky = desk.file("sky.jsonl", post("did:plc:ann", "1", "hello"))
    answer = ask("replay", "--in", f"bluesky.jetstream={sky}", "--out", desk.out, "--until", "tomorrow")
    assert answer.code == 2
