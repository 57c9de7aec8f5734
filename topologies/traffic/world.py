"""The generator: a world that goes on for ever, the same for the same options.

beats (rate a second) ──► a scene goes on, or begins, or somebody chats ──► payloads ──► in order of receipt
                           scenes_*.py                   noise.py          wire_*.py     outbox.py
"""

import heapq
from collections.abc import Callable, Iterator

from topologies.traffic import scenes_company as company
from topologies.traffic import scenes_people as people
from topologies.traffic.noise import chatter
from topologies.traffic.outbox import Delivery
from topologies.traffic.people import Customer
from topologies.traffic.stage import Options, Scene, Stage

_SCENES: dict[Callable[[Stage], Scene], float] = {
    people.remark: 40,
    people.reaction: 24,
    people.complaint: 6,
    people.news: 3,
    people.streak: 1.5,
    people.follow: 2,
    people.absence: 0.6,
    company.sighting: 4,
    company.change: 3,
    company.case: 3,
    company.newcomer: 2.5,
    company.correction: 1.2,
    company.decision: 0.5,
    company.removal: 0.2,
}
"""How often each begins, against the others."""
_CHOICES, _WEIGHTS = tuple(_SCENES), tuple(_SCENES.values())


class World:
    """Iterate it for deliveries in order of receipt, without end."""

    def __init__(self, options: Options) -> None:
        """Nothing has happened yet."""
        self.options = options
        self._stage = Stage(options)
        self._scenes: list[tuple[int, int, Scene]] = []

    @property
    def now_ms(self) -> int:
        """The time of the last beat."""
        return self._stage.now

    @property
    def customers(self) -> list[Customer]:
        """Everybody who has a record, or will have one."""
        return self._stage.cast.customers

    def opening(self) -> Iterator[Delivery]:
        """What is in the log before the first beat: records and sightings of the days before. Ends."""
        company.opening(self._stage)
        self._stage.now = self.options.start_ms
        yield from self._stage.outbox.received(self.options.start_ms - 1)

    def beats(self) -> Iterator[Delivery]:
        """What comes after the opening, without end."""
        stage, beat_ms, beat = self._stage, 1000 / self.options.rate, 0
        while True:
            stage.now = self.options.start_ms + int(beat * beat_ms)
            yield from stage.outbox.received(stage.now)
            self._beat()
            beat += 1

    def __iter__(self) -> Iterator[Delivery]:
        """The opening, then beat after beat."""
        yield from self.opening()
        yield from self.beats()

    def _beat(self) -> None:
        """One more thing happens: noise, or the scene that has waited longest, or a new one."""
        stage = self._stage
        if stage.rnd.random() >= self.options.relevant:
            chatter(stage)
        elif self._scenes and self._scenes[0][0] <= stage.now:
            self._play(heapq.heappop(self._scenes)[2])
        else:
            begin = stage.rnd.choices(_CHOICES, _WEIGHTS)[0]
            self._play(begin(stage))

    def _play(self, scene: Scene) -> None:
        pause_s = next(scene, None)
        if pause_s is not None:
            heapq.heappush(self._scenes, (self._stage.now + int(pause_s * 1000), self._stage.next_number(), scene))
