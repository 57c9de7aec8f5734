"""What a condition may ask about: every field, its type, and what it means when it is not there.

    context = {"act": {…}, "author": {…}, "customer": {…, "fields": {…}}, "link": {…}, "sentiment": -0.62, "score": {…}}

A field is missing when its section or the field is absent or null, and, for texts, when it is empty (but for those
marked `empty_is_value`). A missing field is unknown: it never matches and is never an error.
"""

from typing import Literal

import msgspec

FieldType = Literal["text", "number", "bool", "texts"]

CUSTOM = "customer.fields."
"""The customer's further fields, as configured: texts, also where they look like numbers."""


class Field(msgspec.Struct, frozen=True):
    """One field. `values`: the only ones it can have (empty: any). `of_act`: not there when no act is looked at."""

    name: str
    type: FieldType
    help: str
    values: tuple[str, ...] = ()
    empty_is_value: bool = False
    of_act: bool = True


_ALL = (
    Field("act.kind", "text", "what was done", ("post", "reply", "quote", "repost", "like", "follow", "dm", "block")),
    Field("act.source", "text", "the platform: bluesky, mastodon, x, …"),
    Field("act.text", "text", "what was written; empty for likes and follows", empty_is_value=True),
    Field("act.lang", "text", "the platform's own language tag"),
    Field("act.uri", "text", "where it can be read"),
    Field("act.late", "bool", "received long after it was done"),
    Field("act.role", "text", "reply: our own answer to the customer; empty: the customer's act", ("", "reply"), True),
    Field("act.targets", "texts", "identifiers the act is addressed to"),
    Field("act.topics", "texts", "the relevance terms found in it"),
    Field("author.identifier", "text", "the account, without its type"),
    Field("author.handle", "text", "its handle, as last seen"),
    Field("author.name", "text", "its display name, as last seen"),
    Field("customer.id", "text", "the customer's id", of_act=False),
    Field("customer.name", "text", "the name in the CRM", of_act=False),
    Field("customer.tier", "text", "gold, enterprise, …, as the CRM has it", of_act=False),
    Field("customer.company", "text", "the company's name", of_act=False),
    Field("customer.owner", "text", "who looks after the customer", of_act=False),
    Field("customer.open_cases", "number", "support cases that are open", of_act=False),
    Field("link.confidence", "number", "how sure we are that this is the customer, in [0, 1]"),
    Field("link.method", "text", "how we know", ("asserted", "handle", "probabilistic", "confirmed")),
    Field("sentiment", "number", "of the act, in [-1, 1]; missing where nothing could be read from its words"),
    Field("score.engagement", "number", "in [0, 100], right after the act", of_act=False),
    Field("score.risk", "number", "in [0, 100], right after the act", of_act=False),
    Field("score.sentiment", "number", "of the last acts, in [-1, 1], decayed", of_act=False),
    Field("score.band", "text", "the band of the risk score", of_act=False),
)

FIELDS = {field.name: field for field in _ALL}


def find(name: str) -> Field | None:
    """The field of this name, a configured one of the customer included; None: there is none."""
    if name.startswith(CUSTOM) and len(name) > len(CUSTOM):
        return Field(name, "text", "a configured field of the customer", of_act=False)
    return FIELDS.get(name)


def split(name: str) -> tuple[str, ...]:
    """The keys that lead to a field. What follows `customer.fields.` is one key, dots included."""
    if name.startswith(CUSTOM):
        return ("customer", "fields", name[len(CUSTOM) :])
    return tuple(name.split("."))
