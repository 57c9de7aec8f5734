"""What operators can see of the CRM formats."""

from typing import ClassVar

from streams.core.facts import Fact, Level


class IdentifiersLeftOut(Fact, frozen=True, kw_only=True):
    """Values in a claim-bearing field of a CRM record identify nobody. The field counts as cleared of them.

    `why`: blocked (a filler like `none`), unreadable (no handle, e-mail or phone number), too long.
    """

    counter: ClassVar[str] = "crm_identifiers_left_out_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("source", "field", "why")
    help: ClassVar[str] = (
        "Values of CRM fields that name nobody, by source, field and why (blocked, unreadable, too long)."
    )
    advice: ClassVar[str] = "Many `unreadable`: look at the field, or at its mapping in `[[inputs]]`."
    source: str
    field: str
    why: str
    record: str


class ChangesMissed(Fact, frozen=True, kw_only=True):
    """A CRM says that something changed and not what: its records must be read again to be right."""

    counter: ClassVar[str] = "crm_changes_missed_total"
    level: ClassVar[Level] = "warning"
    labels: ClassVar[tuple[str, ...]] = ("source", "what")
    help: ClassVar[str] = "Changes a CRM announced without their content, by source and what."
    advice: ClassVar[str] = "Read those records again: load them as a `contacts` input."
    source: str
    what: str
    records: tuple[str, ...] = ()
