"""The configuration that goes with generated traffic: its inputs, and what is relevant. The same for every seed."""

import msgspec

from config.reference import toml
from config.settings import InputSettings, RelevanceSettings, Settings
from topologies.traffic import wire_debezium, wire_files, wire_hubspot, wire_salesforce
from topologies.traffic.people import BRAND, US
from topologies.traffic.wire_mastodon import SERVER

INPUTS = (
    InputSettings(name="bluesky", format="bluesky.jetstream"),
    InputSettings(name="mastodon", format="mastodon.stream", server=SERVER),
    InputSettings(name="x", format="x.stream"),
    InputSettings(name=wire_hubspot.INPUT, format="hubspot.webhook", fields=wire_hubspot.FIELDS),
    InputSettings(name=wire_salesforce.INPUT, format="salesforce.cdc", fields=wire_salesforce.FIELDS),
    InputSettings(
        name=wire_debezium.INPUT,
        format="debezium",
        source=wire_debezium.INPUT,
        tables=wire_debezium.TABLES,
        fields=wire_debezium.FIELDS | {"contact": wire_debezium.CONTACT},
    ),
    InputSettings(name=wire_files.CONTACTS, format="contacts"),
    InputSettings(name=wire_files.SIGHTINGS, format="sightings"),
    InputSettings(name=wire_files.DECISIONS, format="decisions"),
)

RELEVANCE = RelevanceSettings(
    terms=(BRAND, "acmecloud"),
    accounts=tuple(account.identifier for account in US.values()),
    domains=("acme.example",),
)


def demo_settings(settings: Settings | None = None) -> Settings:
    """Settings (the defaults, if none are given) with the inputs and the relevance of generated traffic."""
    return msgspec.structs.replace(settings or Settings(), inputs=INPUTS, relevance=RELEVANCE)


def demo_toml(directory: str = "") -> str:
    """The same as a configuration file. `directory`: of the log; empty: the default."""
    parts = ["# Goes with generated traffic: `rapport generate`, `rapport demo`."]
    if directory:
        parts.append(f"[log]\n{_lines({'directory': directory})}")
    parts.append(f"[relevance]\n{_lines(_set(RELEVANCE, RelevanceSettings()))}")
    parts += [f"[[inputs]]\n{_lines(_set(one, InputSettings(name='', format='')))}" for one in INPUTS]
    return "\n\n".join(parts) + "\n"


def _set(section: msgspec.Struct, default: msgspec.Struct) -> dict[str, object]:
    """What is not at its default."""
    before = msgspec.structs.asdict(default)
    return {name: value for name, value in msgspec.structs.asdict(section).items() if value != before[name]}


def _lines(values: dict[str, object]) -> str:
    return "\n".join(f"{name} = {toml(value)}" for name, value in values.items())
