"""What resolvers found out: which handle an account used at a time.

{"account": "bluesky:did:plc:…", "handle": "ann.example", "at": "2026-07-04T12:00:00Z", "name": "Ann"}
  ──► Sighting to account:bluesky:did:plc:…

`at` missing: when it was received. A payload may be an array of them.
"""

from typing import Any

from config.settings import InputSettings
from schemas.events import Sighting
from streams.errors import Poison
from streams.runtime.ports import Record
from streams.runtime.topology import Normaliser
from topologies.model import Model
from topologies.normalise.base import EachRecord, Parsed
from topologies.normalise.identifiers import SOURCES, account_address, handle_address
from topologies.normalise.times import believable, record_time
from topologies.normalise.values import text_of
from topologies.normalise.wire import each, read_json, read_time, shape


class Sightings:
    """See `Format`."""

    def received_at(self, record: Record) -> int:
        """See `Format`."""
        return record_time(record)

    def parse(self, record: Record) -> Parsed:
        """See `Format`."""
        out = Parsed(record_time(record))
        for path, found in each(read_json(record.value()), out.refused):
            try:
                self._sighting(out, found, path)
            except Poison as problem:
                out.refused.append((problem.path, problem.cause))
        return out

    def _sighting(self, out: Parsed, found: dict[str, Any], path: str) -> None:
        source, name = _split(found.get("account"))
        account = account_address(source, name)
        if account is None:
            want = "want an account like bluesky:did:plc:…, x:<number> or mastodon:user@host"
            raise Poison(f"{want}, got {shape(found.get('account'))}", f"{path}.account")
        text = found.get("handle")
        text = text.removeprefix("handle:").removeprefix(f"{source}:") if isinstance(text, str) else ""
        handle = handle_address(source, text)
        if handle is None:
            raise Poison(f"want a handle of {source}, got {shape(found.get('handle'))}", f"{path}.handle")
        if not handle.startswith("handle:"):
            # The name of a Mastodon account says all there is: it never has another.
            out.irrelevant += 1
            return
        at, _ = believable(read_time(found.get("at"), f"{path}.at"), out.received_at)
        shown = text_of(found.get("name")).value or ""
        out.events.append((account, Sighting(handle, at, out.received_at, shown)))


def _split(account: Any) -> tuple[str, str]:
    text = account.strip().removeprefix("account:") if isinstance(account, str) else ""
    source, _, name = text.partition(":")
    return (source, name) if source in SOURCES else ("", "")


def build(settings: InputSettings, model: Model) -> Normaliser:  # noqa: ARG001  every format is built alike
    """The normaliser of an input of format `sightings`."""
    return EachRecord(Sightings())
