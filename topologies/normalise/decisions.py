"""What people decided about customers and identifiers. It beats all evidence.

    {"what": "is", "customer": "salesforce:contact:51", "identifier": "x:123", "by": "olga", "at": "2026-07-04T…Z"}
      is · never · unset     ──► Decided to customer:salesforce:contact:51
      erase                  ──► Erase to customer:salesforce:contact:51
    {"what": "never", "identifier": "x:123"}     without a customer: nobody's account, whoever claims it
      never · unset          ──► Decided to account:x:123

Words that are not known yet are counted. `id` tells two decisions of one time apart; without it their content does.
"""

import hashlib
from typing import Any, Literal

from config.settings import InputSettings
from schemas.events import Decided, Erase
from streams.errors import Poison
from streams.runtime.ports import Record
from streams.runtime.topology import Normaliser
from topologies.model import Model
from topologies.normalise.base import EachRecord, Parsed
from topologies.normalise.identifiers import identifier_address
from topologies.normalise.times import believable, record_time
from topologies.normalise.values import text_of
from topologies.normalise.wire import each, id_text, kind_name, read_json, read_time, shape

What = Literal["is", "never", "unset"]
_PART_MAX = 500
_WHATS: dict[str, What] = {"is": "is", "never": "never", "unset": "unset"}


class Decisions:
    """See `Format`."""

    def __init__(self, model: Model) -> None:
        """One per input."""
        self._country = model.identity.default_country

    def received_at(self, record: Record) -> int:
        """See `Format`."""
        return record_time(record)

    def parse(self, record: Record) -> Parsed:
        """See `Format`."""
        out = Parsed(record_time(record))
        for path, decision in each(read_json(record.value()), out.refused):
            try:
                self._decision(out, decision, path)
            except Poison as problem:
                out.refused.append((problem.path, problem.cause))
        return out

    def _decision(self, out: Parsed, decision: dict[str, Any], path: str) -> None:
        what = decision.get("what")
        if not isinstance(what, str):
            raise Poison(f"want is, never, unset or erase, got {shape(what)}", f"{path}.what")
        if what not in _WHATS and what != "erase":
            out.unknown.append(kind_name(what))
            return
        customer = _customer(decision.get("customer"), f"{path}.customer")
        at, _ = believable(read_time(decision.get("at"), f"{path}.at"), out.received_at)
        if what == "erase":
            if customer is None:
                raise Poison("want the customer to be erased, got nothing", f"{path}.customer")
            out.events.append((customer, Erase(at, out.received_at)))
            return
        identifier = self._identifier(decision.get("identifier"), f"{path}.identifier")
        if customer is None and what == "is":
            raise Poison("want the customer whose identifier it is, got nothing", f"{path}.customer")
        if customer is None and not identifier.startswith("account:"):
            want = "without a customer, want an account: a handle can be somebody else's tomorrow"
            raise Poison(want, f"{path}.identifier")
        by = text_of(decision.get("by")).value or ""
        event = Decided(at, _position(decision), _WHATS[what], identifier, by, out.received_at)
        out.events.append((customer or identifier, event))

    def _identifier(self, value: Any, path: str) -> str:
        address = identifier_address(value, self._country) if isinstance(value, str) else None
        if address is None:
            want = "want an identifier like x:123, bluesky:did:plc:…, mastodon:user@host, email:… or phone:…"
            raise Poison(f"{want}, got {shape(value)}", path)
        return address


def _customer(value: Any, path: str) -> str | None:
    """The address of a customer as outputs name it: `<source>:contact:<id>`; None: none is named."""
    if value is None or value == "":
        return None
    text = value.strip().removeprefix("customer:").removeprefix("record:") if isinstance(value, str) else ""
    source, kind, name = [*text.split(":", 2), "", ""][:3]
    if not source or kind != "contact" or id_text(name) is None:
        raise Poison(f"want a customer like salesforce:contact:51, got {shape(value)}", path)
    return f"customer:{source}:{kind}:{id_text(name)}"


def _position(decision: dict[str, Any]) -> str:
    """The same when it is delivered again."""
    name = id_text(decision.get("id"))
    if name is not None:
        return name
    content = [str(decision.get(part))[:_PART_MAX] for part in ("what", "customer", "identifier", "by", "at")]
    return hashlib.blake2b("\0".join(content).encode("utf-8", "replace"), digest_size=8).hexdigest()


def build(settings: InputSettings, model: Model) -> Normaliser:  # noqa: ARG001  every format is built alike
    """The normaliser of an input of format `decisions`."""
    return EachRecord(Decisions(model))
