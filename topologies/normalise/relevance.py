"""Which acts matter, decided exactly on what was read. The cheap look at raw bytes before that is `scan.py`.

An act matters when its text holds one of our terms, when it links to one of our domains, when it touches one of our
accounts (mentions, answers, quotes, reposts, likes, follows it), or when everything matters.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache

import re2

from config.settings import RelevanceSettings
from topologies.normalise.text import fold

TOPICS_MAX = 64
"""Terms told of one act; more say nothing more."""

_FEW = 8
"""Up to so many needles are looked for one by one; more by one automaton, at 2.5 us a post for 8 or 2000 of them."""
_AUTOMATON_BYTES_MAX = 256 << 20
_HOST = re.compile(r"[a-z][a-z0-9+.-]*:/*(?:[^/?#\\@]*@)?([^/?#:\\\s]+)")


class Relevance:
    """The relevance settings, ready for use. Has no state: one for all normalisers."""

    def __init__(self, settings: RelevanceSettings) -> None:
        """See `relevance_of`, which keeps them."""
        self.everything = settings.relevance == "all"
        self.accounts = frozenset(_account(account) for account in settings.accounts)
        terms: dict[str, str] = {}
        for term in settings.terms:
            needle = fold(term.strip())
            # Texts that are searched together are joined by \0.
            if needle and "\0" not in needle:
                terms.setdefault(needle, term.strip())
        self.terms = terms
        """What is shown, by what is looked for."""
        self.hosts = tuple(sorted({host for domain in settings.domains for host in _spellings(domain)}))
        """Our domains as people and links write them: in ASCII form and in letters."""
        self._shown = tuple(terms.values())
        self._needles = (*terms, *self.hosts)
        self._borders = tuple(re.compile(rf"(?<![\w-]){re.escape(host)}(?![\w-]|\.\w)") for host in self.hosts)
        self._set = _automaton(self._needles) if len(self._needles) > _FEW else None

    def is_own(self, identifier: str) -> bool:
        """Whether `bluesky:did:…`, `x:123` or `mastodon:us@host` is one of our accounts."""
        return identifier in self.accounts

    def judge(self, written: str, links: Sequence[str], touched: Iterable[str]) -> tuple[str, ...] | None:
        """The topics of an act that matters, None for one that does not. `touched` are identifiers.

        Topics are the terms found, as the settings spell them and in their order.
        """
        topics, names_us = self._read(written) if written else ((), False)
        if topics or names_us or self.everything or not self.accounts.isdisjoint(touched):
            return topics
        return topics if self.hosts and any(map(self._is_ours, links)) else None

    def _read(self, written: str) -> tuple[tuple[str, ...], bool]:
        """The terms in a text, and whether one of our domains is."""
        folded = fold(written)
        if self._set is None:
            found = [index for index, needle in enumerate(self._needles) if needle in folded]
        else:
            # None when there are none, and in no order.
            found = sorted(self._set.Match(folded) or ())
        if not found:
            return (), False
        count = len(self._shown)
        topics = tuple([self._shown[index] for index in found if index < count][:TOPICS_MAX])
        if found[-1] < count:
            return topics, False
        return topics, any(self._borders[index - count].search(folded) for index in found if index >= count)

    def _is_ours(self, link: str) -> bool:
        # Folded and no more: what else a browser would take for our domain, the scan of raw bytes cannot foresee.
        found = _HOST.match(fold(link.strip()))
        host = found[1].strip(".") if found else ""
        return any(host == ours or host.endswith(f".{ours}") for ours in self.hosts)


@lru_cache(maxsize=16)
def relevance_of(settings: RelevanceSettings) -> Relevance:
    """The settings, ready for use; made once for equal ones."""
    return Relevance(settings)


def _automaton(needles: Sequence[str]) -> re2.Set:
    options = re2.Options()
    options.max_mem = _AUTOMATON_BYTES_MAX
    options.literal = True
    found = re2.Set.SearchSet(options)
    for needle in needles:
        found.Add(needle)
    found.Compile()
    return found


def _account(account: str) -> str:
    """DIDs tell capital letters apart; `user@host` does not."""
    return account.lower() if account.startswith("mastodon:") else account


def _spellings(domain: str) -> set[str]:
    host = fold(domain.strip().strip("."))
    found = {host}
    for other in (_ascii, _letters):
        with suppress(UnicodeError):
            found.add(other(host))
    return found - {""}


def _ascii(host: str) -> str:
    return host.encode("idna").decode("ascii").lower()


def _letters(host: str) -> str:
    return fold(host.encode("ascii").decode("idna"))
