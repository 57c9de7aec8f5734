"""Files of contacts → payloads of the format `contacts`, one a record.

people.jsonl   a JSON object a line            ──► the line
people.json    a JSON array of objects         ──► each object
people.csv     a header, and rows under it     ──► header⏎row, for each row: a payload stands by itself
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from topologies.normalise.contacts import BOM, delimiter_of


def rows_of_file(file: Path) -> Iterator[bytes]:
    """The payloads of a file. Raises `OSError` only: what is wrong with a row is said where it is read."""
    with file.open("rb") as opened:
        start = opened.read(4096).removeprefix(BOM).lstrip()[:1]
        opened.seek(0)
        if start == b"[" and (elements := _elements(opened.read())) is not None:
            yield from elements
            return
        opened.seek(0)
        yield from _lines(opened) if start in {b"{", b"["} else _csv_rows(opened)


def _elements(data: bytes) -> list[bytes] | None:
    """Of a JSON array; None when the file is none: it may be a line of JSON like others below it."""
    try:
        body = msgspec.json.decode(data.removeprefix(BOM), type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return None
    return [bytes(element) for element in body]


def _lines(opened: BinaryIO) -> Iterator[bytes]:
    for index, line in enumerate(opened):
        text = (line.removeprefix(BOM) if index == 0 else line).strip()
        if text:
            yield text


def _csv_rows(opened: BinaryIO) -> Iterator[bytes]:
    """Bytes that are no UTF-8 pass through: their row is refused, and no other."""
    with io.TextIOWrapper(opened, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        first = next((line for line in text if line.strip()), "")
        delimiter = delimiter_of(first)
        # Cells of any size are for the reader of the payload to refuse: here one would end the file.
        csv.field_size_limit(1 << 30)
        rows = csv.reader(_chained(first, text), delimiter=delimiter)
        header = next(rows, [])
        for cells in rows:
            if any(cells):
                yield _payload(header, cells, delimiter)


def _payload(header: list[str], cells: list[str], delimiter: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([header, cells])
    return out.getvalue().rstrip("\n").encode("utf-8", "surrogateescape")


def _chained(first: str, rest: io.TextIOWrapper) -> Iterator[str]:
    yield first
    yield from rest
