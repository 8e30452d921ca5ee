"""What stands in for DynamoDB, SQS, Meta, the bot and the clock: in memory, and passed in instead of patched in."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.alerts import Call
from chalicelib.bots import Delivery, Speaker
from chalicelib.errors import BotFailed, GraphError, Misconfigured, Unavailable
from chalicelib.mailbox import ERRANDS, Letter
from chalicelib.message import Address
from chalicelib.messenger import Outgoing, Profile
from chalicelib.telemetry import LATENCIES, Metric, Silence
from tests.fake_store import FakeStore

__all__ = ["Clock", "FakeAlerts", "FakeBot", "FakeMailbox", "FakeMessenger", "FakeStore", "FakeTelemetry", "Sent"]


class Clock:
    """Our time in milliseconds; it stands still until a test lets it go on."""

    def __init__(self, at: int = 1_700_000_000_000) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at

    def tick(self, ms: int = 1) -> int:
        """Let so many milliseconds pass, and give the time then."""
        self.at += ms
        return self.at


class FakeMailbox:
    """The queue as a list: letters in the order in which they came, each once ever, as SQS has it for five minutes.

    `errands` are beside the others, as they are in groups of their own. `postponed` holds the receipts that were put
    off and on which try; `down` makes SQS not answer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[Letter] = set()
        self.letters: list[Letter] = []
        self.errands: list[Letter] = []
        self.postponed: list[tuple[str, int]] = []
        self.down = False

    def post(self, letter: Letter) -> None:
        with self._lock:
            if self.down:
                raise Unavailable("The queue did not answer.")
            if letter not in self._known:
                self._known.add(letter)
                (self.errands if letter.kind in ERRANDS else self.letters).append(letter)

    def postpone(self, receipt: str, tries: int) -> None:
        self.postponed.append((receipt, tries))

    def take(self) -> Letter:
        """The next letter, which is thereby gone; IndexError where there is none."""
        with self._lock:
            return self.letters.pop(0)


@dataclass(frozen=True)
class Sent:
    """One call of `send`."""

    conversation_id: str
    message: Outgoing
    metadata: str
    human_agent: bool = False


@dataclass
class FakeMessenger:
    """Meta: takes every send and answers `mid.1`, `mid.2`, … by its place in `sends`.

    It raises what `errors` holds instead, one for each send, which is in `refused` then. `profiles` holds what is
    known of people by conversation id, or the error that asking for it meets. What is passed on for bots is in
    `passed` and answered by `answers` in turn. `before` runs inside each send.
    """

    sends: list[Sent] = field(default_factory=list)
    refused: list[Sent] = field(default_factory=list)
    actions: list[tuple[str, str]] = field(default_factory=list)
    errors: deque[GraphError | Misconfigured | Unavailable] = field(default_factory=deque)
    passed: list[tuple[str, str, str | None, Mapping[str, str], Mapping[str, Any] | None]] = field(default_factory=list)
    answers: deque[Any] = field(default_factory=deque)
    profiles: dict[str, Profile | GraphError | Misconfigured] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def send(self, conversation_id: str, message: Outgoing, metadata: str, *, human_agent: bool = False) -> str:
        self.before()
        sent = Sent(conversation_id, message, metadata, human_agent)
        with self._lock:
            if self.errors:
                self.refused.append(sent)
                raise self.errors.popleft()
            self.sends.append(sent)
            return f"mid.{len(self.sends)}"

    def pass_on(
        self, at: Address, method: str, edge: str | None, query: Mapping[str, str], fields: Mapping[str, Any] | None
    ) -> Any:
        self.before()
        with self._lock:
            self.passed.append((at.conversation_id, method, edge, query, fields))
            if self.errors:
                raise self.errors.popleft()
            return self.answers.popleft() if self.answers else {"success": True}

    def action(self, conversation_id: str, action: str) -> None:
        self.actions.append((conversation_id, action))

    def profile(self, conversation_id: str) -> Profile:
        profile = self.profiles.get(conversation_id, Profile())
        if isinstance(profile, Exception):
            raise profile
        return profile


@dataclass
class FakeAlerts:
    """The operators: keeps each call, and takes it unless `deaf`."""

    calls: list[Call] = field(default_factory=list)
    has_channel: bool = True
    deaf: bool = False

    def call(self, call: Call) -> bool:
        self.calls.append(call)
        return not self.deaf


@dataclass
class FakeBot:
    """A bot: keeps what it is given, raises what `errors` holds, one for each delivery, or else runs its handler."""

    handler: Callable[[Delivery, Speaker], object] = lambda delivery, speaker: None
    given: list[Delivery] = field(default_factory=list)
    errors: deque[BotFailed] = field(default_factory=deque)

    def deliver(self, delivery: Delivery, speaker: Speaker) -> None:
        self.given.append(delivery)
        if self.errors:
            raise self.errors.popleft()
        self.handler(delivery, speaker)


class FakeTelemetry(Silence):
    """What was counted, and each time that was taken, in milliseconds, by the names of the metrics."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.times: dict[str, list[int]] = {}

    def add(self, metric: Metric, value: int = 1) -> None:
        if metric in LATENCIES:
            self.times.setdefault(metric, []).append(value)
        else:
            self.counts[metric] += value
