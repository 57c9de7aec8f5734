"""`python -m benchmarks [--only NAME]… [--json] [--rounds N]`: measure, show, and keep what was measured."""

import argparse
import sys

import msgspec

from benchmarks.case import compare, measure
from benchmarks.cases import BASELINES, all_cases
from benchmarks.machine import described
from benchmarks.report import as_json, keep, table


def main() -> int:
    """Exit code 0, or 2 when there is no case of a name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="cases whose name contains this")
    parser.add_argument("--json", action="store_true", help="for scripts, instead of a table")
    parser.add_argument("--rounds", type=int, default=0, metavar="N", help="instead of what each case asks for")
    parser.add_argument("--list", action="store_true", help="name the cases and do nothing")
    options = parser.parse_args()
    every = all_cases()
    wanted = {case.name for case in every if not options.only or any(part in case.name for part in options.only)}
    if options.list or not wanted:
        print("\n".join(case.name for case in every if not wanted or case.name in wanted))
        return 0 if wanted else 2
    # Without the baselines of the same minutes a figure says little.
    cases = [case for case in every if case.name in wanted or case.name in BASELINES]
    if options.rounds > 0:
        cases = [msgspec.structs.replace(case, rounds=options.rounds) for case in cases]
    machine = described()
    rows = measure(cases, _show)
    _show("")
    compare(rows, BASELINES)
    print(as_json(rows, machine) if options.json else table(rows, machine))
    if not options.only and not options.rounds:
        print(f"kept in {keep(rows, machine).name}", file=sys.stderr)
    return 0


def _show(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
