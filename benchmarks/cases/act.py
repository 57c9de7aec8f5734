"""One event from its bytes to what is written: decoded, folded, encoded, sent. No log and no store behind it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from benchmarks.case import Case, Goal, Run
from benchmarks.journey import Call, journey
from benchmarks.nothing import NoProducer
from benchmarks.product import model, topology
from streams.runtime.batch import Batch
from streams.runtime.limits import Limits
from streams.runtime.outcome import Encoder

_RULES = "an act of a customer: sentiment, score, 20 rules, outputs"


def cases() -> list[Case]:
    """The two that make up most of the work."""
    return [
        Case("event.account.Act", "an act at its author", _preparation("account", "Act"), Goal(us_max=20.0)),
        Case("event.customer.Join", _RULES, _preparation("customer", "Join"), Goal(us_max=50.0)),
    ]


def _preparation(address: str, event: str) -> Callable[[], AbstractContextManager[Run]]:
    @contextmanager
    def prepare() -> Iterator[Run]:
        calls = journey().calls[address, event]
        calls = calls[len(calls) // 4 :]
        encoded = [topology().encode_event(call.now.seen_at, call.event) for call in calls]
        yield lambda: _run(address, calls, encoded)

    return prepare


def _run(address: str, calls: list[Call], encoded: list[bytes]) -> int:
    product, with_model, limits = topology(), model(), Limits()
    fold, decode = product.stages[address].fold, product.decode_event
    encoder, batch = Encoder(product, limits.record_bytes_max), Batch(NoProducer(), product, limits)
    batch.begin()
    for (state, _, now), data in zip(calls, encoded, strict=True):
        _, event = decode(data)
        items = dict(state.items())
        outcome = encoder.encode(fold(state, event, now, with_model), items, now.seen_at, now.upto)
        batch.take(outcome, now.seen_at)
    batch.finish()
    return len(calls)
