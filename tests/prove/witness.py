"""What somebody outside could have seen happen, and what must hold at the moment when the bot is given something."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from chalicelib.conversation import Conversation, Stop
from chalicelib.message import Message, held_key
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


@dataclass(eq=False)
class Calling:
    """The operators were called; `answered`: the errand succeeded."""

    place: str
    answered: bool = False


@dataclass
class Speaking:
    """A bot began to say something at a moment, for an epoch if it carries one.

    `admitted_at` is the moment before the last write of its conversation, `admitted_in` the epoch that this one found
    where nothing else can have happened since.
    """

    begun: int
    epoch: int | None
    admitted_at: int | None = None
    admitted_in: int | None = None


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
    answered_stops: dict[int, Stop] = field(default_factory=dict)
    hearings: list[Hearing] = field(default_factory=list)
    tellings: list[Hearing] = field(default_factory=list)
    callings: list[Calling] = field(default_factory=list)
    turns: set[tuple[str, int]] = field(default_factory=set)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked_again: Counter[tuple[str, str]] = field(default_factory=Counter)
    broke_at: int | None = None
    worked_at: int = 0
    drained: dict[tuple[str, int], str] = field(default_factory=dict)
    asked_for: dict[str, tuple[int, str]] = field(default_factory=dict)
    replies: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
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

    def speak(self, place: str, speaking: Speaking, epoch_now: int) -> None:
        """Meta is given what a bot says: no pause and no stop that had answered before may still hold."""
        admitted_at = speaking.admitted_at or speaking.begun
        before = [epoch for at, moment, epoch in self.pauses if at == place and moment < admitted_at]
        if before and max(before) >= epoch_now:
            raise Violation(f"voice: the bot speaks in the pause of epoch {max(before)}")
        if speaking.admitted_in is not None and speaking.admitted_in % 2:
            raise Violation(f"voice: the bot was admitted in the pause of epoch {speaking.admitted_in}")
        if None not in (speaking.admitted_in, speaking.epoch) and speaking.admitted_in != speaking.epoch:
            raise Violation(f"voice: what the bot says for epoch {speaking.epoch} was admitted in another")
        if speaking.epoch is not None and (speaking.epoch % 2 or any(epoch > speaking.epoch for epoch in before)):
            raise Violation(f"voice: the bot speaks for epoch {speaking.epoch}, which was over")
        if self._is_stopped(speaking.begun):
            raise Violation("voice: the bot speaks under the global stop")

    def tell(self, delivery: Delivery, begun: int) -> Hearing:
        """The bot is told of a transition: of none that is over, none twice, and in order."""
        place, epoch = delivery.conversation_id, delivery.epoch
        if delivery.message_id != f"t:{epoch}":
            raise Violation(f"told: {delivery.message_id} in epoch {epoch}")
        if any(at == place and moment < begun and later > epoch for at, moment, later in self.pauses):
            raise Violation(f"told: the bot hears of {delivery.message_id}, which was over")
        mine = [each for each in self.tellings if each.place == place]
        if any(each.epoch > epoch or (each.epoch == epoch and each.answered) for each in mine):
            raise Violation(f"told: the bot hears of {delivery.message_id} late or again")
        telling = Hearing(place, delivery.message_id, epoch, begun, self.now())
        self.tellings.append(telling)
        return telling

    def _is_stopped(self, begun: int) -> bool:
        """Whether the stop stood at a moment and nobody has begun to lift it since."""
        for stop in self.stops:
            lifted = any(not each.paused and (each.ended or self.moment) >= stop.begun for each in self.stops)
            if stop.paused and stop.ended is not None and stop.ended < begun and not lifted:
                return True
        return False

    def hear(self, delivery: Delivery, begun: int, row: Message | None) -> Hearing:
        """The bot is given a row: no pause and no stop may stand in between, and what came before must be done."""
        place, row_id = delivery.conversation_id, delivery.message_id
        last = max((epoch for at, moment, epoch in self.pauses if at == place and moment < begun), default=-1)
        if delivery.epoch <= last:
            raise Violation(f"barrier: {row_id} reached the bot in epoch {delivery.epoch} after pause {last}")
        if self._is_stopped(begun):
            raise Violation(f"barrier: {row_id} reached the bot under the global stop")
        if delivery.epoch and not any(each.place == place and each.epoch == delivery.epoch for each in self.tellings):
            raise Violation(f"told: {row_id} reached the bot in epoch {delivery.epoch}, of which it has not heard")
        if row is not None and row.held_under is not None:
            key = held_key(row.held_under, row.order)
            if key < self.drained.get((place, delivery.epoch), ""):
                raise Violation(f"order: {row_id} was held before what the bot was given already")
            self.drained[place, delivery.epoch] = key
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
