"""The model: everything of the configuration that changes results. Versioned by its hash; outputs name it."""

import hashlib
from typing import Any

import msgspec

from config.settings import IdentitySettings, ProfileSettings, RelevanceSettings, ScoreSettings, Settings
from topologies.customer.rules.rule import Rule
from topologies.customer.sentiment import Lexicon


class Model(msgspec.Struct, frozen=True):
    """What folds are called with."""

    hash: str
    identity: IdentitySettings
    score: ScoreSettings
    profile: ProfileSettings
    relevance: RelevanceSettings
    rules: tuple[Rule, ...] = ()
    lexicons: dict[str, Lexicon] = {}


def build_model(settings: Settings, rules: tuple[Rule, ...], lexicons: dict[str, Lexicon]) -> Model:
    """The model of a configuration. Same content, same hash, in every process."""
    content: list[Any] = [
        settings.identity,
        settings.score,
        settings.profile,
        settings.relevance,
        [rule.source for rule in rules],
        {name: lexicon.digest for name, lexicon in sorted(lexicons.items())},
    ]
    digest = hashlib.blake2b(msgspec.json.encode(content, order="deterministic"), digest_size=8).hexdigest()
    return Model(digest, settings.identity, settings.score, settings.profile, settings.relevance, rules, lexicons)
