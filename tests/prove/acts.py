"""What can happen, one class each: a webhook, a letter of the queue, a request, a change of mood outside."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.errors import BotFailed, Conflict, NotFound
from chalicelib.events import Echo, Watermark
from chalicelib.mailbox import Letter
from chalicelib.messenger import Outgoing
from chalicelib.system import System
from chalicelib.webhook import parse
from tests.prove.steps import here
from tests.prove.witness import Speaking, Stopping, Taken, Violation
from tests.prove.world import ANA, API, BEN, PAGE, Act, NotTaken, World

MINUTE = 60_000
APP = 1
"""Our own app's id, as echoes name it."""
ENOUGH = 500
"""Acts after which a mailbox that is not empty never will be."""


class Receiving(Act):
    """Meta posts a webhook, and posts it again until it is answered with 200."""

    body: bytes | None = None

    def run(self, system: System) -> None:
        if self.body is None:
            return
        witness = self.world.witness
        events = parse(self.body, self.world.clock()).events
        for event in events:
            witness.begun.setdefault((event.address.conversation_id, event.row_id), witness.now())
        tally = system.reception.receive(events)
        if tally.failed:
            raise NotTaken
        if tally.counts.get("lost"):
            raise Violation("lost: an event was given up")
        acked = witness.now()
        for event in events:
            if isinstance(event, Watermark) or (isinstance(event, Echo) and event.app_id == str(APP)):
                continue
            key = (event.address.conversation_id, event.row_id)
            witness.taken.setdefault(key, Taken(event.row(0), witness.begun[key], acked))

    def item(self, **content: Any) -> dict[str, Any]:
        """An item from the user to the Page, said now."""
        parties = {"sender": {"id": self.user}, "recipient": {"id": PAGE}, "timestamp": self.world.clock()}
        return {**parties, **content}


class Saying(Receiving):
    """The user writes, taps, reacts, or asks for a person or for the bot."""

    def __init__(self, world: World, user: int, n: int) -> None:
        super().__init__(world, user, n)
        self.body = world.body(*self._items())

    def _items(self) -> list[dict[str, Any]]:
        number = self.world.number()
        found = self.world.conversation(self.place)
        epoch = 0 if found is None else found.epoch
        postbacks = {2: "HITL_START", 3: "HITL_STOP", 4: f"HITL_STOP:{epoch}"}
        choice = self.n % 8
        if choice in postbacks:
            payload = {"payload": postbacks[choice], "title": f"text {number}"}
            return [self.item(postback={"mid": f"m{number}", **payload})]
        if choice == 5:
            return [self.item(postback={"payload": "MENU", "title": f"text {number}"})]
        if choice == 6:
            return [self.item(reaction={"mid": f"m{number}", "action": "react", "emoji": f"text {number}"})]
        first = self.item(message={"mid": f"m{number}", "text": f"text {number}"})
        second = self.item(message={"mid": f"n{number}", "text": f"text {number} too"})
        return [first, second] if choice == 7 else [first]


class SayingUnheard(Saying):
    """The user writes, and Meta does not deliver it yet."""

    def __init__(self, world: World, user: int, n: int) -> None:
        super().__init__(world, user, n)
        world.late.append(world.bodies[-1])
        self.body = None


class ArrivingLate(Receiving):
    """Meta delivers what it had kept back, behind what was said later."""

    def __init__(self, world: World, user: int, n: int) -> None:
        super().__init__(world, user, n)
        self.body = world.late.pop(n % len(world.late)) if world.late else None


class Repeating(Receiving):
    """Meta delivers again what it has delivered, sometimes with other timestamps."""

    def __init__(self, world: World, user: int, n: int) -> None:
        super().__init__(world, user, n)
        known = [body for body in world.bodies if body not in world.late]
        if not known:
            return
        content = json.loads(known[n // 2 % len(known)])
        items = content["entry"][0]["messaging"]
        if n % 2 and all("mid" in (item.get("message") or item.get("postback") or {}) for item in items):
            for item in items:
                item["timestamp"] += 1 + n
        self.body = json.dumps(content).encode()


class Echoing(Receiving):
    """Meta echoes one of our sends, whether or not its answer has been read; sometimes without our metadata."""

    confirmed: tuple[str, str] | None = None

    def run(self, system: System) -> None:
        if self.body is None:
            self._take(self.n)
        super().run(system)
        if self.confirmed is not None:
            self.world.witness.confirmed.add(self.confirmed)

    def _take(self, n: int) -> None:
        accepted = [each for each in self.world.witness.accepted if each.place == self.place]
        if not accepted:
            return
        # Among a few of the newest, whose answers may still be on their way.
        send = accepted[-1 - n // 2 % min(3, len(accepted))]
        bare = n % 2 == 1
        message = {"mid": send.mid, "text": send.text, "is_echo": True, "app_id": APP}
        if not bare:
            message["metadata"] = f"hitl:{send.row_id}"
            self.confirmed = (send.place, send.row_id)
        parties = {"sender": {"id": PAGE}, "recipient": {"id": self.user}, "timestamp": self.world.clock()}
        self.body = self.world.body({**parties, "message": message})


class WritingInInbox(Receiving):
    """A person answers in the Page inbox, and Meta echoes that."""

    def __init__(self, world: World, user: int, n: int) -> None:
        super().__init__(world, user, n)
        number = world.number()
        parties = {"sender": {"id": PAGE}, "recipient": {"id": self.user}, "timestamp": world.clock()}
        self.body = world.body({**parties, "message": {"mid": f"i{number}", "text": f"text {number}", "is_echo": True}})


class Marking(Receiving):
    """Everything up to a time was delivered, or read; such marks come in any order."""

    def __init__(self, world: World, user: int, n: int) -> None:
        super().__init__(world, user, n)
        self.kind = "read" if n % 2 else "delivery"
        self.until = world.clock() - n * 10
        self.body = world.body(self.item(**{self.kind: {"watermark": self.until}}))

    def run(self, system: System) -> None:
        existed = self.world.conversation(self.place) is not None
        super().run(system)
        if existed:
            self.world.witness.mark(self.place, f"{self.kind.replace('delivery', 'delivered')}_at", self.until)


class Seeing(Act):
    """An operator has looked at a conversation."""

    def run(self, system: System) -> None:
        existed = self.world.conversation(self.place) is not None
        at = self.world.clock() - self.n
        system.store.seen(self.place, at)
        if existed:
            self.world.witness.mark(self.place, "seen_at", at)


class Delivering(Act):
    """SQS hands a letter over, of the `n`-th conversation that has one; it comes again unless the handler returns."""

    is_repeated = False
    answers = (BotFailed,)

    def run(self, system: System) -> None:
        world, process = self.world, here()
        assert process is not None
        post = world.queue.receive(self.n)
        if post is None:
            return
        world.deliveries[id(process)] = world.witness.now()
        letter = Letter.of(post.body)
        try:
            system.deliveries.deliver(letter, post.tries)
        except BaseException:
            world.queue.release(post)
            raise
        finally:
            heard = world.heard_by.pop(id(process), [])
        world.queue.delete(post)
        for hearing in heard:
            hearing.answered = True
        world.witness.done.add((letter.conversation_id, letter.message_id))


class Pausing(Act):
    """An operator or a bot pauses, for a minute or for good; the bot may say by which message."""

    answers = (NotFound,)

    def __init__(self, world: World, user: int, n: int) -> None:
        super().__init__(world, user, n)
        heard = [each.row_id for each in world.witness.hearings if each.place == self.place]
        self.cause = heard[-1] if heard and n % 4 > 1 else None
        self.reason = f"reason {n}" if self.cause is None else f"cause {world.number()}"

    def run(self, system: System) -> None:
        by, minutes = (ANA, None) if self.n % 2 else (API, 1)
        conversation = system.handoff.pause(self.place, by, self.reason, minutes, self.cause)
        if conversation.pause is not None:
            self.world.witness.paused(self.place, conversation.epoch)


class Resuming(Act):
    """An operator or a bot resumes, with what was held or without."""

    answers = (NotFound,)

    def run(self, system: System) -> None:
        by, deliver_held = ANA if self.n % 2 else API, self.n % 4 > 1
        resumed = system.handoff.resume(self.place, by, deliver_held=deliver_held)
        if resumed.pause is None and resumed.draining is not None:
            self.world.witness.asked_for[self.place] = (resumed.epoch, resumed.draining)


class GoingRound(Act):
    """The schedule comes."""

    is_repeated = False

    def run(self, system: System) -> None:
        system.rounds.make()


class Stop(Act):
    """An operator sets or lifts the global stop."""

    def run(self, system: System) -> None:
        witness, is_paused = self.world.witness, self.n % 2 == 0
        stopping = Stopping(is_paused, witness.now())
        witness.stops.append(stopping)
        stop = system.handoff.set_stop(is_paused, ANA, f"reason {self.n % 3}")
        stopping.ended = witness.now()
        if witness.answered_stops.setdefault(stop.version, stop) != stop:
            raise Violation(f"backwards: two global stops are of version {stop.version}")


class EndingStopPauses(Act):
    """Lifting the global stop ends its pauses, which it finds by a list."""

    def run(self, system: System) -> None:
        if not system.store.stop().paused:
            system.handoff.end_stop_pauses()


class Replying(Act):
    """An operator answers, each time with a new client id."""

    answers: tuple[type[Exception], ...] = (NotFound,)
    retry = False
    by = ANA
    is_repeat = False

    def __init__(self, world: World, user: int, n: int) -> None:
        super().__init__(world, user, n)
        number = world.number()
        self.client_id, self.text = f"c{number}", f"text {number}"
        world.client_ids.append((self.place, self.client_id, self.text))

    def run(self, system: System) -> None:
        if self.client_id is None:
            return
        before, is_first = self.world.epoch_now(self.place), not self.is_repeat
        self.is_repeat = True
        self.world.witness.asked[self.place, f"s:{self.client_id}"] += 1
        self.world.witness.asked_again[self.place, f"s:{self.client_id}"] += self.retry
        row = system.replies.send(self.place, self.client_id, Outgoing(self.text), self.by, retry=self.retry)
        if row.state == "queued" and self.world.witness.asked[self.place, row.id] == 1:
            raise Violation(f"lost: {row.id} is left to somebody else, and there is nobody")
        if row.state != "sent":
            return
        self.world.witness.confirmed.add((self.place, row.id))
        if is_first and before % 2 == 0 and row.caused is None:
            found = self.world.row_now(self.place, row.id)
            if found is not None and found.caused is None and self.world.epoch_now(self.place) == before:
                raise Violation(f"voice: {row.id} has not paused")


class ReplyingAgain(Replying):
    """An operator's request comes again, by a lost answer or because they press "send again"."""

    answers = (NotFound, Conflict)
    is_repeat = True

    def __init__(self, world: World, user: int, n: int) -> None:
        Act.__init__(self, world, user, n)
        self.retry = n % 2 == 1
        mine = [each for each in world.client_ids if each[0] == self.place]
        _, self.client_id, self.text = mine[-1 - n // 2 % len(mine)] if mine else (None, None, "")  # type: ignore[assignment]


class Reading(Act):
    """An operator reads the history, which is never older than what Meta was told is durable."""

    def run(self, system: System) -> None:
        taken = [row_id for place, row_id in self.world.witness.taken if place == self.place]
        shown = {row.id for row in system.store.history(self.place, 1000).messages}
        missing = [row_id for row_id in taken if row_id not in shown]
        if missing:
            raise Violation(f"lost: {missing[0]} is not in the history")


class BotMood(Act):
    """The next events meet a bot that is busy, that cannot take them, or that hangs until it is given up."""

    def run(self, system: System) -> None:
        self.world.bot.moods += [("cannot", "hangs")[self.n % 4 // 2]] if self.n % 2 else ["is busy"] * (1 + self.n)


class ComingLate(Act):
    """A handler that was given up goes on: it answers, and takes its turn to be as it was."""

    is_repeated = False

    def __init__(self, world: World, user: int, n: int) -> None:
        super().__init__(world, user, n)
        hanging = world.bot.hanging
        self.handler = hanging.pop(n % len(hanging)) if hanging else None

    def run(self, system: System) -> None:
        process = here()
        if self.handler is None or process is None:
            return
        delivery, speaker = self.handler
        self.world.bot.say(process, delivery, speaker)
        self.world.witness.turns.add((delivery.conversation_id, delivery.epoch))
        speaker.resume()


class MetaMood(Act):
    """The next send is refused, its answer is lost on the way back or on the way there, or our token is not taken."""

    def run(self, system: System) -> None:
        self.world.meta.moods.append(("refuses", "is silent", "hears nothing", "rejects the token")[self.n % 4])


class Waiting(Act):
    """Time passes: a second, more than a pause, or more than SQS remembers repeats."""

    def run(self, system: System) -> None:
        self.world.clock.tick((1000, MINUTE + 1, 6 * MINUTE)[self.n % 3])


def rest(world: World) -> None:
    """Do again what failed, and deliver all letters, until nothing is left to do.

    The schedule comes when every index has caught up.
    """
    world.bot.moods.clear()
    world.meta.moods.clear()
    for _ in range(ENOUGH):
        if world.unfinished:
            world.begin([world.unfinished.pop(0)])
        elif world.queue.posts:
            world.begin([Delivering(world, 0, 0)])
        else:
            with world.caught_up():
                world.begin([GoingRound(world, 0, 0)])
            if not world.queue.posts:
                return
    raise Violation("lost: the mailbox never becomes empty")


class BotSpeaking(Act):
    """A bot sends: for the epoch as it is, for an earlier one, or for none; sometimes what it has sent before."""

    answers = (NotFound, Conflict)

    def __init__(self, world: World, user: int, n: int) -> None:
        super().__init__(world, user, n)
        now = world.epoch_now(self.place)
        self.epoch = (now, None, max(0, now - 1), max(0, now - 2))[n % 4]
        mine = [each for each in world.bot_client_ids if each[0] == self.place]
        self.retry = n % 3 == 2 and bool(mine)
        if self.retry:
            _, self.client_id, self.text = mine[-1]
        else:
            number = world.number()
            self.client_id, self.text = f"b{number}", f"text {number}"
            world.bot_client_ids.append((self.place, self.client_id, self.text))
        self.is_known = self.retry

    def run(self, system: System) -> None:
        world, process = self.world, here()
        assert process is not None
        key = (self.place, f"s:{self.client_id}")
        world.witness.untold.add(key)
        begun = world.witness.now()
        world.speaking[process] = Speaking(begun, self.epoch)
        before = world.epoch_now(self.place)
        world.witness.asked_again[key] += self.retry
        may_be_refused_already, self.is_known = self.is_known, True
        row = system.replies.send(
            self.place, self.client_id, Outgoing(self.text), API, epoch=self.epoch, retry=self.retry
        )
        if row.state == "refused" and row.failure is not None:
            world.witness.refused[row.failure.code] += 1
            same = before == world.epoch_now(self.place) and before % 2 == 0
            if same and row.failure.code == "paused" and not may_be_refused_already:
                raise Violation(f"voice: {row.id} was refused for a pause that there was not")


class ReplyingPast(Act):
    """Two operators answer what they have seen, which may be old by then."""

    answers = (NotFound,)

    def __init__(self, world: World, user: int, n: int) -> None:
        super().__init__(world, user, n)
        number = world.number()
        self.client_id, self.text = f"p{number}", f"text {number}"
        self.by = (ANA, BEN)[n % 2]
        said = [row_id for place, row_id in world.witness.taken if place == self.place and row_id[:3] in ("m:m", "m:i")]
        self.seen_id = said[-1] if said else None

    def run(self, system: System) -> None:
        if self.seen_id is None:
            return
        row = system.replies.send(self.place, self.client_id, Outgoing(self.text), self.by, seen_id=self.seen_id)
        if row.state == "sent":
            self.world.witness.replies.setdefault((self.place, self.seen_id), {})[row.id] = self.by.id
        elif row.state == "refused" and row.failure is not None:
            self.world.witness.refused[row.failure.code] += 1


ACTS: tuple[type[Act], ...] = (
    Saying,
    SayingUnheard,
    ArrivingLate,
    Repeating,
    Echoing,
    WritingInInbox,
    Marking,
    Seeing,
    Delivering,
    Pausing,
    Resuming,
    Stop,
    EndingStopPauses,
    Replying,
    ReplyingAgain,
    ReplyingPast,
    BotSpeaking,
    GoingRound,
    Reading,
    BotMood,
    ComingLate,
    MetaMood,
    Waiting,
)
