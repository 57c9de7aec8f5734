"""What a subscriber of the outputs knows, read from the files of a replay."""

import json
from pathlib import Path
from typing import Any


class Subscriber:
    """Keeps the newest of everything, as the outputs' documentation asks for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def lines(self, topic: str) -> list[Any]:
        with (self._folder / f"{topic}.jsonl").open(encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def pairs(self) -> dict[str, str]:
        """Act → customer, by the highest revision of each act."""
        newest: dict[str, Any] = {}
        for line in self.lines("social.enriched"):
            value = line["value"]
            before = newest.get(value["act"]["id"])
            if before is None or value["revision"] >= before["revision"]:
                newest[value["act"]["id"]] = value
        return {act: value["customer"]["id"] for act, value in newest.items() if not value["retracted"]}

    def links(self) -> dict[tuple[str, str, str | None], Any]:
        """Claims that hold: (identifier, customer, from) → (to, method, confidence)."""
        found: dict[tuple[str, str, str | None], Any] = {}
        for line in self.lines("identity.links"):
            value = line["value"]
            key = value["identifier"], value["customer"], value["from"]
            if value["status"] == "linked":
                found[key] = value["to"], value["method"], value["confidence"]
            elif value["status"] == "retracted":
                found.pop(key, None)
        return found

    def profiles(self) -> dict[str, Any]:
        return {line["key"]: line["value"] for line in self.lines("customer.profiles")}

    def scores(self) -> dict[str, Any]:
        """Without what depends on the order: trend, and the band before."""
        names = ("engagement", "risk", "sentiment", "contributions", "acts")
        return {
            line["key"]: line["value"] and {name: line["value"][name] for name in names}
            for line in self.lines("engagement.scores")
        }

    def knows(self) -> dict[str, Any]:
        """All of it, to be compared."""
        return {"pairs": self.pairs(), "links": self.links(), "profiles": self.profiles(), "scores": self.scores()}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
