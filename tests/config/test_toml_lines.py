"""Every name is found on its line, whatever else stands in the file."""

import tomllib

import pytest

from config.toml_lines import lines_of

CASES: dict[str, tuple[str, dict[str, int]]] = {
    "tables": ("a = 1\n[t]\nb = 2\n\n[t.u]\nc = 3", {"a": 1, "t": 2, "t.b": 3, "t.u": 5, "t.u.c": 6}),
    "tables in an array": (
        "[[i]]\nn = 1\n[[i]]\nn = 2\n[i.t]\nx = 1",
        {"i[0]": 1, "i[0].n": 2, "i[1]": 3, "i[1].n": 4, "i[1].t": 5, "i[1].t.x": 6},
    ),
    "a list over lines": ('a = [\n "b = 1", # ]\n "[t]",\n]\nc = 1', {"a": 1, "c": 5}),
    "a long string": ('a = """\nb = 1\n[t]\n"""\nc = 1', {"a": 1, "c": 5}),
    "a long literal": ("a = '''\n\"\"\"\nb = 1'''\nc = 1", {"a": 1, "c": 4}),
    "brackets in strings": ('a = "[["\nb = \'[{\'\nc = "\\"["\nd = 1', {"a": 1, "b": 2, "c": 3, "d": 4}),
    "comments": ("# a = 1\nb = 1 # [\n[t] # x = 1\nc = 1", {"b": 2, "t": 3, "t.c": 4}),
    "dots and quotes": ('"a" . b = 1\n[ x . "y" ]\nz = 1', {"a.b": 1, "x.y": 2, "x.y.z": 3}),
    "inline tables": ("a = {b = 1, c = [1,\n 2]}\nd = 1", {"a": 1, "d": 3}),
}


@pytest.mark.parametrize("name", CASES)
def test_names_are_found_on_their_lines(name: str) -> None:
    text, lines = CASES[name]
    tomllib.loads(text)  # The case itself is TOML.
    assert lines_of(text) == lines
