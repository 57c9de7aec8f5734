"""The chaos suite by hand.

python -m tests.chaos --seconds 600 --seed 1 [--only FAULT] [--json]
"""

import argparse
import os
import sys
import time

import msgspec

from streams.errors import Fatal
from streams.transport import dev_kafka_jars
from tests.chaos.faults import FAULTS
from tests.chaos.report import Round, Row, rows, table
from tests.chaos.siege import SESSION_MS
from tests.chaos.trial import ROUND_S, besiege, mutants, plan, takeovers

_TAKEOVERS = 5
_SPARE_S = 20.0
"""A round is not worth its start with less than this left."""


def main() -> int:
    """0: everything as it must be; 1: something is not; 3: no broker can run here."""
    given = _arguments()
    if problem := dev_kafka_jars.missing():
        sys.stderr.write(f"{problem}\n")
        return 3
    end = time.monotonic() + given.seconds
    is_all = not given.only
    found = mutants(say=_say) if is_all else {}
    moves: list[Row] = []
    rounds: list[Round] = []
    if is_all:
        moves, measured = takeovers(seed=given.seed, times=_TAKEOVERS, say=_say)
        rounds.append(measured)
    faults = plan(given.seed, given.only)
    while not rounds or time.monotonic() + _SPARE_S < end:
        until = min(end, time.monotonic() + ROUND_S) - _SPARE_S
        rounds.append(besiege(faults, seed=given.seed + len(rounds), say=_say, until=until))
    wrong = [f"mutant {name!r} was not found out" for name, said in found.items() if not said]
    wrong += [f"seed {one.seed}: {problem}" for one in rounds for problem in one.verdict.wrong]
    sieges = rounds[1:] if is_all else rounds
    suffered = rows([one for done in sieges for one in done.suffered])
    if given.json:
        report = {"wrong": wrong, "faults": suffered, "takeovers": moves, "mutants": found, "rounds": rounds}
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
        return 1 if wrong else 0
    sys.stdout.write(
        f"\n{table(suffered)}\n\n{table(moves)}\n(the session timeout is {SESSION_MS} ms)\n\n"
        if moves
        else f"\n{table(suffered)}\n\n"
    )
    for one in rounds:
        verdict = one.verdict
        sys.stdout.write(
            f"seed {one.seed}: {one.seconds:.0f} s, {verdict.raw:,} raw records, {verdict.events:,} events, "
            f"{sum(verdict.documents.values()):,} outputs, {verdict.letters} dead letters, {verdict.items:,} items, "
            f"{verdict.commits:,} commits\n  seen: {one.happened}\n  workers said: {one.told}\n"
        )
    if found:
        sys.stdout.write(f"mutants found out: {sum(map(bool, found.values()))} of {len(found)}\n")
    sys.stdout.write("\n".join(wrong) + "\n" if wrong else "nothing lost, nothing doubled, nothing wrong\n")
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Break everything, and look at what came of it."
    )
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default="", help=f"faults whose name holds this: {'; '.join(FAULTS)}")
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    if not any(given.only in name for name in FAULTS):
        options.error(f"--only: want a part of a fault's name, got {given.only!r}; there are: {'; '.join(FAULTS)}")
    return given


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    os.environ.pop("RAPPORT_CONFIG", None)
    try:
        sys.exit(main())
    except Fatal as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(3)
