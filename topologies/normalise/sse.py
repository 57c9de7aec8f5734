"""Event streams of the web (`text/event-stream`) as text.

event: update          ──► ("update", '{"id":"1"}')
data: {"id":"1"}
                       a blank line ends an event
:thump                 a comment keeps the connection open
"""

import re

from streams.errors import Poison

_LINES = re.compile(r"\r\n|\n|\r")
_FIELDS = frozenset({"", "event", "data", "id", "retry"})
"""A line without a name is a comment."""


def sse_events(written: str) -> list[tuple[str, str]]:
    """(name, data) of each event that has data. Raises `Poison` when no line is one of an event stream.

    The end of the text ends an event as well: a log keeps lines or events apart in its own way.
    """
    found: list[tuple[str, str]] = []
    name, data, is_stream = "", list[str](), False
    for line in (*_LINES.split(written), ""):
        if not line:
            if data:
                found.append((name, "\n".join(data)))
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        is_stream = is_stream or field in _FIELDS
        if field == "event":
            name = value.strip()
        elif field == "data":
            data.append(value.removeprefix(" "))
    if not is_stream:
        raise Poison("want JSON, or lines of an event stream")
    return found
