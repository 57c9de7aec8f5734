"""What operators can see of customers. Work that is going well is counted, not logged."""

from typing import ClassVar

from streams.core.facts import Fact, Level


class ConditionUnknown(Fact, frozen=True, kw_only=True):
    """A rule's condition could not be decided: a field it needs was missing. It did not match."""

    counter: ClassVar[str] = "conditions_unknown_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("rule",)
    help: ClassVar[str] = (
        "Conditions that could not be decided because a field was missing, by rule; they did not match."
    )
    advice: ClassVar[str] = (
        "As many as there are acts: is the field ever filled? See `profile.fields` and the CRM mapping."
    )
    rule: str


class AlertTold(Fact, frozen=True, kw_only=True):
    """An alert was fired, updated, resolved or withdrawn."""

    counter: ClassVar[str] = "alerts_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("rule", "status", "severity")
    help: ClassVar[str] = "Changes of alerts, by rule, status (fired, updated, resolved, withdrawn) and severity."
    advice: ClassVar[str] = (
        "Many `fired` by one rule: raise its threshold or cooldown. Many `withdrawn`: identities are uncertain."
    )
    rule: str
    status: str
    severity: str


class JoinTooLate(Fact, frozen=True, kw_only=True):
    """An act was joined after it was sealed here: it could have counted already, so it does not count now."""

    counter: ClassVar[str] = "joins_too_late_total"
    level: ClassVar[Level] = "info"
    help: ClassVar[str] = "Joins of acts older than what is remembered; they do not count."
    advice: ClassVar[str] = (
        "Expected after a requeue of old dead letters. Else: a CRM feed lags by more than `identity.hold_ms`."
    )


class ErasedEventDropped(Fact, frozen=True, kw_only=True):
    """Something came for a person who was erased."""

    counter: ClassVar[str] = "erased_events_dropped_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("kind",)
    help: ClassVar[str] = "Events that came for erased people and were dropped, by kind."
    advice: ClassVar[str] = "If they go on: the CRM still has the person; delete it there."
    kind: str


class CustomerErased(Fact, frozen=True, kw_only=True):
    """A person was erased. `until`: when the last of it, the tombstone, goes (ms)."""

    counter: ClassVar[str] = "customers_erased_total"
    level: ClassVar[Level] = "info"
    help: ClassVar[str] = "People erased."
    advice: ClassVar[str] = "Nothing. It should be what your privacy desk has asked for."
    until: int


class IdentifiersRefused(Fact, frozen=True, kw_only=True):
    """A customer names more identifiers than one customer may claim (`amount` of them are too many)."""

    counter: ClassVar[str] = "identifiers_refused_total"
    level: ClassVar[Level] = "warning"
    help: ClassVar[str] = "Identifiers beyond `identity.identifiers_max` of one customer; they are refused."
    advice: ClassVar[str] = (
        "`rapport tail links` names them (`refused`): a collective account in the CRM? Block its values."
    )


class RecordRefused(Fact, frozen=True, kw_only=True):
    """A customer has more records, or decisions about them, than are kept; this one is left out."""

    counter: ClassVar[str] = "customer_records_refused_total"
    level: ClassVar[Level] = "warning"
    labels: ClassVar[tuple[str, ...]] = ("what",)
    help: ClassVar[str] = "Records or decisions beyond what one customer keeps, by what."
    advice: ClassVar[str] = "A collective account in the CRM? Split it there."
    what: str
