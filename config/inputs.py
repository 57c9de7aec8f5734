"""Checks of `[[inputs]]`: names, topics, formats, and options that the format has."""

import re
from collections.abc import Iterator

from config.problems import did_you_mean, shown
from config.read import Wrong
from config.settings import InputSettings, Settings
from config.words import duplicates
from schemas.topics import topics

INPUTS_MAX = 200
OBJECTS = ("contact", "company", "case")

CRM = ("hubspot.webhook", "salesforce.cdc", "debezium", "contacts")
OPTIONS: dict[str, tuple[str, ...]] = {
    "server": ("mastodon.stream",),
    "source": CRM,
    "fields": CRM,
    "object": ("debezium",),
    "tables": ("debezium",),
    "key": ("debezium", "contacts"),
}
"""Which formats have which option. One set for another format would do nothing, and its author should know."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?")


def topic_of(one: InputSettings) -> str:
    """The topic an input reads."""
    return one.topic or f"raw.{one.name}"


def check_inputs(settings: Settings, formats: tuple[str, ...]) -> Iterator[Wrong]:
    """Everything that is wrong with the inputs. No `formats`: any name will do."""
    inputs = settings.inputs
    if len(inputs) > INPUTS_MAX:
        yield Wrong("inputs", f"at most {INPUTS_MAX}", str(len(inputs)), "one topic can carry many sources' payloads")
    for index, one in enumerate(inputs[:INPUTS_MAX]):
        path = f"inputs[{index}]"
        yield from _names(path, one)
        yield from _format(path, one, formats)
        yield from _options(path, one)
    for index, name in duplicates([one.name for one in inputs]):
        yield Wrong(f"inputs[{index}].name", "a name of its own", f"{name!r} again", "rename one of them", ("inputs",))
    own = {spec.name for spec in topics(settings.engine.app).values()}
    for index, topic in duplicates([topic_of(one) for one in inputs]):
        # Inputs of one name share their default topic as well: said once is enough.
        if inputs[index].topic or topic not in {f"raw.{one.name}" for one in inputs[:index]}:
            fix = "one input reads one topic: remove one of them"
            yield Wrong(f"inputs[{index}].topic", "a topic of its own", f"{topic!r} again", fix, ("inputs",))
    for index, one in enumerate(inputs):
        if topic_of(one) in own:
            fix = "Rapport writes that one itself: name the topic of the raw payloads"
            yield Wrong(f"inputs[{index}].topic", "a raw topic", shown(topic_of(one)), fix, ("engine.app",))


def _names(path: str, one: InputSettings) -> Iterator[Wrong]:
    if not _NAME.fullmatch(one.name):
        want = "small letters, digits, '.', '_' and '-', at most 64, a letter or digit first"
        yield Wrong(f"{path}.name", want, shown(one.name), "choose another name")
    if one.topic and (not _TOPIC.fullmatch(one.topic) or one.topic in {".", ".."}):
        want = "a topic: letters, digits, '.', '_' and '-', at most 249"
        yield Wrong(f"{path}.topic", want, shown(one.topic), "correct it, or remove the line for `raw.<name>`")
    if one.source and not _SOURCE.fullmatch(one.source):
        want = "small letters, digits, '_' and '-', at most 32"
        yield Wrong(f"{path}.source", want, shown(one.source), "it is a part of addresses: choose another name")
    if one.server and not _HOST.fullmatch(one.server):
        yield Wrong(f"{path}.server", "a host name like example.social", shown(one.server), "write the host only")


def _format(path: str, one: InputSettings, formats: tuple[str, ...]) -> Iterator[Wrong]:
    if formats and one.format not in formats:
        fix = did_you_mean(one.format, formats, "choose one")
        yield Wrong(f"{path}.format", f"one of {', '.join(formats)}", shown(one.format), fix)
    if one.format == "mastodon.stream" and not one.server:
        fix = "add the host whose stream this is: accounts and ids are only unique there"
        yield Wrong(f"{path}.server", "a host name", "nothing", fix)
    if one.format == "debezium" and not one.object and not one.tables:
        fix = f"say what a row is: one of {', '.join(OBJECTS)}, or map tables to them in `tables`"
        yield Wrong(f"{path}.object", "an object", "nothing", fix, (f"{path}.tables",))


def _options(path: str, one: InputSettings) -> Iterator[Wrong]:
    for option, formats in OPTIONS.items():
        # Which options an unknown format has, nobody can say; its name is a problem of its own.
        if getattr(one, option) and one.format not in formats and "." in one.format:
            want = f"only for {', '.join(formats)}"
            yield Wrong(f"{path}.{option}", want, f"for {one.format}", "remove it", (f"{path}.format",))
    objects = {f"{path}.object": one.object} | {f"{path}.tables.{name}": to for name, to in one.tables.items()}
    for where, name in objects.items():
        if name and name not in OBJECTS:
            fix = did_you_mean(name, OBJECTS, "choose one")
            yield Wrong(where, f"one of {', '.join(OBJECTS)}", shown(name), fix)
