"""What operators can see of identity: what was refused, cut, or came too late, and which knob is about it."""

from typing import ClassVar

from streams.core.facts import Fact, Level


class ActSealedEarly(Fact, frozen=True, kw_only=True):
    """An act was sealed before its time, because its author had too many."""

    counter: ClassVar[str] = "acts_sealed_early_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("cap",)
    help: ClassVar[str] = "Acts sealed before `hold` was over, by the cap that was reached."
    advice: ClassVar[str] = (
        "Many: raise the setting of that name (`identity.held_max`, `unclaimed_per_hour_max`, `joined_max`), or let bots be."
    )
    cap: str


class ActParked(Fact, frozen=True, kw_only=True):
    """An act came that is nobody's so far: it is held open, for whoever claims its author within `hold`."""

    counter: ClassVar[str] = "acts_parked_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = (
        "Acts that were nobody's when they came, and are held open until a customer claims their author."
    )
    advice: ClassVar[str] = (
        "Most acts of a firehose are. Nearly all, where they were not before: does the CRM feed run? "
        "See `raw_records_total` of its topic."
    )


class ParkedActJoined(Fact, frozen=True, kw_only=True):
    """A customer claimed the author of an act that was held open: it is joined after all."""

    counter: ClassVar[str] = "parked_acts_joined_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = (
        "Acts that were held open and are a customer's after all; what is never joined ends in `unmatched`."
    )
    advice: ClassVar[str] = "Many: the CRM learns of people after they have spoken; do not shorten `identity.hold_ms`."


class ActTooLate(Fact, frozen=True, kw_only=True):
    """An act came when it could no longer be told from a repetition, and was left out."""

    counter: ClassVar[str] = "acts_too_late_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = "Acts left out as older than what is remembered; they stand in the `late` output."
    advice: ClassVar[str] = "Many: a source lags by more than `identity.hold_ms`, or an old topic is read again."


class ActCut(Fact, frozen=True, kw_only=True):
    """An act was longer than what is kept of one."""

    counter: ClassVar[str] = "acts_cut_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = "Acts whose text, targets or topics were cut to what is kept."
    advice: ClassVar[str] = "Nothing, unless a source suddenly sends only such: then look at its payloads."


class ActAfterErase(Fact, frozen=True, kw_only=True):
    """An act from before its author was erased came after that, and was left out."""

    counter: ClassVar[str] = "acts_after_erase_total"
    level: ClassVar[Level] = "info"
    help: ClassVar[str] = "Acts of erased people that were still under way, and were left out."
    advice: ClassVar[str] = "Nothing: a few after each erasure are expected."


class ChangeAfterErase(Fact, frozen=True, kw_only=True):
    """A change of a record came after it was erased, and was left out."""

    counter: ClassVar[str] = "changes_after_erase_total"
    level: ClassVar[Level] = "info"
    help: ClassVar[str] = "Changes of erased records that were left out."
    advice: ClassVar[str] = "Many: the CRM still has the person; delete it there."


class ClaimRefused(Fact, frozen=True, kw_only=True):
    """A customer claimed an identifier that too many others claim."""

    counter: ClassVar[str] = "claims_refused_total"
    level: ClassVar[Level] = "warning"
    labels: ClassVar[tuple[str, ...]] = ("type",)
    help: ClassVar[str] = "Claims refused because too many customers claim the identifier, by its type."
    advice: ClassVar[str] = (
        "Put the value into `identity.blocked` (a shared mailbox?), or raise `identity.claimants_max`."
    )
    type: str


class SightingRefused(Fact, frozen=True, kw_only=True):
    """Something was seen more often than what is remembered of it."""

    counter: ClassVar[str] = "sightings_refused_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("what",)
    help: ClassVar[str] = "Sightings left out: accounts of one handle, handles of one account, records of one e-mail."
    advice: ClassVar[str] = "Rare. Many: a shared value; put it into `identity.blocked`."
    what: str


class HistoryFolded(Fact, frozen=True, kw_only=True):
    """The oldest part of a history was given up."""

    counter: ClassVar[str] = "histories_folded_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("what",)
    help: ClassVar[str] = "Histories of CRM fields, deletions or handles that had more entries than are kept."
    advice: ClassVar[str] = "Many: something in the CRM writes the same record again and again; find it."
    what: str


class ValueCut(Fact, frozen=True, kw_only=True):
    """CRM values were larger, or more, than what is kept of a record."""

    counter: ClassVar[str] = "values_cut_total"
    level: ClassVar[Level] = "warning"
    help: ClassVar[str] = "CRM values that were cut, or fields left out, because they are too large or too many."
    advice: ClassVar[str] = "Take long texts out of the input's `fields`: they are not meant for a profile."


class ChildRefused(Fact, frozen=True, kw_only=True):
    """A record had more records below it than are followed."""

    counter: ClassVar[str] = "children_refused_total"
    level: ClassVar[Level] = "warning"
    labels: ClassVar[tuple[str, ...]] = ("kind",)
    help: ClassVar[str] = "Contacts of a company, or cases of a contact, beyond what is followed, by kind."
    advice: ClassVar[str] = "A collective record in the CRM? Split it there."
    kind: str


class ReplyUnanswered(Fact, frozen=True, kw_only=True):
    """Our own reply was let go: who wrote the post it answers was never learnt."""

    counter: ClassVar[str] = "replies_without_author_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = "Our replies to posts whose author was not seen within `hold`."
    advice: ClassVar[str] = "Many: posts we answer are not in the firehose; is the source's filter too narrow?"


class LinksUntold(Fact, frozen=True, kw_only=True):
    """One event changed more links of an identifier than are published."""

    counter: ClassVar[str] = "links_untold_total"
    level: ClassVar[Level] = "warning"
    help: ClassVar[str] = "Changes of links that were not published, because one event changed too many."
    advice: ClassVar[str] = "Dozens of customers claim one identifier: put it into `identity.blocked`."
