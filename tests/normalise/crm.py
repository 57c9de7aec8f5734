"""Reading one payload in tests, and saying in one line each what it became.

set contact:51 @1700000000000 email=email:ann@a.example tier=-      an event; `-`: cleared
irrelevant · unknown contact.merge · refused $[3].occurredAt        the rest
left out email blocked · missed Account GAP_UPDATE                  notes
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from config.settings import IdentitySettings, InputSettings, ProfileSettings, Settings
from schemas.events import Changed
from streams.runtime.ports import LogRecord
from streams.runtime.topology import Normalised, Normaliser
from topologies.model import Model, build_model
from topologies.normalise.crm_facts import ChangesMissed, IdentifiersLeftOut
from topologies.normalise.formats import build

RECEIVED = 1_800_000_000_000
SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"


def model(*fields: str, **identity: Any) -> Model:
    """With these profile fields and settings of identity."""
    settings = Settings(identity=IdentitySettings(**identity), profile=ProfileSettings(fields=fields))
    return build_model(settings, (), {})


def normaliser(form: str, using: Model | None = None, **options: Any) -> Normaliser:
    """Of a format, with options of its input."""
    return build(InputSettings(name="crm", format=form, **options), using or model())


def record(payload: Any, key: Any = None, *, offset: int = 7, at: int = RECEIVED) -> LogRecord:
    """Bytes and null as they are; anything else as JSON."""
    value, name = (one if one is None or isinstance(one, bytes) else orjson.dumps(one) for one in (payload, key))
    return LogRecord("raw.crm", 0, offset, name, value, at)


def read(normalise: Normaliser, payload: Any, key: Any = None, *, offset: int = 7, at: int = RECEIVED) -> Normalised:
    """What one payload became."""
    return normalise([record(payload, key, offset=offset, at=at)])


def lines(out: Normalised) -> list[str]:
    """What a payload became, in lines."""
    told = [event_line(arrival.address, arrival.event) for arrival in out.arrivals]
    told += ["irrelevant"] * out.irrelevant
    told += [f"unknown {kind}" for kind, count in out.unknown.items() for _ in range(count)]
    told += [f"refused {refusal.path}" for refusal in out.refusals]
    for note in out.notes:
        if isinstance(note, IdentifiersLeftOut):
            told.append(f"left out {note.field} {note.why}")
        if isinstance(note, ChangesMissed):
            told.append(f"missed {note.what}")
    return told


def event_line(address: str, event: Any) -> str:
    """An event in one line. The source's name is left away."""
    if not isinstance(event, Changed):
        return f"{type(event).__name__} {address}"
    at = "received" if event.at == RECEIVED else str(event.at)
    record_id = ":".join(address.split(":")[2:])
    values = [f"{name}={value if value is not None else '-'}" for name, value in event.fields.items()]
    return " ".join([event.op, record_id, f"@{at}", *values])


def told(normalise: Normaliser, payload: Any, key: Any = None) -> list[str]:
    """`lines` of `read`."""
    return lines(read(normalise, payload, key))


def payloads(file: Path) -> Iterable[bytes]:
    """Of a sample file: one a line, or the file as a whole."""
    data = file.read_bytes()
    return [data] if file.suffix == ".json" else [line for line in data.splitlines() if line.strip()]


def outcomes(normalise: Normaliser, file: Path) -> list[list[str]]:
    """What each payload of a sample file became."""
    return [told(normalise, payload) for payload in payloads(file)]
