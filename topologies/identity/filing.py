"""A CRM record at work on one event: what it says, whom it belongs to, and who is told what.

    case ──────────► contact ──────────► better contact ──────────► customer
    company ──name──►   │ external_id, or the same e-mail                ▲
                        └── none of a better source ─────────────────────┘

Everything said goes to one place, the target: what the record says itself and what others have told it to pass on. When
the target changes, all of it is taken back there and said here, in pages.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from schemas.events import Content, Record, SameEmail
from schemas.log import Continue
from schemas.state import Field, Heard, History, RecordGone, RecordHead
from streams.core.effects import EFFECTS_MAX, Drop, Effect, Put, Send
from streams.core.fold import Now, State
from streams.core.stance import tell, told
from topologies.identity.claims import kind_of
from topologies.identity.histories import is_gone, stretches_gone
from topologies.model import Model

ROOM = EFFECTS_MAX - 24
"""Effects after which a call stops and sends itself `Continue`."""

EMAILS_MAX = 8
"""E-mails of one record that can make it another's."""

NEW = RecordHead()
CONTENT, PARENT, EMAIL = "content", "parent", "email"
"""The kinds of stances: what is said, to the target · I am one of yours, to the company · my e-mail is this."""

CONTACTS, ERASE = "contacts", "erase"
"""With `CONTENT`, what a `Continue` goes on with."""

Item = Field | History | RecordGone | Heard

_UNVERIFIED = frozenset({"", "0", "false", "no"})


class Filing:
    """One call. Items are read through it: those that have changed as they are now."""

    def __init__(self, state: State, now: Now, model: Model) -> None:
        """Nothing of `state` is changed."""
        self.state, self.now, self.settings = state, now, model.identity
        self.me, self.kind = state.address, kind_of(state.address)
        self.before: RecordHead = state.get("head") or NEW
        self.head = self.before
        self.effects: list[Effect] = []
        self._changed: dict[str, Item | None] = {}

    # -- items

    def put(self, item: str, value: Item | None) -> None:
        """Set an item, or (null) remove it."""
        self._changed[item] = value
        self.effects.append(Drop(item) if value is None else Put(item, value))

    def get(self, item: str) -> Item | None:
        """An item as it is now."""
        return self._changed[item] if item in self._changed else self.state.get(item)

    def starting(self, prefix: str) -> list[tuple[str, Item]]:
        """Items as they are now whose names begin so, in order of name, without the prefix."""
        found = dict(self.state.each(prefix))
        for item, value in self._changed.items():
            if item.startswith(prefix):
                found[item[len(prefix) :]] = value
        return [(name, found[name]) for name in sorted(found) if found[name] is not None]

    def value(self, name: str) -> str:
        """The newest value of a field; empty: none."""
        field, history = self.get(f"field:{name}"), self.get(f"hist:{name}")
        if isinstance(history, History):
            return history.entries[-1].value or ""
        return (field.newest.value or "") if isinstance(field, Field) else ""

    # -- what is said

    def own(self) -> Record | None:
        """What the record says itself; None: it has never said anything, or was erased."""
        gone = self.get("gone")
        stretches = stretches_gone(gone.changes) if isinstance(gone, RecordGone) else ()
        if self.kind == "company":
            # Contacts inherit the name, and nothing else is anybody's business.
            name = self.get("field:name")
            values = {"name": name.newest} if isinstance(name, Field) else {}
            return Record(self.me, values, {}, stretches) if values or gone is not None else None
        values = {name: field.newest for name, field in self.starting("field:") if isinstance(field, Field)}
        histories = {name: one.entries for name, one in self.starting("hist:") if isinstance(one, History)}
        values |= {name: entries[-1] for name, entries in histories.items()}
        if not values and gone is None:
            return None
        if "company" in values:
            company = self._company_name(values["company"].value or "")
            values["company"] = replace(values["company"], value=company)
        return Record(self.me, values, histories, stretches)

    def _company_name(self, company: str) -> str | None:
        """A company that is a record lends its name while it is there; any other value is the name."""
        if not company.startswith("record:"):
            return company or None
        heard = self.get(f"from:{company}")
        content = heard.content.content if isinstance(heard, Heard) else None
        if content is None or is_gone(content.gone) or "name" not in content.values:
            return None
        return content.values["name"].value

    def content(self, subject: str) -> Record | None:
        """What is said of a subject: of this record itself, or as others told it. Of several the first in order."""
        if subject == self.me:
            return self.own()
        if self.head.erased_at:
            return None
        direct = self.get(f"from:{subject}")
        heard = [direct, *(item for _, item in self.starting(f"from:{subject}\x1f"))]
        found = (item.content.content for item in heard if isinstance(item, Heard))
        return next((content for content in found if content is not None), None)

    # -- whom it belongs to

    def target(self) -> str:
        """Where everything goes; empty: nowhere, as a case without a contact, or a company."""
        if self.kind == "case":
            contact = self.value("contact")
            return contact if kind_of(contact) == "contact" else ""
        if self.kind != "contact":
            return ""
        rank = self.rank(self.me)
        other = self.value("external_id")
        if kind_of(other) == "contact" and self.rank(other) < rank:
            return other
        led = sorted((self.rank(leader), leader) for _, _, leader in self.head.heard_leader if leader)
        if led and led[0][0] < rank:
            return led[0][1]
        return "customer:" + self.me.removeprefix("record:")

    def rank(self, record: str) -> int:
        """The place of a record's source; unknown ones come last."""
        source, sources = record.split(":", 2)[1], self.settings.sources
        return sources.index(source) if source in sources else len(sources)

    # -- who is told

    def retell(self, subject: str) -> None:
        """Tell the target what has changed about one subject; when the target itself has changed, all of it."""
        target = self.target()
        if target != self.head.target:
            self.head = replace(self.head, target=target)
            self.retell_all("")
        elif target and self._is_passed_on(subject):
            self._tell(target, subject, self.content(subject))

    def _is_passed_on(self, subject: str) -> bool:
        return subject == self.me or (self.kind == "contact" and kind_of(subject) in {"contact", "case"})

    def _tell(self, to: str, subject: str, content: Record | None) -> None:
        stance = Content(self.me, subject, self.now.position, content)
        self.effects += tell(self.state, CONTENT, to, stance, content, subject=subject)

    def retell_all(self, cursor: str) -> None:
        """Tell everything after `cursor`, in order of subject, as far as it was not told; take back the rest."""
        target, elsewhere = self.head.target, dict[str, list[str]]()
        for memo in told(self.state, CONTENT):
            to, _, subject = memo.partition("\x1f")
            elsewhere.setdefault(subject, [])
            if to != target:
                elsewhere[subject].append(to)
        heard = {name.partition("\x1f")[0] for name, _ in self.starting("from:")}
        for subject in sorted({self.me, *heard, *elsewhere}):
            if subject <= cursor or not self._is_passed_on(subject):
                continue
            for to in [*elsewhere.get(subject, ()), *([target] if target else [])]:
                # In here: a company can have told thousands about its one subject.
                if self.is_full(f"{CONTENT} {cursor}"):
                    return
                self._tell(to, subject, self.content(subject) if to == target else None)
            cursor = subject

    def tell_contacts(self, cursor: str) -> None:
        """A company tells its contacts, those after `cursor` in order, what they inherit."""
        content = self.own()
        for contact, heard in self.starting("from:"):
            if contact <= cursor or not isinstance(heard, Heard) or heard.content.content is None:
                continue
            if self.is_full(f"{CONTACTS} {cursor}"):
                return
            self._tell(contact, self.me, content)
            cursor = contact

    def tell_contact(self, contact: str) -> None:
        """The same for one that has come or gone."""
        heard = self.get(f"from:{contact}")
        is_ours = isinstance(heard, Heard) and heard.content.content is not None
        self._tell(contact, self.me, self.own() if is_ours else None)

    def is_full(self, cursor: str) -> bool:
        """Whether the rest has to wait; then the call goes on with `Continue` at `cursor`."""
        if len(self.effects) <= ROOM:
            return False
        self.effects.append(Send(self.me, Continue(cursor)))
        return True

    def tell_company(self) -> None:
        """Let the company know that it has this contact, or has it no more."""
        company = self.value("company") if self.kind == "contact" and not self.head.erased_at else ""
        wanted = {company} if kind_of(company) == "company" else set[str]()
        for to in sorted({*wanted, *told(self.state, PARENT)}):
            content = Record(self.me, {}, {}) if to in wanted else None
            stance = Content(self.me, self.me, self.now.position, content)
            self.effects += tell(self.state, PARENT, to, stance, content)

    def tell_emails(self) -> None:
        """Let e-mail addresses know whose they are, if that makes records one customer."""
        wanted = dict.fromkeys(self._emails())
        for to in sorted({*wanted, *told(self.state, EMAIL)}):
            rank = self.rank(self.me) if to in wanted else None
            stance = SameEmail(self.me, self.now.position, rank)
            self.effects += tell(self.state, EMAIL, to, stance, None if rank is None else (rank,))

    def _emails(self) -> Iterable[str]:
        """Those that count: of a contact, unless its CRM says that they are not verified."""
        if not self.settings.same_email or self.kind != "contact" or self.head.erased_at:
            return ()
        field = self.get("field:email_verified")
        if isinstance(field, Field) and (field.newest.value or "").lower() in _UNVERIFIED:
            return ()
        return [one for one in self.value("email").split() if one.startswith("email:")][:EMAILS_MAX]
