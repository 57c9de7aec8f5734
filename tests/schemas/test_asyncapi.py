"""The AsyncAPI document is one that tools can read, and says of every topic what the code does."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from schemas.asyncapi import APP, document
from schemas.generate import PUBLISHED
from schemas.topics import OUTPUTS, topics
from streams.runtime.codec import letter_headers
from streams.runtime.ports import LogRecord
from tests.schemas.asyncapi_rules import problems
from tests.support.published import validator_of

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples" / "asyncapi"


def test_the_document_is_as_the_specification_wants_it() -> None:
    assert problems(document(), PUBLISHED) == []


@pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not there")
def test_documents_of_others_are_as_our_rules_want_them() -> None:
    """Rules that refuse good documents would say nothing about ours."""
    for path in sorted(SAMPLES.glob("*.yml")):
        assert problems(YAML(typ="safe").load(path)) == [], path.name


def _set(*path: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(found: dict[str, Any]) -> None:
        for name in path[:-1]:
            found = found[name]
        found[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "want"),
    [
        (_set("asyncapi", to="2.6.0"), "#/asyncapi: want 3.x"),
        (_set("info", to={"title": "x"}), "#/info/version: missing"),
        (_set("channels", "alerts", "subscribe", to={}), "#/channels/alerts/subscribe: no field of a channel"),
        (_set("channels", "alerts", "address", to="{team}.alerts"), "#/channels/alerts: parameters []"),
        (_set("channels", "late", "parameters", to={}), "#/channels/late: parameters []"),
        (_set("channels", "late", "parameters", "app", "schema", to={}), "#/channels/late/parameters/app/schema: no"),
        (_set("operations", "send_alerts", "action", to="publish"), "#/operations/send_alerts/action: want send"),
        (_set("operations", "send_alerts", "channel", "$ref", to="#/channels/none"), "leads nowhere"),
        (_set("components", "messages", "alerts", "payload", "schema", "$ref", to="./none.json"), "there is no file"),
        (_set("components", "messages", "alerts", "payload", to={"schemaFormat": "x"}), "payload/schema: missing"),
        (_set("components", "messages", "alerts", "contentType", to="json"), "contentType: want type/subtype"),
        (_set("components", "message", to={}), "#/components/message: no field of a components"),
    ],
)
def test_what_is_wrong_would_be_found(change: Callable[[dict[str, Any]], None], want: str) -> None:
    broken = copy.deepcopy(document())
    change(broken)
    assert any(want in found for found in problems(broken, PUBLISHED)), problems(broken, PUBLISHED)


def test_every_topic_is_in_it_with_its_policy() -> None:
    channels = document()["channels"]
    assert set(channels) == {*topics(APP), "raw"}
    for name, spec in topics(APP).items():
        assert channels[name]["address"] == spec.name
        kafka = channels[name]["bindings"]["kafka"]["topicConfiguration"]
        assert kafka["cleanup.policy"] == [spec.policy]
        assert kafka.get("retention.ms") == spec.retention_ms


def test_what_is_written_for_others_is_sent_and_what_is_not_is_marked() -> None:
    found = document()
    sent = {name.removeprefix("send_") for name, one in found["operations"].items() if one["action"] == "send"}
    assert sent == {*OUTPUTS, "dlq"}
    assert found["operations"]["receive_raw"]["action"] == "receive"
    internal = {name for name, channel in found["channels"].items() if channel.get("tags")}
    assert internal == {"inbox", "changelog", "progress", "models"}


def test_compacted_outputs_say_that_a_key_can_be_erased() -> None:
    found = document()
    for output in OUTPUTS:
        erased = f"{output}Erased" in found["channels"][output]["messages"]
        assert erased == (topics(APP)[output].policy == "compact")
        if erased:
            assert found["components"]["messages"][f"{output}Erased"]["payload"] == {"type": "null"}


def test_a_dead_letter_has_the_headers_that_are_promised() -> None:
    record = LogRecord("raw.x", 1, 7, b"k", b"{broken", 0, [("signature", b"s")])
    found = letter_headers(record, cause="no JSON", path="$", fold="normalise", code_version="1")
    said = {name: value.decode() for name, value in found}
    promised = document()["components"]["messages"]["dlq"]["headers"]
    assert list(validator_of(promised).iter_errors(said)) == []
    assert {name for name in said if not name.startswith("header.")} == set(promised["properties"])
