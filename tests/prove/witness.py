"""What somebody outside could have seen happen, and what must hold at the moment when the bot is given something."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.conversation import Conversation, Message, Stop
from chalicelib.talk import Delivery


class Violation(AssertionError):
    """Something that must hold does not; the text begins with its name."""


@dataclass(eq=False)
class Hearing:
    """At `moment`, a delivery that began at `begun` gave the bot a row; `answered`: that delivery succeeded."""

    place: str
    row_id: str
    epoch: int
    begun: int
    moment: int
    answered: bool = False


@dataclass(frozen=True)
class Taken:
    """An event that Meta was told is durable: the row as it must be, and the moments of the webhook that brought it."""

    row: Message
    begun: int
    acked: int


@dataclass(frozen=True)
class Accepted:
    """What Meta has taken from us and shown to the user."""

    place: str
    row_id: str
    mid: str
    text: str


@dataclass
class Stopping:
    """Somebody set or lifted the global stop."""

    paused: bool
    begun: int
    ended: int | None = None


@dataclass
class Witness:
    """What somebody outside has seen happen. Moments are counted, not measured."""

    moment: int = 0
    begun: dict[tuple[str, str], int] = field(default_factory=dict)
    taken: dict[tuple[str, str], Taken] = field(default_factory=dict)
    pauses: list[tuple[str, int, int]] = field(default_factory=list)
    stops: list[Stopping] = field(default_factory=list)
    hearings: list[Hearing] = field(default_factory=list)
    done: set[tuple[str, str]] = field(default_factory=set)
    accepted: list[Accepted] = field(default_factory=list)
    attempts: dict[tuple[str, str], int] = field(default_factory=dict)
    confirmed: set[tuple[str, str]] = field(default_factory=set)
    caused: set[tuple[str, str]] = field(default_factory=set)
    untold: set[tuple[str, str]] = field(default_factory=set)
    marks: dict[tuple[str, str], int] = field(default_factory=dict)
    before: dict[str, Conversation] = field(default_factory=dict)
    rows: dict[tuple[str, str], Message] = field(default_factory=dict)
    stop: Stop = field(default_factory=Stop)

    def now(self) -> int:
        """The next moment."""
        self.moment += 1
        return self.moment

    def mark(self, place: str, name: str, at: int) -> None:
        """Somebody has seen, or was delivered, or has read what there was up to a time."""
        self.marks[place, name] = max(at, self.marks.get((place, name), 0))

    def paused(self, place: str, epoch: int) -> None:
        """A pause has answered. What began the pause may be over by then: epochs of pauses are odd."""
        if epoch % 2:
            self.pauses.append((place, self.now(), epoch))

    def hear(self, delivery: Delivery, begun: int) -> Hearing:
        """The bot is given a row: no pause and no stop may stand in between, and what came before must be done."""
        place, row_id = delivery.conversation_id, delivery.message_id
        last = max((epoch for at, moment, epoch in self.pauses if at == place and moment < begun), default=-1)
        if delivery.epoch <= last:
            raise Violation(f"barrier: {row_id} reached the bot in epoch {delivery.epoch} after pause {last}")
        for stop in self.stops:
            lifted = any(not each.paused and (each.ended or self.moment) >= stop.begun for each in self.stops)
            if stop.paused and stop.ended is not None and stop.ended < begun and not lifted:
                raise Violation(f"barrier: {row_id} reached the bot under the global stop")
        mine = self.taken.get((place, row_id))
        for (at, other), taken in self.taken.items():
            is_before = at == place and taken.row.is_new and mine is not None and taken.acked < mine.begun
            if is_before and (at, other) not in self.done:
                raise Violation(f"order: {row_id} reached the bot before {other} was done")
        if (place, row_id) in self.caused:
            raise Violation(f"doubled: {row_id} has led to a pause and reaches the bot again")
        if any(each.answered for each in self.hearings if (each.place, each.row_id) == (place, row_id)):
            raise Violation(f"doubled: the bot has taken {row_id} and hears it again")
        hearing = Hearing(place, row_id, delivery.epoch, begun, self.now())
        self.hearings.append(hearing)
        return hearing
