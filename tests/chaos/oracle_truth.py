"""What the generator knows, against what a subscriber sees: whose every act is. And what there was to see."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from topologies.traffic.truth import Truth


def wrong_joins(enriched: Iterable[Any], truth: Truth) -> list[str]:
    """For a subscriber that keeps the highest revision of each act: acts that are with the wrong customer."""
    newest: dict[str, tuple[int, str]] = {}
    for record in enriched:
        document = msgspec.json.decode(record.value())
        who = "" if document["retracted"] else record.key().decode()
        revision = document["revision"]
        act = document["act"]["id"]
        if act not in newest or revision > newest[act][0]:
            newest[act] = revision, who
        elif revision == newest[act][0] and not newest[act][1]:
            # Taken from one customer and given to another by the same change.
            newest[act] = revision, who
    found = {act: who for act, (_, who) in newest.items() if who}
    want = {act: who for act, who in truth.owners().items() if who is not None}
    wrong = [
        f"{act}: with {found.get(act)}, belongs to {want.get(act)}"
        for act in sorted(found.keys() | want.keys())
        if found.get(act) != want.get(act)
    ]
    return [f"{len(wrong)} of {len(want)} acts are with the wrong customer", *wrong[:5]] if wrong else []


def happened(records: dict[tuple[str, int], list[Any]]) -> Counter[str]:
    """How often each thing that matters can be seen in the outputs."""
    seen: Counter[str] = Counter()
    for (topic, _), found in records.items():
        if topic not in {"social.enriched", "alerts", "identity.links"}:
            continue
        for record in found:
            document = msgspec.json.decode(record.value())
            if topic == "social.enriched":
                seen["retracted" if document["retracted"] else "enriched"] += 1
            else:
                seen[f"{'alert' if topic == 'alerts' else 'link'} {document['status']}"] += 1
    return seen
