"""Trials from beginning to end: sieges, the measurement of takeovers, the mutants."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.chaos.faults import FAULTS, dies, leaves
from tests.chaos.report import Round, Row, rows, ways_out
from tests.chaos.scripts import SCRIPTS, play
from tests.chaos.siege import Fault, Siege
from tests.chaos.site import grounds

RATE = 120.0
"""Payloads a second: little for the engine, so that two cores have room for three workers and a broker."""
ROUND_S = 130.0
"""One siege takes about so long: what the generator knows holds while nobody says more than identity keeps."""
Say = Callable[[str], None]


def besiege(faults: Iterable[tuple[str, Fault]], *, seed: int, say: Say, until: float | None = None) -> Round:
    """One siege: these faults, one after the other (until a time of the monotonic clock); then the judgement."""
    began = time.monotonic()
    with _kept_when_wrong(say) as folder, grounds(folder) as ground:
        siege = Siege(ground, folder / "siege", seed=seed, rate=RATE)
        try:
            siege.begin()
            for name, fault in faults:
                siege.suffer(name, fault)
                say(f"{time.monotonic() - began:6.1f} s  {name}: {siege.suffered[-1].recovery}")
                if siege.wrong or (until is not None and time.monotonic() > until):
                    break
            verdict, happened = siege.end()
            told = ways_out(siege.workers.told())
        finally:
            siege.close()
        if verdict.wrong:
            say(f"logs of workers and broker: {_keep(folder)}")
    return Round(seed, verdict, siege.suffered, happened, told, time.monotonic() - began)


@contextmanager
def _kept_when_wrong(say: Say) -> Iterator[Path]:
    """A folder for one trial. Its logs are kept when the trial does not come to its end."""
    with tempfile.TemporaryDirectory(prefix="rapport-chaos-") as folder:
        try:
            yield Path(folder)
        except BaseException:
            say(f"logs of workers and broker: {_keep(Path(folder))}")
            raise


def _keep(folder: Path) -> Path:
    kept = Path(tempfile.mkdtemp(prefix="rapport-chaos-logs-"))
    for path in folder.rglob("*.log"):
        # Not the broker's data, which has that ending too.
        if "data" not in path.relative_to(folder).parts:
            shutil.copyfile(path, kept / path.name)
    return kept


def takeovers(*, seed: int, times: int, say: Say) -> tuple[list[Row], Round]:
    """Of two workers one is killed, or leaves: how long until the other one does everything."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rapport-chaos-") as folder, grounds(Path(folder)) as ground:
        siege = Siege(ground, Path(folder) / "siege", seed=seed, rate=RATE, slots=("0", "1"))
        try:
            siege.begin()
            for _ in range(times):
                for name, fault in (("kill -9 of one of two", dies(1)), ("SIGTERM of one of two", leaves)):
                    siege.suffer(name, fault, alone=True)
                    say(f"{time.monotonic() - began:6.1f} s  {name}: {siege.suffered[-1].recovery}")
                    # The one that is started again has to have its part before the next is taken away.
                    time.sleep(3)
            verdict, happened = siege.end()
            told = ways_out(siege.workers.told())
        finally:
            siege.close()
    done = Round(seed, verdict, siege.suffered, happened, told, time.monotonic() - began)
    return rows(siege.suffered[1:]), done


def plan(seed: int, only: str = "") -> Iterator[tuple[str, Fault]]:
    """All faults (or those whose name holds `only`) in an order of the seed's, again and again."""
    chance = Random(seed)
    chosen = [(name, fault) for name, fault in FAULTS.items() if only in name]
    while chosen:
        chance.shuffle(chosen)
        yield from chosen


def mutants(names: Sequence[str] = tuple(SCRIPTS), *, control: bool = True, say: Say) -> dict[str, list[str]]:
    """By mutant what the oracle says of it; empty is bad.

    `control`: raise `AssertionError` when it says something of the right protocol in the same script.
    """
    found = {}
    with tempfile.TemporaryDirectory(prefix="rapport-chaos-") as folder, grounds(Path(folder)) as ground:
        for name in names:
            began = time.monotonic()
            if control:
                right = play(ground, Path(folder), name, "")
                assert not right.wrong, f"the right protocol, in the script of {name!r}:\n{right.text()}"
            found[name] = play(ground, Path(folder), name, name).wrong
            said = found[name][0][:120] if found[name] else "NOT FOUND OUT"
            say(f"{time.monotonic() - began:6.1f} s  mutant {name!r}: {said}")
    return found
