"""Which field of a CRM feeds which of ours, and how its value becomes ours.

    defaults of the format   contact: {"tier": ("tier",), "company": ("company", ":associatedcompanyid")}
  + inputs.fields            tier = "customer_tier"    another field       company.tier = "plan"   only of companies
                             owner = ""                no field            tier = "=gold"          always this value
                             company = ":account_no"   the id of a record of this source; "crm:account_no": of `crm`

Ours are name, first_name, last_name, tier, owner, company, contact, status, external_id, email, email_verified, phone,
bluesky, x, mastodon, every field of `profile.fields`, and whatever else is mapped. A source that has a name in two
parts gives `first_name` and `last_name`. `email_verified` is `true` or `false`: an e-mail that is said not to be
verified is claimed like any other, but makes no two records one customer (`identity.same_email`). A source that never
verifies says `email_verified = "=false"`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from config.inputs import OBJECTS
from config.settings import IdentitySettings, InputSettings
from topologies.model import Model
from topologies.normalise.base import Parsed
from topologies.normalise.blocked import WORDS
from topologies.normalise.crm_facts import IdentifiersLeftOut
from topologies.normalise.salesforce_id import long_id
from topologies.normalise.values import NOTHING, Found, flag_of, identifiers_of, text_of
from topologies.normalise.wire import id_text, record_address

CLAIM_FIELDS = ("bluesky", "x", "mastodon", "email", "phone")
"""Ours whose values are identifiers."""
PEOPLE = ("contact", "company")
"""Objects that have the fields of profiles."""
LINK_NAMES = frozenset({"accountid", "account_id", "associatedcompanyid", "companyid", "company_id"})
"""Fields that hold the id of a company's record, also where a mapping does not say so."""

Values = dict[str, str | None]
Names = tuple[str, ...]
Defaults = Mapping[str, Mapping[str, Names]]
"""Object → our field → the source's. No names: the object has the field, and the source no name for it."""

_SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class Field(msgspec.Struct, frozen=True):
    """A source's field `name` and ours. A link leads to object `to` of `source`; empty: the value says of which.

    `label` is the name as it was configured, for people; names are compared in small letters.
    """

    ours: str
    name: str
    label: str
    kind: Literal["text", "flag", "identifiers", "link"] = "text"
    source: str = ""
    to: str = ""


class FieldMap:
    """The fields of each object of one input. Names of the source are compared in small letters."""

    def __init__(
        self, settings: InputSettings, model: Model, defaults: Defaults, source: str, *, rows: bool = False
    ) -> None:
        """`source` is the name in addresses. `rows`: a default still counts where the configured column is missing."""
        self.source = source
        self._identity: IdentitySettings = model.identity
        self._groups: dict[str, tuple[tuple[Field, ...], ...]] = {}
        self._fields: dict[str, tuple[Field, ...]] = {}
        self._fed_by: dict[tuple[str, str], list[Field]] = {}
        self._constants: dict[str, Values] = {}
        self._known: dict[str, frozenset[str]] = {}
        for kind in OBJECTS:
            wanted = _wanted(kind, settings.fields, model.profile.fields, defaults, rows=rows)
            self._known[kind] = frozenset(wanted)
            groups, constants = list[tuple[Field, ...]](), Values()
            for ours, names in wanted.items():
                if names and names[0].startswith("="):
                    constants[ours] = text_of(names[0][1:]).value
                elif names:
                    groups.append(tuple(_field(ours, name, kind, source) for name in names))
            self._groups[kind], self._constants[kind] = tuple(groups), constants
            self._fields[kind] = tuple(field for group in groups for field in group)
            for field in self._fields[kind]:
                self._fed_by.setdefault((kind, field.name), []).append(field)

    def fed_by(self, kind: str, name: str) -> Sequence[Field]:
        """Our fields that a source's field feeds."""
        return self._fed_by.get((kind, name.lower()), ())

    def fields(self, kind: str) -> tuple[Field, ...]:
        """Every field of the source that feeds one of ours, in the order of ours."""
        return self._fields[kind]

    def has(self, kind: str, ours: str) -> bool:
        """Whether the object has this field of ours; false where the configuration took it away."""
        return ours in self._known[kind]

    def address(self, kind: str, value: Any) -> str | None:
        """The address of a record of this source; None when the value is no id."""
        return record_address(self.source, kind, value)

    def read_row(self, out: Parsed, record: str, row: Mapping[str, Any], path: str = "$") -> Values:
        """Our fields of a row of the source. Names of the row are in small letters; a missing one changes nothing."""
        kind = record.split(":", 3)[2]
        values: Values = {}
        for group in self._groups[kind]:
            for field in group:
                if field.name in row:
                    self.put(out, record, values, field, row[field.name], f"{path}.{field.label}")
                    break
        return self.with_constants(kind, values)

    def put(self, out: Parsed, record: str, values: Values, field: Field, value: Any, path: str) -> None:
        """Read a value into `values`. What it leaves out is noted in `out`; what is too much is refused at `path`."""
        found = self._read(field, value)
        values[field.ours] = found.value
        for why in dict.fromkeys(found.left_out):
            times = found.left_out.count(why)
            note = IdentifiersLeftOut(source=self.source, field=field.ours, why=why, record=record, amount=times)
            out.notes.append(note)
        if found.too_many:
            kept = len((found.value or "").split())
            cause = f"too many identifiers in {field.ours}: kept {kept}, left out {found.too_many}"
            out.refused.append((path, cause))

    def with_constants(self, kind: str, values: Values) -> Values:
        """The values, with those of ours that are always the same."""
        constants = self._constants[kind]
        return {**constants, **values} if constants else values

    def _read(self, field: Field, value: Any) -> Found:
        if field.kind == "identifiers":
            return identifiers_of(field.ours, value, self._identity)
        if field.kind == "flag":
            return flag_of(value)
        if field.kind == "link" or (isinstance(value, str) and value.startswith("record:")):
            return _link(field, value)
        return text_of(value)


def _wanted(
    kind: str, own: Mapping[str, str], profile: Sequence[str], defaults: Defaults, *, rows: bool
) -> dict[str, Names]:
    """Our field → the source's names."""
    wanted = dict(defaults.get(kind, {}))
    if kind in PEOPLE:
        wanted = {name: (name,) for name in profile} | wanted
    known = {ours for names in defaults.values() for ours in names}
    for key, name in own.items():
        prefix, dot, rest = key.partition(".")
        is_limited = bool(dot) and prefix in OBJECTS
        ours = rest if is_limited else key
        # `status` is a word about cases, `tier` one about people: a mapping goes where the field is at home.
        at_home = ours in defaults.get(kind, {}) if ours in known else kind in PEOPLE
        if prefix != kind if is_limited else not at_home:
            continue
        if not name:
            wanted.pop(ours, None)
        else:
            wanted[ours] = (name, *wanted.get(ours, ())) if rows and not name.startswith("=") else (name,)
    return wanted


def _field(ours: str, name: str, kind: str, own_source: str) -> Field:
    source, colon, label = name.rpartition(":")
    plain = label.lower()
    if ours in CLAIM_FIELDS:
        return Field(ours, plain, label, "identifiers")
    if ours == "email_verified":
        return Field(ours, plain, label, "flag")
    if ours == "external_id":
        return Field(ours, plain, label, "link", source, kind)
    if ours == "contact" or colon or (ours == "company" and plain in LINK_NAMES):
        return Field(ours, plain, label, "link", source or own_source, "contact" if ours == "contact" else "company")
    return Field(ours, plain, label)


def _link(field: Field, value: Any) -> Found:
    """The address of the record that a value leads to. A record's address may stand there as such."""
    if value is None or (isinstance(value, str) and value.strip().lower() in WORDS):
        return NOTHING
    source, to, name = field.source, field.to, value
    if isinstance(value, str) and value.startswith("record:"):
        source, to, name = [*value.split(":", 3)[1:], "", ""][:3]
    elif not source and isinstance(value, str):
        source, _, name = value.partition(":")
        before, colon, after = name.partition(":")
        to, name = (before, after) if colon and before in OBJECTS else (to, name)
    if not _SOURCE.fullmatch(source) or to not in OBJECTS:
        return Found(None, ("unreadable",))
    if source == "salesforce" and isinstance(name, str):
        name = long_id(name.strip())
    address = record_address(source, to, name) if id_text(name) else None
    return Found(address) if address else Found(None, ("unreadable",))
