"""The table of topics: who writes them, how they are keyed, and what keeps them small.

Internal topics carry the application id as their prefix. Partition counts are fixed for an application id.
"""

from typing import Literal

import msgspec

DAY_MS = 86_400_000


class TopicSpec(msgspec.Struct, frozen=True):
    """One topic. `partitions` 0 means: as the application's partition count."""

    name: str
    key: str
    value: str
    policy: Literal["delete", "compact"]
    written_by: str
    retention_ms: int | None = None
    partitions: int = 0
    schema: str | None = None


def topics(app: str) -> dict[str, TopicSpec]:
    """All topics of an application, by the name the engine and the folds use for them."""
    inner = {
        "inbox": TopicSpec(
            f"{app}.inbox", "address", "msgpack event", "delete", "normalise, folds, ticker", 7 * DAY_MS
        ),
        "changelog": TopicSpec(f"{app}.changelog", "address + item", "state item; marker \\0m", "compact", "tasks"),
        "progress": TopicSpec(f"{app}.progress", "task", "how far a task is done", "compact", "workers", partitions=1),
        "models": TopicSpec(f"{app}.models", "model hash", "a model", "compact", "rapport apply", partitions=1),
    }
    outer = {
        "enriched": TopicSpec("social.enriched", "customer id", "JSON", "delete", "customer fold", 7 * DAY_MS, schema="Enriched"),
        "unmatched": TopicSpec("social.unmatched", "identifier", "JSON", "delete", "identity folds", 7 * DAY_MS, schema="Unmatched"),
        "scores": TopicSpec("engagement.scores", "customer id", "JSON", "compact", "customer fold", schema="Score"),
        "profiles": TopicSpec("customer.profiles", "customer id", "JSON", "compact", "customer fold", schema="ProfileOut"),
        "links": TopicSpec("identity.links", "identifier", "JSON", "delete", "identity folds", 30 * DAY_MS, schema="LinkEvent"),
        "alerts": TopicSpec("alerts", "alert id", "JSON", "delete", "customer and group folds", 30 * DAY_MS, schema="Alert"),
        "late": TopicSpec(f"{app}.late", "as the event's", "JSON with the reason", "delete", "folds", 30 * DAY_MS, schema="Late"),
        "dlq": TopicSpec(f"{app}.dlq", "original key", "original bytes; cause in headers", "delete", "everything", 30 * DAY_MS),
    }  # fmt: skip
    return inner | outer


OUTPUTS = ("enriched", "unmatched", "scores", "profiles", "links", "alerts", "late")
"""Output names folds may `Publish` to."""
