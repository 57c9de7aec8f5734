"""What all commands share: how they answer, how they fail, and the options they have in common.

exit 0  fine          1  problems were found          2  wrong usage          3  something could not be reached

Answers go to stdout, as tables for people or as JSON with `--json`; everything else goes to stderr. An error says path,
wish, value and way out. Only a mistake of ours ends in a traceback.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from config.problems import Problem
from streams.errors import Fatal, Retryable, StreamError

FINE, PROBLEMS, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130

_JSON = "rapport.json"


def _note_json(context: typer.Context, value: bool) -> bool:
    """`--json` counts wherever it stands."""
    context.meta[_JSON] = value or context.meta.get(_JSON, False)
    return bool(context.meta[_JSON])


Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.", callback=_note_json)]
"""An option of every command that answers something; also known before the command's name."""

Configs = Annotated[
    list[Path],
    typer.Option(
        "--config", "-c", metavar="FILE", show_default=False,
        help="Configuration, TOML; may be given again, later files win. Without one: the defaults and RAPPORT_…",
    ),
]  # fmt: skip
"""Paths of configuration files."""


class ProblemsFound(Exception):
    """A configuration or rule files with problems: all of them."""

    def __init__(self, problems: Sequence[Any]) -> None:
        """Of `config.problems.Problem` or of the rules' own kind."""
        super().__init__(f"{len(problems)} problems")
        self.problems = list(problems)


class Commands(TyperGroup):
    """The root of all commands: turns errors into words and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ProblemsFound as found:
            show_problems(found.problems, as_json=bool(ctx.meta.get(_JSON)))
            raise typer.Exit(PROBLEMS) from found
        except Retryable as problem:
            complain(str(problem))
            raise typer.Exit(UNREACHABLE) from problem
        except StreamError as problem:
            complain(str(problem))
            raise typer.Exit(PROBLEMS) from problem
        except BrokenPipeError as problem:
            # Whoever read our answer has seen enough. Python would complain once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(FINE) from problem
        except KeyboardInterrupt as problem:
            raise typer.Exit(INTERRUPTED) from problem


def answers() -> Console:
    """Where people read answers. Made anew: tests and pipes swap stdout. Piped tables are as wide as they must be."""
    console = Console(file=sys.stdout, highlight=False)
    return console if console.is_terminal else Console(file=sys.stdout, highlight=False, width=200)


def asides() -> Console:
    """Where people read everything else."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def complain(text: str) -> None:
    """An error in one or more lines."""
    asides().print(Text("error: ", style="bold red") + Text(text, style="default"))


def answer_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode() + "\n")


def answer_json_line(value: Any) -> None:
    """One JSON document on a line of its own: for answers that go on."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode() + "\n")


def table(*columns: str, right: Iterable[str] = ()) -> Table:
    """An empty table. `right`: columns of numbers."""
    made = Table(header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in set(right) else "left", overflow="fold")
    return made


def show_problems(problems: Sequence[Any], *, as_json: bool) -> None:
    """Every problem: file and line, path, what was wanted, what was found, and the way out."""
    if as_json:
        answer_json({"problems": [problem_json(problem) for problem in problems]})
        return
    console = asides()
    for problem in problems:
        console.print(Text(problem_text(problem)))
    count = len(problems)
    complain(f"{count} problem{'' if count == 1 else 's'}; nothing was started")


def problem_text(problem: Any) -> str:
    """A problem of either kind on one line, in the form of the configuration's."""
    return str(Problem(**problem_json(problem)))


def problem_json(problem: Any) -> dict[str, Any]:
    """A problem of the configuration or of a rule file."""
    names = Problem.__struct_fields__
    return {name: getattr(problem, name) for name in names}


def usage(option: str, *, want: str, got: str, fix: str) -> typer.BadParameter:
    """The error to raise for an option with a wrong value."""
    return typer.BadParameter(f"{option}: want {want}, got {got}; {fix}")


@contextmanager
def writing(option: str, path: Path) -> Iterator[None]:
    """A folder or file that cannot be written becomes an error in words. Only around what touches it."""
    try:
        yield
    except OSError as problem:
        raise Fatal(
            f"{option}: want a place that can be written, got {path} ({problem.strerror or problem}); name another one"
        ) from problem


def refuse(text: str) -> Fatal:
    """The error to raise when a command found what a person must look at. The text says wish, value and way out."""
    return Fatal(text)
