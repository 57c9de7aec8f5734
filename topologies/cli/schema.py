"""`rapport schema`: what subscribers generate their readers from."""

import json
from pathlib import Path
from typing import Annotated

import typer

from topologies.cli.shell import PROBLEMS, Json, answer_json, answers, complain, table, usage


def schema(
    name: Annotated[
        str, typer.Argument(help="Show this one: an output's name, or `asyncapi`. None: list them.", show_default=False)
    ] = "",
    write: Annotated[bool, typer.Option("--write", help="Write the files that are missing or stale.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 1 when a file is stale, or breaks readers.")
    ] = False,
    release: Annotated[
        bool, typer.Option("--release", help="Keep today's schemas as those whose readers must not break.")
    ] = False,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="The folder. Default: the one in the package.", show_default=False),
    ] = Path(),
    as_json: Json = False,
) -> None:
    """JSON Schemas of all outputs, and one AsyncAPI 3 document of all topics."""
    from schemas import generate

    folder = out if out != Path() else generate.PUBLISHED
    if name:
        _show(name)
    elif write or release:
        changed = generate.write(folder) if write else []
        kept = generate.release(folder) if release else []
        _answer(folder, {"written": changed, "released": kept}, as_json=as_json)
    else:
        _look(folder, check=check, as_json=as_json)


def _show(name: str) -> None:
    from schemas import generate

    files = generate.files()
    if f"{name}.json" not in files:
        names = ", ".join(sorted(file.removesuffix(".json") for file in files))
        raise usage("NAME", want=f"one of {names}", got=repr(name), fix="leave it out for a list")
    answer_json(json.loads(files[f"{name}.json"]))


def _look(folder: Path, *, check: bool, as_json: bool) -> None:
    from schemas import generate
    from schemas.compat import breaks_of_all
    from schemas.json_schema import schemas

    stale = generate.stale(folder)
    breaks = breaks_of_all(generate.previous(folder), schemas())
    if as_json:
        answer_json({"folder": str(folder), "files": sorted(generate.files()), "stale": stale, "breaks": breaks})
    else:
        answers().print(str(folder), soft_wrap=True)
        shown = table("file", "state")
        for file in sorted({*generate.files(), *stale}):
            shown.add_row(file, f"[yellow]stale: {generate.WRITE}[/]" if file in stale else "fresh")
        answers().print(shown)
        for one in breaks:
            complain(f"breaks readers of the last release: {one}")
    if check and (stale or breaks):
        raise typer.Exit(PROBLEMS)


def _answer(folder: Path, done: dict[str, list[str]], *, as_json: bool) -> None:
    if as_json:
        answer_json({"folder": str(folder)} | done)
        return
    for what, files in done.items():
        for file in files:
            answers().print(f"{what} {folder / file}")
    if not any(done.values()):
        answers().print(f"{folder}: everything is fresh")
