"""Values that stand where an identifier belongs and identify nobody.

People must write something into a required field: `none`, `test@test.com`, `000000`. Taken for identifiers, they would
make one customer of everybody who has them.
"""

import re
from functools import lru_cache
from typing import Any

import re2

from config.settings import IdentitySettings

WORDS = frozenset({
    "", "-", "--", "---", ".", "..", "...", "?", "??", "???", "_", "/", "0", "-1", "@", "n/a", "n.a.", "n.a", "na",
    "#n/a", "#na", "#ref!", "nan", "nil", "null", "(null)", "\\n", "none", "(none)", "<none>", "no", "nope", "nothing",
    "not available", "not applicable", "not provided", "not set", "undefined", "unknown", "unbekannt", "inconnu",
    "desconocido", "anonymous", "anonym", "anon", "tbd", "todo", "test", "tests", "tester", "testing", "asdf", "qwerty",
    "xxx", "xxxx", "empty", "blank", "deleted", "[deleted]", "redacted", "[redacted]", "invalid", "true",
    "false", "keine", "kein", "nicht bekannt", "handle.invalid",
})  # fmt: skip
"""As a whole value, whatever its case; of an e-mail or a Mastodon account also as the part before the @."""

NO_MAIL = frozenset({
    "noemail", "no-email", "no.email", "no_email", "nomail", "no-mail", "noreply", "no-reply", "no_reply", "donotreply",
    "do-not-reply", "do_not_reply", "dontreply", "nobody", "noone", "email", "e-mail", "user", "username", "example",
    "mailer-daemon", "bounce", "bounces", "fake", "dummy", "sample", "unsubscribe",
})  # fmt: skip
"""Before the @ of an e-mail: nobody's mailbox."""

ROLES = frozenset({
    "abuse", "accounting", "accounts", "admin", "administrator", "all", "bewerbung", "billing", "booking", "buchhaltung",
    "career", "careers", "client", "clients", "compliance", "contact", "contacto", "customer", "customercare",
    "customers", "customerservice", "einkauf", "enquiries", "events", "feedback", "finance", "ftp", "hello", "help",
    "helpdesk", "hi", "hostmaster", "hr", "info", "information", "inquiries", "inquiry", "invoices", "it", "jobs",
    "kontakt", "kundenservice", "legal", "mail", "marketing", "media", "news", "newsletter", "noc", "office", "orders",
    "postmaster", "presse", "press", "privacy", "purchasing", "reception", "rechnung", "recruiting", "reservations",
    "returns", "root", "sales", "security", "service", "services", "shop", "social", "staff", "subscribe", "support",
    "team", "vertrieb", "webmaster", "welcome", "www",
})  # fmt: skip
"""Before the @ of an e-mail: a function that many people share. Blocked by option only."""

_TYPED = re.compile(r"(?:account|handle):[a-z]+:|email:|phone:")
_SEQUENCES = ("0123456789" * 2, "9876543210" * 2)
_ONLY_PUNCTUATION = re.compile(r"[\W_]*")


def is_blocked(value: str, identity: IdentitySettings) -> bool:
    """Whether an identifier's value identifies nobody. `value` as it was written, or as an address.

    The address wins over nothing: ask for both, since `000-000` is telling as it stands and `test@…` when it is clean.
    Example domains are not blocked: nobody can act from there, and every trial of a system is full of them.
    """
    match = _TYPED.match(value)
    kind = match[0].partition(":")[0] if match else ""
    bare = (value[match.end() :] if match else value).strip().lower()
    if bare.lstrip("@") in WORDS or _ONLY_PUNCTUATION.fullmatch(bare):
        return True
    blocked, patterns = _own(identity.blocked, identity.blocked_patterns)
    if bare in blocked or value.lower() in blocked or any(pattern.fullmatch(bare) for pattern in patterns):
        return True
    if "@" in bare[1:] and kind != "handle":
        return _is_nobodys_name(bare.lstrip("@").partition("@")[0], identity, is_mail=kind in {"", "email"})
    return kind in {"", "phone"} and _is_filler(bare)


def _is_nobodys_name(local: str, identity: IdentitySettings, *, is_mail: bool) -> bool:
    name = local.partition("+")[0]
    if name in WORDS or (is_mail and name in NO_MAIL):
        return True
    return is_mail and identity.block_role_addresses and name in ROLES


def _is_filler(bare: str) -> bool:
    """Zeros, one digit again and again, or 123456789: digits that somebody typed to get on."""
    if not re.fullmatch(r"\+?[\d\s()./-]+", bare):
        return False
    digits = re.sub(r"\D", "", bare)
    return len(digits) >= 5 and any(
        len(set(part)) == 1 or any(part in sequence for sequence in _SEQUENCES)
        for part in (digits, digits[1:], digits[2:], digits[3:])
        if len(part) >= 5
    )


@lru_cache(maxsize=8)
def _own(blocked: tuple[str, ...], patterns: tuple[str, ...]) -> tuple[frozenset[str], tuple[Any, ...]]:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    return frozenset(value.strip().lower() for value in blocked), tuple(re2.compile(one, options) for one in patterns)
