"""Configuration files, rules and lexicons → settings and model, or everything that is wrong with all of them."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from config.load import load
from config.settings import RulesSettings, Settings
from topologies.cli.shell import ProblemsFound
from topologies.customer.lexicon import load_lexicons
from topologies.customer.rules.load import load_rules, starter_rules
from topologies.customer.rules.rule import Rule
from topologies.model import Model, build_model
from topologies.normalise.formats import KNOWN


class Configured(msgspec.Struct, frozen=True):
    """What a process runs with."""

    settings: Settings
    model: Model


def settings_of(paths: Sequence[Path], env: Mapping[str, str] = os.environ) -> Settings:
    """The settings. Raises `ProblemsFound`."""
    settings, problems = load(list(paths), env, KNOWN)
    if settings is None:
        raise ProblemsFound(problems)
    return settings


def configured(paths: Sequence[Path], rules: Path | None = None, env: Mapping[str, str] = os.environ) -> Configured:
    """Settings and model. `rules`: a folder that takes the place of the configured one. Raises `ProblemsFound`."""
    settings, problems = load(list(paths), env, KNOWN)
    folder = str(rules) if rules is not None else rules_folder(settings, paths, env)
    found, wrong = load_rules(folder or None, hold_ms=None if settings is None else settings.identity.hold_ms)
    if settings is None or problems or wrong:
        raise ProblemsFound([*problems, *wrong])
    settings = msgspec.structs.replace(settings, rules=RulesSettings(directory=folder))
    return Configured(settings, model_of(settings, found))


def model_of(settings: Settings, rules: tuple[Rule, ...]) -> Model:
    """The model of settings that are in order."""
    return build_model(settings, rules, load_lexicons())


def rules_folder(settings: Settings | None, paths: Sequence[Path], env: Mapping[str, str]) -> str:
    """Where the rules are; empty: those that come with Rapport. Found also in files with problems."""
    if settings is not None:
        return settings.rules.directory
    if folder := env.get("RAPPORT_RULES__DIRECTORY"):
        return folder
    for path in reversed(paths):
        folder = _rules_in(path)
        if folder:
            return folder
    return ""


def rules_shown(settings: Settings) -> str:
    """The folder of the rules, for people."""
    return settings.rules.directory or f"{starter_rules()} (those that come with Rapport)"


def _rules_in(path: Path) -> str:
    try:
        section: Any = tomllib.loads(path.read_text(encoding="utf-8")).get("rules")
    except (OSError, ValueError):
        # What is wrong with the file was said by whoever has loaded it.
        return ""
    folder = section.get("directory") if isinstance(section, dict) else None
    return folder if isinstance(folder, str) else ""
