"""Reads `when`: maps of `field|modifier: value`, for people who write no expressions.

    when:
      customer.tier: [gold, platinum]      all lines of a map must hold          (and)
      sentiment|lte: -0.5                  one value of a list is enough         (or)
      act.text|contains|not: thank         modifiers are joined with |
    when: [{…}, {…}]                       one map of a list is enough           (or)

Texts are compared whatever their case, patterns (`re`) as they are written. It becomes the same tree as an expression.
"""

from typing import Any

from config.problems import did_you_mean
from topologies.customer.rules.expr import fold_text
from topologies.customer.rules.expr_check import pattern_problem
from topologies.customer.rules.expr_parse import Call, Const, Node, Path
from topologies.customer.rules.fields import CUSTOM, FIELDS, Field, find
from topologies.customer.rules.located import Located, Reader
from topologies.customer.rules.problem import shown

ORDER = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
TEXT = {"contains": "has_any", "startswith": "starts_any", "endswith": "ends_any"}
MODIFIERS = (*ORDER, *TEXT, "re", "exists", "not", "neq", "all")

LINES_MAX = 64
VALUES_MAX = 256


def read_when(reader: Reader, at: Located, path: str) -> Node | None:
    """The tree of a `when`; None when something is wrong, which the reader has then been told."""
    if isinstance(at.value, list):
        if not at.value or len(at.value) > LINES_MAX:
            reader.wrong(at, path, f"1 to {LINES_MAX} maps", shown(at.value), "write at least one `field: value`")
            return None
        parts = [_map(reader, item, f"{path}[{index}]") for index, item in enumerate(at.value)]
        return _joined("||", parts)
    return _map(reader, at, path)


def _map(reader: Reader, at: Located, path: str) -> Node | None:
    if not isinstance(at.value, dict) or not at.value or len(at.value) > LINES_MAX:
        reader.wrong(at, path, f"a map of 1 to {LINES_MAX} lines", shown(at.value), "write lines of `field: value`")
        return None
    return _joined("&&", [_line(reader, key, at, path) for key in at.value])


def _joined(sign: str, parts: list[Node | None]) -> Node | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return known[0] if len(known) == 1 else Call(0, sign, tuple(known))


def _line(reader: Reader, key: str, of: Located, path: str) -> Node | None:
    name, *modifiers = key.split("|")
    value, where = of.value[key], of.key(key)
    path = f"{path}.{key}"
    field = find(name)
    if field is None:
        fix = did_you_mean(name, FIELDS, f"fields are {', '.join(FIELDS)} and {CUSTOM}*")
        reader.wrong(where, path, "a known field", repr(name), fix)
        return None
    for modifier in modifiers:
        if modifier not in MODIFIERS:
            fix = did_you_mean(modifier, MODIFIERS, f"modifiers are {', '.join(MODIFIERS)}")
            reader.wrong(where, path, "a known modifier", repr(modifier), fix)
            return None
    turned = any(modifier in {"not", "neq"} for modifier in modifiers)
    every = "all" in modifiers
    kinds = [modifier for modifier in modifiers if modifier not in {"not", "neq", "all"}]
    if len(kinds) > 1 or len(set(modifiers)) < len(modifiers):
        reader.wrong(where, path, "one way to compare", " and ".join(modifiers), "write two lines")
        return None
    kind = kinds[0] if kinds else "equals"
    if every and kind not in {"contains", "re"}:
        reader.wrong(where, path, "`all` with contains or re", kind, "remove `all`")
        return None
    tree = _compare(reader, field, kind, value, path, every=every)
    return Call(0, "!", (tree,)) if turned and tree is not None else tree


def _compare(reader: Reader, field: Field, kind: str, value: Located, path: str, *, every: bool) -> Node | None:
    if kind == "exists":
        if not isinstance(value.value, bool):
            reader.wrong(value, path, "true or false", shown(value.value), f"write `{field.name}|exists: true`")
            return None
        has = Call(0, "has", (Path(0, field.name),))
        return has if value.value else Call(0, "!", (has,))
    if kind in ORDER:
        return _order(reader, field, ORDER[kind], value, path)
    if kind in TEXT or kind == "re":
        return _text(reader, field, kind, value, path, every=every)
    return _equals(reader, field, value, path)


def _order(reader: Reader, field: Field, sign: str, value: Located, path: str) -> Node | None:
    custom = field.name.startswith(CUSTOM)
    if field.type != "number" and not custom:
        want = "a number field for lt, lte, gt and gte"
        reader.wrong(value, path, want, f"{field.name}, which is {field.type}", "use another modifier")
        return None
    number = reader.number(value, path)
    if number is None:
        return None
    # Custom fields are texts; those that hold no number are unknown.
    left: Node = Path(0, field.name)
    return Call(0, sign, (Call(0, "double", (left,)) if custom else left, Const(0, number)))


def _text(reader: Reader, field: Field, kind: str, value: Located, path: str, *, every: bool) -> Node | None:
    if field.type != "text":
        fix = f"write `{field.name}: [one, or, another]`" if field.type == "texts" else "use lt, lte, gt, gte"
        reader.wrong(value, path, f"a text field for {kind}", f"{field.name}, which is {field.type}", fix)
        return None
    wanted = _values(reader, value, path, "text")
    if wanted is None:
        return None
    if any(text == "" for text in wanted):
        reader.wrong(value, path, "a text to look for", "an empty one", "write at least one letter")
        return None
    left = Path(0, field.name)
    if kind != "re":
        name = "has_all" if every else TEXT[kind]
        return Call(0, name, (left, Const(0, tuple(sorted({fold_text(text) for text in wanted})))))
    wrong = False
    for pattern in wanted:
        if said := pattern_problem(pattern):
            fix = "correct it; look-around and back references do not exist"
            reader.wrong(value, path, "a pattern in RE2's syntax", f"{pattern!r}: {said}", fix)
            wrong = True
    parts: list[Node | None] = [Call(0, "matches", (left, Const(0, pattern))) for pattern in wanted]
    return None if wrong else _joined("&&" if every else "||", parts)


def _equals(reader: Reader, field: Field, value: Located, path: str) -> Node | None:
    if field.type == "bool":
        flag = reader.flag(value, path)
        return None if flag is None else Call(0, "==", (Path(0, field.name), Const(0, flag)))
    wanted = _values(reader, value, path, "number" if field.type == "number" else "text")
    if wanted is None:
        return None
    if field.type == "number":
        return Call(0, "in", (Path(0, field.name), Const(0, tuple(sorted(set(wanted))))))
    known = {fold_text(one) for one in field.values}
    for text in wanted:
        if known and fold_text(text) not in known:
            fix = did_you_mean(text, known, f"known are {', '.join(filter(None, field.values))}")
            reader.wrong(value, path, f"a value {field.name} can have", repr(text), fix)
            return None
        if text == "" and not field.empty_is_value:
            fix = f"write `{field.name}|exists: false`"
            reader.wrong(value, path, "a value", "an empty text, which counts as missing", fix)
            return None
    name = "items_like_any" if field.type == "texts" else "like_any"
    return Call(0, name, (Path(0, field.name), Const(0, tuple(sorted({fold_text(text) for text in wanted})))))


def _values(reader: Reader, at: Located, path: str, kind: str) -> list[Any] | None:
    """One value or a list of them, each of `kind`."""
    items = at.value if isinstance(at.value, list) else [at]
    if not items or len(items) > VALUES_MAX:
        reader.wrong(at, path, f"1 to {VALUES_MAX} values", shown(at.value), "write one value or a list of them")
        return None
    read = reader.number if kind == "number" else reader.text
    found = [read(item, path) for item in items]
    return None if any(one is None for one in found) else found
