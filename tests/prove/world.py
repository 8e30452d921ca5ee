"""Everything that outlives a process, and what somebody outside could have witnessed of it."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote

from chalicelib.alerts import Call
from chalicelib.conversation import Conversation
from chalicelib.errors import BotFailed, TokenInvalid, Unavailable, Unconfirmed, WindowClosed
from chalicelib.handoff import Handoff
from chalicelib.message import OWN_METADATA, Actor, Message
from chalicelib.messenger import Outgoing, Profile
from chalicelib.ports import MailboxPort, StorePort
from chalicelib.settings import Settings
from chalicelib.store import Store
from chalicelib.system import System
from chalicelib.talk import Delivery, Speaker
from tests.dynamo import FakeDynamo, Write
from tests.fakes import Clock
from tests.prove.queue import FakeQueue
from tests.prove.steps import QUIET, Crash, Plan, Process, Trouble, here, interleave, let_loose
from tests.prove.witness import Accepted, Calling, Hearing, Speaking, Violation, Witness
from tests.wire import WiredMailbox

T = TypeVar("T")
PAGE = "100"
USERS = ("201", "202")
PLACES = tuple(f"messenger:{PAGE}:{user}" for user in USERS)
ANA = Actor("operator", "ana", "Ana")
BEN = Actor("operator", "ben", "Ben")
API = Actor("bot", "token", "A bot by its token")
PLATFORM_PAGE = f"messenger:{PAGE}"
ENVIRONMENT = {"HITL_NAME": "prove"}
PARAMETERS = {f"pages/messenger/{PAGE}": "token", "app-secret": "secret", "dashboard-url": "https://desk.example"}
SETTINGS = Settings(ENVIRONMENT, PARAMETERS)


@dataclass(frozen=True)
class Guard:
    """What a program lacks that has one guard less; nothing, unless told.

    `ignores`: attributes that DynamoDB takes as matching. `asks`: changes a request on its way to DynamoDB. `store`,
    `handoff` and `sleep`: another store, another handoff, or another way to wait before a write is tried again. The
    rest is the queue's.
    """

    ignores: Callable[[Write, str], bool] = lambda write, attribute: False
    asks: Callable[[str, dict[str, Any]], None] = lambda operation, request: None
    store: Callable[[StorePort, MailboxPort], StorePort] = lambda store, mailbox: store
    handoff: Callable[[Handoff], Any] = lambda handoff: handoff
    sleep: Callable[[float], None] = lambda seconds: None
    drops_repeats: bool = True
    keeps_groups: bool = True


WHOLE = Guard()


class Wire:
    """Between the program and AWS: every call is a step of the process that makes it, and meets its trouble here."""

    def __init__(self) -> None:
        self.world: World | None = None

    def asked(self, service: str, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        world, process = self.world, here()
        if world is None or process is None:
            return None if world is None or world.dynamo is None else world.dynamo.answer(operation, request)
        if operation == "GetQueueUrl":
            return world.queue.answer(operation, request)
        trouble = process.before(operation)
        world.clock.tick(world.pace)
        if service == "sqs":
            return _error("InternalError", 500) if trouble == "down" else world.queue.answer(operation, request)
        world.guard.asks(operation, request)
        admitting = world.admitting(process, operation, request)
        refusal = _refusal(trouble, operation)
        if refusal is not None or world.dynamo is None:
            return refusal
        answer = world.dynamo.answer(operation, request)
        if trouble == "repeated" and operation != "TransactWriteItems":  # botocore gives those a token of their own
            answer = world.dynamo.answer(operation, request)
        if admitting is not None:
            admitting.admitted_in = world.epoch_now(str(_item(request)["id"]["S"]))
        return answer

    def answered(self, service: str, operation: str) -> None:
        process = here()
        if process is not None and operation != "GetQueueUrl":
            process.after(f"{service}.{operation}")


class Meta:
    """Messenger: takes what we send, unless told otherwise; its answer is a step of its own, after the effect."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.moods: list[str] = []

    def send(self, conversation_id: str, message: Outgoing, metadata: str, *, human_agent: bool = False) -> str:
        process, witness = here(), self._world.witness
        assert process is not None
        process.before("send")
        given, speaking = witness.now(), self._world.speaking.get(process)
        if speaking is not None:
            witness.speak(conversation_id, speaking, self._world.epoch_now(conversation_id))
        mood = self.moods.pop() if self.moods else "takes"
        if mood == "rejects the token":
            self._reject(process)
        key = (conversation_id, metadata.removeprefix(OWN_METADATA))
        witness.attempts[key] = witness.attempts.get(key, 0) + 1
        mid = f"sent.{len(witness.accepted) + 1}"
        if mood in ("takes", "is silent"):
            witness.accepted.append(Accepted(*key, mid, message.text or ""))
        process.after("meta.takes")
        process.before("answer")
        process.after("meta.answers")
        if mood == "refuses":
            raise WindowClosed("Meta refuses this.")
        if mood != "takes":
            raise Unconfirmed("Meta gave no clear answer.")
        witness.worked_at = max(witness.worked_at, given)
        return mid

    def _reject(self, process: Process) -> None:
        """Meta does not take the Page's token; whoever meets nothing else will mark the Page, unless it is marked."""
        at = self._world.witness.now()
        if process.plan == QUIET and not self._world.is_page_marked():
            self._world.witness.broke_at = at
        process.after("meta.rejects")
        raise TokenInvalid("Meta no longer accepts the access token.", 190)

    def profile(self, conversation_id: str) -> Profile:
        return Profile()

    def pass_on(self, *_: object) -> Any:
        """No bot here makes calls of its own."""
        raise AssertionError("nobody calls the Graph API by itself here")


class Operators:
    """They hear every call."""

    has_channel = True

    def __init__(self, world: World) -> None:
        self._world = world

    def call(self, call: Call) -> bool:
        process = here()
        assert process is not None
        assert call.link is not None
        process.before("call")
        calling = Calling(unquote(call.link.rpartition("/")[2]))
        self._world.witness.callings.append(calling)
        self._world.heard_by.setdefault(id(process), []).append(calling)
        process.after("operators.hear")
        return True


class HearingBot:
    """A bot that says every text again, pauses when it is told to, and fails or hangs when it is in the mood.

    What hangs is kept in `hanging`: its handlers may go on at any time.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.moods: list[str] = []
        self.hanging: list[tuple[Delivery, Speaker]] = []

    def deliver(self, delivery: Delivery, speaker: Speaker) -> None:
        """Hear; what is heard next in the same process began when this was over."""
        process = here()
        assert process is not None
        self._hear(process, delivery, speaker)
        self._world.deliveries[id(process)] = self._world.witness.now()

    def _hear(self, process: Process, delivery: Delivery, speaker: Speaker) -> None:
        witness = self._world.witness
        process.before("hear")
        begun = self._world.deliveries[id(process)]
        taken = [each.row_id for each in self._world.heard_by.get(id(process), []) if isinstance(each, Hearing)]
        if delivery.message_id in taken:
            raise Violation(f"doubled: the bot is given {delivery.message_id} twice in one delivery")
        if delivery.message_id.startswith("t:"):
            hearing = witness.tell(delivery, begun)
        else:
            row = self._world.row_now(delivery.conversation_id, delivery.message_id)
            hearing = witness.hear(delivery, begun, row)
        process.after("bot.hears")
        mood = self.moods.pop() if self.moods else "answers"
        if mood == "hangs":
            self.hanging.append((delivery, speaker))
        if mood != "answers":
            raise BotFailed(mood, retry=mood != "cannot")
        self._world.heard_by.setdefault(id(process), []).append(hearing)
        self.say(process, delivery, speaker)
        if (delivery.event.get("postback") or {}).get("payload") == "HITL_START":
            epoch = self._pause(delivery, speaker)
            witness.paused(delivery.conversation_id, epoch)
            witness.caused.add((delivery.conversation_id, delivery.message_id))
            witness.turns.add((delivery.conversation_id, epoch))

    def _pause(self, delivery: Delivery, speaker: Speaker) -> int:
        before = self._world.row_now(delivery.conversation_id, delivery.message_id)
        epoch = speaker.pause("asked for a person", None)
        after = self._world.row_now(delivery.conversation_id, delivery.message_id)
        if epoch % 2 == 0 and before == after and before is not None and (before.caused is None or before.held_under):
            raise Violation(f"lost: the bot asks for a person by {before.id} and nobody is called")
        return epoch

    def say(self, process: Process, delivery: Delivery, speaker: Speaker) -> None:
        """Say again what the user has said."""
        witness, content = self._world.witness, delivery.event
        text = (content.get("message") or {}).get("text") or (content.get("postback") or {}).get("payload", "")
        if text:
            key = (delivery.conversation_id, f"s:{_client_id(delivery.message_id)}-1")
            witness.untold.add(key)
            self._world.speaking[process] = Speaking(witness.now(), delivery.epoch)
            speaker.say(Outgoing(f"you said {text}"), 1)
            row = self._world.row_now(*key)
            if row is None or row.state != "queued":  # by one who died: what is queued may never be admitted
                witness.untold.discard(key)


class World:
    """Tables, queue, Meta, the bot and the clock; and the processes that have not brought their act to its end."""

    def __init__(
        self,
        store: Store,
        mailbox: WiredMailbox,
        wire: Wire,
        *,
        dynamo: FakeDynamo | None,
        guard: Guard = WHOLE,
        pace: int = 1,
        lag: int = 0,
        seed: int = 0,
    ) -> None:
        self.clock = Clock()
        self.pace = pace
        self.guard = guard
        self.dynamo = dynamo
        self.queue = FakeQueue(self.clock, guard.drops_repeats, guard.keeps_groups)
        self.meta = Meta(self)
        self.bot = HearingBot(self)
        self.operators = Operators(self)
        self.witness = Witness()
        self.store = store
        self.deliveries: dict[int, int] = {}
        self.heard_by: dict[int, list[Hearing | Calling]] = {}
        self.speaking: dict[Process, Speaking] = {}
        self.unfinished: list[Act] = []
        self.bodies: list[bytes] = []
        self.late: list[bytes] = []
        self.client_ids: list[tuple[str, str, str]] = []
        self.bot_client_ids: list[tuple[str, str, str]] = []
        self.story: list[str] = []
        self.interleavings = 0
        self.is_loose = False
        self._mailbox = mailbox
        self._numbers = 0
        ages = random.Random(seed)
        if dynamo is not None:
            dynamo.age = lambda: ages.randint(0, lag) if here() is not None else 0
            dynamo.ignores = guard.ignores
        wire.world = self

    def system(self) -> System:
        """A new process on this world."""
        store = self.guard.store(self.store, self._mailbox)
        parts: dict[str, Any] = {"messenger": self.meta, "bot": self.bot, "alerts": self.operators}
        system = System(SETTINGS, store=store, mailbox=self._mailbox, clock=self.clock, **parts)
        system.handoff = self.guard.handoff(system.handoff)
        return system

    def number(self) -> int:
        """A number that nothing in this world has yet."""
        self._numbers += 1
        return self._numbers

    def begin(
        self,
        acts: Sequence[Act],
        plans: Sequence[Plan] = (),
        schedule: Iterable[int] | Callable[[list[Process]], Iterable[int]] | None = (),
    ) -> list[Process]:
        """Run acts, each in a process of its own, side by side as the schedule says (None: as it comes).

        What died or met an outage is kept, to be done again.
        """
        processes = []
        for number, act in enumerate(acts):
            plan = plans[number] if number < len(plans) else QUIET
            processes.append(Process(lambda act=act: act.run(self.system()), plan))  # type: ignore[misc]
        self.is_loose = schedule is None
        if schedule is None:
            let_loose(processes)
        else:
            interleave(processes, schedule(processes) if callable(schedule) else schedule)
        self.interleavings += len(processes) > 1
        self.story += [_told(act, process) for act, process in zip(acts, processes, strict=True)] + [""]
        for act, process in zip(acts, processes, strict=True):
            if process.error is not None:
                self._take_up(act, process, process.error)
        return processes

    def conversation(self, place: str) -> Conversation | None:
        """A conversation as it is."""
        return self.store.conversation(place)

    def log(self, place: str) -> list[Message]:
        """The log, oldest first."""
        return sorted(self.store.history(place, 1000).messages, key=lambda row: row.order)

    def epoch_now(self, place: str) -> int:
        """A conversation's epoch, read by nobody: no step, and never stale."""
        found = _aside(lambda: self.store.conversation(place))
        return 0 if found is None else found.epoch

    def row_now(self, place: str, row_id: str) -> Message | None:
        """A row, read by nobody."""
        return _aside(lambda: self.store.row(place, row_id))

    @contextmanager
    def caught_up(self) -> Iterator[None]:
        """Meanwhile no read shows anything old."""
        if self.dynamo is None:
            yield
            return
        age, self.dynamo.age = self.dynamo.age, lambda: 0
        yield
        self.dynamo.age = age

    def is_page_marked(self) -> bool:
        """Whether the Page is marked as disconnected, read by nobody."""
        return bool(_aside(lambda: self.store.disconnections([PLATFORM_PAGE])))

    def admitting(self, process: Process, operation: str, request: dict[str, Any]) -> Speaking | None:
        """Note a write by which what a bot says may be admitted; what it says, where nothing happens beside it."""
        speaking = self.speaking.get(process)
        if speaking is None or operation not in ("PutItem", "UpdateItem"):
            return None
        if not str(request["TableName"]).endswith("conversations") or _item(request)["id"]["S"] not in PLACES:
            return None
        speaking.admitted_at, speaking.admitted_in = self.witness.now(), None
        return None if self.is_loose else speaking

    def body(self, *items: dict[str, Any]) -> bytes:
        """A webhook body of these items."""
        entry = {"id": PAGE, "time": self.clock(), "messaging": list(items)}
        body = json.dumps({"object": "page", "entry": [entry]}).encode()
        self.bodies.append(body)
        return body

    def _take_up(self, act: Act, process: Process, error: BaseException) -> None:
        if isinstance(error, Violation):
            raise error
        outage = "down" in process.plan.troubles.values()
        if isinstance(error, Crash) or (outage and isinstance(error, (Unavailable, NotTaken))):
            if act.is_repeated:
                self.unfinished.append(act)
        elif not isinstance(error, act.answers):
            raise Violation(f"fails: {type(act).__name__} met {type(error).__name__}: {error}") from error


class NotTaken(Exception):
    """Meta was answered with 500 and will send the body again."""


class Act:
    """Something that happens: made once, run until it has come to its end.

    `user` and `n` choose what it is about. `is_repeated`: whoever asked for it asks again when the process died or an
    outage kept it from its end. `answers`: the errors that are an answer.
    """

    is_repeated = True
    answers: tuple[type[Exception], ...] = ()

    def __init__(self, world: World, user: int, n: int) -> None:
        self.world = world
        self.place = PLACES[user % len(PLACES)]
        self.user = USERS[user % len(USERS)]
        self.n = n

    def run(self, system: System) -> None:
        """Do it, in a process."""
        raise NotImplementedError


def _aside(read: Callable[[], T]) -> T:
    """Read in a thread that is no process."""
    found: list[T] = []
    thread = threading.Thread(target=lambda: found.append(read()))
    thread.start()
    thread.join()
    return found[0]


def _item(request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = request.get("Item") or request["Key"]
    return found


def _client_id(row_id: str) -> str:
    return hashlib.sha256(row_id.encode()).hexdigest()[:32]


def _told(act: Act, process: Process) -> str:
    plan = process.plan
    troubles = "".join(f", {trouble} at {step}" for step, trouble in plan.troubles.items())
    crash = "" if plan.crash_after is None else f", dies after {plan.crash_after}"
    steps = " ".join(process.steps)
    return f"{type(act).__name__} user={act.user} n={act.n}{crash}{troubles}: {steps} {process.error or ''}"


def _refusal(trouble: Trouble | None, operation: str) -> tuple[int, dict[str, Any]] | None:
    """DynamoDB's answer to a call that meets trouble; None where it has its effect."""
    if trouble == "down":
        return _error("InternalServerError", 500)
    if trouble == "throttled":
        return _error("ProvisionedThroughputExceededException")
    if trouble == "conflict" and operation == "TransactWriteItems":
        return _error("TransactionCanceledException", reasons=["None", "TransactionConflict"])
    if trouble == "conflict" and operation in ("PutItem", "UpdateItem"):
        return _error("TransactionConflictException")
    return None


def _error(code: str, status: int = 400, reasons: list[str] | None = None) -> tuple[int, dict[str, Any]]:
    more = {} if reasons is None else {"CancellationReasons": [{"Code": each} for each in reasons]}
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}, "RequestId": "fake"}
    return status, {"Error": {"Code": code, "Message": code}, "ResponseMetadata": metadata, **more}
