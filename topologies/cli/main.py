"""`rapport`: one command a module, registered here."""

from importlib.metadata import version
from typing import Annotated

import typer

from topologies.cli.bench import bench
from topologies.cli.check import check
from topologies.cli.customer import customer
from topologies.cli.demo import demo
from topologies.cli.dlq import app as dlq
from topologies.cli.erase import erase
from topologies.cli.generate import generate
from topologies.cli.replay import replay
from topologies.cli.run import run
from topologies.cli.schema import schema
from topologies.cli.shell import Commands, Json
from topologies.cli.simulate import simulate
from topologies.cli.tail import tail
from topologies.cli.topics import app as topics

TRY, RUN, LOOK, DEVELOP = "Try it", "Run it", "Look at it", "Develop it"

app = typer.Typer(
    cls=Commands,
    name="rapport",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Joins what people say in public with what a company knows about them, while it happens.\n\n"
        "Exit codes: 0 fine, 1 problems were found, 2 wrong usage, 3 something could not be reached."
    ),
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"rapport {version('rapport')}")
        raise typer.Exit


@app.callback()
def root(
    as_json: Json = False,
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the release.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Options before the command."""


app.command("demo", rich_help_panel=TRY)(demo)
app.command("generate", rich_help_panel=TRY)(generate)
app.command("replay", rich_help_panel=TRY)(replay)
app.command("run", rich_help_panel=RUN)(run)
app.command("check", rich_help_panel=RUN)(check)
app.command("erase", rich_help_panel=RUN)(erase)
app.add_typer(topics, name="topics", rich_help_panel=RUN)
app.command("customer", rich_help_panel=LOOK)(customer)
app.command("tail", rich_help_panel=LOOK)(tail)
app.add_typer(dlq, name="dlq", rich_help_panel=LOOK)
app.command("simulate", rich_help_panel=DEVELOP)(simulate)
app.command("bench", rich_help_panel=DEVELOP)(bench)
app.command("schema", rich_help_panel=DEVELOP)(schema)


def main() -> None:
    """The console script."""
    app()
