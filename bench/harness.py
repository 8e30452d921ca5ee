"""What every benchmark stands on: DynamoDB Local, systems on it whose calls are kept, and how time is taken.

A figure is compared with what runs beside it, not with yesterday's: both run in turns, A B B A, and the median of the
rounds' ratios counts. What is about cost is processor time of this process, which waiting and neighbours do not add to.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore import xform_name
from botocore.config import Config
from botocore.session import get_session

from bench.aws import Call, Recorder
from bench.environment import PARAMETERS, enter
from chalicelib import telemetry
from chalicelib.bots import Delivery, Speaker
from chalicelib.messenger import Outgoing, Profile
from chalicelib.settings import Settings
from chalicelib.store import create_tables
from chalicelib.system import System
from tests.engines import dynamodb_local

Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what was measured, in which unit, at most how much it may be, and what is in it."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    detail: str = ""

    @property
    def is_met(self) -> bool:
        """Whether it keeps to its budget."""
        return self.budget is None or self.value <= self.budget


class Bench:
    """DynamoDB Local, and what is called on it."""

    def __init__(self) -> None:
        self.recorder = Recorder()

    def settings(self, name: str, **env: str) -> Settings:
        """The settings of the tables of that name."""
        return Settings({**os.environ, "HITL_NAME": name, **env}, PARAMETERS)

    def system(self, name: str, answer: str = "", **env: str) -> System:
        """A system on empty tables of its own, Meta and the bot saying yes at once; the bot may answer."""
        settings = self.settings(name, **env)
        create_tables(settings)
        system = System(settings, messenger=_Meta(), bot=_Bot(answer), telemetry=telemetry.start(settings))
        _ = system.mailbox, system.deliveries
        return system

    def bare(self) -> Callable[[Sequence[Call]], Act]:
        """Gives what makes the same calls by bare botocore, its clients set up as ours are."""
        config = Config(
            parameter_validation=False,
            connect_timeout=2,
            read_timeout=5,
            retries={"mode": "standard", "max_attempts": 3},
            max_pool_connections=40,
        )
        session = get_session()
        clients = {name: session.create_client(name, config=config) for name in ("dynamodb", "sqs")}

        def replay(calls: Sequence[Call]) -> Act:
            todo = [(getattr(clients[call.service], xform_name(call.operation)), call.params) for call in calls]
            return lambda: [call(**params) for call, params in todo]

        return replay


@contextmanager
def started() -> Iterator[Bench]:
    """DynamoDB Local, in memory, and an environment that leads nowhere else."""
    with dynamodb_local() as url:
        enter(url)
        yield Bench()


def renamed(calls: Sequence[Call], old: str, new: str) -> list[Call]:
    """The same calls on the tables of another name, so that all that was conditioned holds there too."""
    content = [[call.service, call.operation, call.params] for call in calls]
    return [Call(*call) for call in json.loads(json.dumps(content).replace(f'"{old}-', f'"{new}-'))]


def cpu(act: Act) -> float:
    """Seconds of processor time, of all threads."""
    start = time.process_time()
    act()
    return time.process_time() - start


def wall(act: Act) -> float:
    """Seconds."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def in_turns(rounds: int, acts: Sequence[Act], clock: Callable[[Act], float]) -> list[list[float]]:
    """What each act took in each round; every second round goes backwards."""
    taken: list[list[float]] = [[] for _ in acts]
    for number in range(rounds):
        order = range(len(acts)) if number % 2 == 0 else reversed(range(len(acts)))
        for index in order:
            taken[index].append(clock(acts[index]))
    return taken


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


class _Meta:
    """Takes every send."""

    def __init__(self) -> None:
        self._sends = 0

    def send(self, conversation_id: str, message: Outgoing, metadata: str, *, human_agent: bool = False) -> str:
        """Answer with an id."""
        self._sends += 1
        return f"sent_{self._sends}"

    def profile(self, conversation_id: str) -> Profile:
        """Nobody has a name."""
        return Profile()

    def pass_on(self, *_: object) -> Any:
        """No bot makes calls of its own."""
        raise AssertionError("nobody calls the Graph API by itself here")


@dataclass(frozen=True, slots=True)
class _Bot:
    """Takes everything at once, and says the same each time, or nothing."""

    answer: str

    def deliver(self, delivery: Delivery, speaker: Speaker) -> None:
        """Take it."""
        if self.answer:
            speaker.say(Outgoing(text=self.answer), 1)
