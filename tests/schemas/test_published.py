"""What subscribers generate their readers from is what the code writes, and no reader of the last release breaks."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.compat import breaks_of_all
from schemas.generate import PUBLISHED, WRITE, files, previous, release, stale, write
from schemas.json_schema import schemas, struct_of
from schemas.topics import OUTPUTS, topics
from tests.schemas.documents import documents
from tests.support.published import problems, validator_of

OLD_AND_NEW = [(name, schema) for name, schema in previous().items() if name in OUTPUTS]


def test_what_is_published_is_fresh() -> None:
    assert stale() == [], f"schemas changed: run `{WRITE}` and look at what it changes"


def test_every_output_was_released_with_a_schema() -> None:
    assert set(previous()) <= set(OUTPUTS), "an output is gone: its readers break"


def test_no_reader_of_the_last_release_breaks() -> None:
    assert breaks_of_all(previous(), schemas()) == [], "give the new shape a new topic, or keep what readers count on"


def test_a_stale_folder_is_noticed_file_by_file_and_made_fresh(tmp_path: Path) -> None:
    assert write(tmp_path) == sorted(files())
    assert stale(tmp_path) == []
    (tmp_path / "scores.json").write_text("{}", encoding="utf-8")
    (tmp_path / "alerts.json").unlink()
    (tmp_path / "gone.json").write_text("{}", encoding="utf-8")
    assert stale(tmp_path) == ["alerts.json", "gone.json", "scores.json"]
    assert write(tmp_path) == ["alerts.json", "gone.json", "scores.json"]
    assert stale(tmp_path) == []
    assert not (tmp_path / "gone.json").exists()


def test_a_release_keeps_its_schemas_as_those_to_compare_with(tmp_path: Path) -> None:
    assert release(tmp_path) == sorted(f"{output}.json" for output in OUTPUTS)
    assert breaks_of_all(previous(tmp_path), schemas()) == []
    assert stale(tmp_path) == sorted(files()), "the files of a release do not count as published ones"


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_schema_stands_alone_and_describes_every_field(output: str) -> None:
    schema = json.loads((PUBLISHED / f"{output}.json").read_bytes())
    validator_of(schema)
    for part in (schema, *schema.get("$defs", {}).values()):
        assert part["description"]
        for name, field in part["properties"].items():
            assert field.get("description"), f"{output}: {part['title']}.{name}: say what it means below the field"
    assert "$ref" not in {key for key in schema if key != "$defs"}
    references = {line.split('"')[3] for line in json.dumps(schema, indent=0).splitlines() if '"$ref":' in line}
    assert references == {f"#/$defs/{name}" for name in schema.get("$defs", {})}, "used, and none left over"


@pytest.mark.parametrize("output", OUTPUTS)
@settings(max_examples=20)
@given(data=st.data())
def test_every_document_a_fold_can_publish_is_one_that_readers_accept(output: str, data: st.DataObject) -> None:
    document = data.draw(documents(struct_of(output)))
    encoded = msgspec.json.encode(document)
    assert problems(output, encoded) == []
    assert msgspec.json.decode(encoded, type=struct_of(output)) == document


@pytest.mark.parametrize(("output", "old"), OLD_AND_NEW, ids=lambda part: part if isinstance(part, str) else "")
@settings(max_examples=20)
@given(data=st.data())
def test_readers_of_the_last_release_accept_them_too(output: str, old: dict[str, Any], data: st.DataObject) -> None:
    document = json.loads(msgspec.json.encode(data.draw(documents(struct_of(output)))))
    assert list(validator_of(old).iter_errors(document)) == []


@pytest.mark.parametrize("output", OUTPUTS)
@settings(max_examples=20)
@given(data=st.data())
def test_the_schema_refuses_what_our_own_readers_would_refuse(output: str, data: st.DataObject) -> None:
    """One thing wrong at a time: a field missing, null, or of another kind."""
    struct = struct_of(output)
    document = json.loads(msgspec.json.encode(data.draw(documents(struct))))
    name = data.draw(st.sampled_from(sorted(document)))
    wrong = data.draw(
        st.sampled_from(["missing", None, -2, "2026-08-01T12:00:00.000Z", 1.5, True, [], {}, [1], {"x": 1}])
    )
    if wrong == "missing":
        del document[name]
    else:
        document[name] = wrong
    encoded = json.dumps(document).encode()
    try:
        msgspec.json.decode(encoded, type=struct)
    except msgspec.ValidationError:
        assert problems(output, encoded), f"{name}={wrong!r} passes the schema"
    else:
        assert problems(output, encoded) == []


def test_topics_of_outputs_name_the_struct_their_schema_is_made_from() -> None:
    table = topics("app")
    assert [name for name, spec in table.items() if spec.schema] == list(OUTPUTS)
    assert {spec.name for spec in table.values() if spec.name.startswith("app.")} == {
        table[name].name for name in ("inbox", "changelog", "progress", "models", "late", "dlq")
    }


def test_what_is_no_output_has_no_schema() -> None:
    for name in ("dlq", "inbox", "nothing"):
        with pytest.raises(KeyError):
            struct_of(name)
