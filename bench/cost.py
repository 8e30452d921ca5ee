"""Dollars: what AWS asks for 100,000 times each act, and what that makes in a month.

Each Lambda function is called as AWS calls it. Recorded are the capacity units that DynamoDB reports, the letters sent,
processor time (the least of the calls, since neighbours only ever add to it), how many calls to AWS it waits for one
after another (from how much longer it takes when each is held up), the bytes it prints, which are the log on Lambda,
those of the answer as API Gateway compresses it, and those of new rows in table and index. `bench/bills.py` makes
dollars of that by the list in `bench/prices.json`, and says what it takes for granted.

The bills come first, after what AWS has free each month; then 100,000 times each act at list price. The bills as a
table, and what they mean, are in [operating](operating.md#costs).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bench import bills, functions, stock
from bench.aws import Call
from bench.calls import echo, mark, units
from bench.environment import PAGE
from bench.harness import Bench, Figure, cpu
from bench.use import Use
from chalicelib import system as _system
from chalicelib.message import OWN_METADATA
from chalicelib.system import System
from tests.engines import ROOT

TITLE = "Dollars"
WARM, TIMES = 2, 12
HELD_UP = 0.3
"""Seconds for which each call to AWS is held up where waits are counted."""
STOCK, WAITING, CHANGED, HISTORY = 1000, 10, 2, 60
"""Conversations, those among them that wait (as many more are paused), those that a poll brings, and one's messages."""
ROW_BYTES = 100
"""What DynamoDB adds to each row."""
OPERATING = ROOT / "docs" / "operating.md"
MARKS = ("<!-- bills: written by `make bench ARGS=cost` -->", "<!-- end of the bills -->")
ID = f"messenger:{PAGE}:1"


def measure(bench: Bench) -> list[Figure]:
    """Let each act be done, and write the bills into the page for whoever pays them."""
    uses = {name: Use.of(str(use)) for name, use in _uses(bench).items()}  # as exact as they are recorded
    OPERATING.write_text(written(OPERATING.read_text(encoding="utf-8"), uses), encoding="utf-8")
    return figures(uses)


def figures(uses: bills.Uses) -> list[Figure]:
    """The bills against their goals, then each act."""
    return [
        *(
            Figure(one.name, one.bill.dollars(free=True), "$", one.goal, f"at list price {one.bill.dollars():.2f} $")
            for one in bills.columns(uses)
        ),
        *(Figure(name, bills.once(name, use).dollars() * bills.LOT, "$", None, str(use)) for name, use in uses.items()),
    ]


def recorded(page: str) -> dict[str, Use]:
    """What each act used when it was last measured."""
    section = page.partition(f"\n## {TITLE}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return {row[0].strip(): Use.of(row[-1]) for row in rows if row[0].strip() in bills.ACTS}


def written(page: str, uses: bills.Uses) -> str:
    """The page with these bills in it."""
    begin, end = map(re.escape, MARKS)
    return re.sub(f"{begin}.*?{end}", f"{MARKS[0]}\n\n{bills.table(uses)}\n\n{MARKS[1]}", page, flags=re.DOTALL)


Event = dict[str, Any]
Step = tuple[str | None, System, Callable[[Event], object], Event]
"""The act's name, None where it only prepares the next; in which system, which function, with which event."""


def _uses(bench: Bench) -> dict[str, Use]:
    samples: dict[str, list[_Sample]] = {}
    with _systems(bench) as systems:
        for number in range(WARM + TIMES):
            for name, sample in _story(bench, number, *systems):
                if number >= WARM:
                    samples.setdefault(name, []).append(sample)
        bench.recorder.delay = HELD_UP
        held_up = dict(_story(bench, WARM + TIMES, *systems))
        bench.recorder.delay = 0
    return {name: _use(samples[name], held_up[name]) for name in bills.ACTS}


@contextmanager
def _systems(bench: Bench) -> Iterator[Sequence[System]]:
    """One whose bot is quiet, one whose bot answers, one with a stock. They log and count as on Lambda until this ends.

    Their names are as long as a stage's, since every line of the log has them.
    """
    on_lambda = {"AWS_LAMBDA_FUNCTION_NAME": "bench"}
    quiet, stocked = (bench.system(f"chalice-hitl-{name}", **on_lambda) for name in ("quiet", "stock"))
    speaking = bench.system("chalice-hitl-speak", answer="At nine.", **on_lambda)
    stock.conversations(stocked.settings, STOCK, waiting=WAITING, answered=WAITING)
    stock.history(stocked.settings, ID, HISTORY)
    try:
        yield quiet, speaking, stocked
    finally:
        logging.basicConfig(force=True)
        for ours in ("app", "chalicelib"):
            logging.getLogger(ours).setLevel(logging.NOTSET)


def _story(bench: Bench, number: int, *systems: System) -> Iterator[tuple[str, _Sample]]:
    """Each act once, in an order in which each finds what it needs."""
    for name, system, function, event in _steps(number, *systems):
        _system.install(system)
        bench.recorder.taken()
        sample = _taken(bench, function, event)
        if name is not None:
            yield name, sample


def _steps(number: int, quiet: System, speaking: System, stocked: System) -> Iterator[Step]:
    yield from _of_messages(number, quiet)
    yield from _of_answers(number, speaking)
    yield from _of_operators(number, quiet, stocked)


def _of_messages(number: int, system: System) -> Iterator[Step]:
    yield from _met(number, system, 1)
    yield bills.MESSAGE, system, functions.api, _hook(system, functions.said(1, f"m{number}", system.clock()))
    yield bills.DELIVERY, system, functions.deliver, functions.letter(ID, f"m:m{number}")
    yield bills.ECHO, system, functions.api, _hook(system, echo(f"x{number}", app_id=2))
    yield bills.MARK, system, functions.api, _hook(system, mark(system.clock()))
    yield from _met(0, system, 1000 + number, bills.PROFILE)
    yield bills.ROUND, system, functions.look_after, functions.tick()


def _of_answers(number: int, system: System) -> Iterator[Step]:
    yield from _met(number, system, 1)
    yield None, system, functions.api, _hook(system, functions.said(1, f"m{number}", system.clock()))
    yield bills.ANSWERED, system, functions.deliver, functions.letter(ID, f"m:m{number}")
    row = f"s:{hashlib.sha256(f'm:m{number}'.encode()).hexdigest()[:32]}-1"
    yield bills.OWN_ECHO, system, functions.api, _hook(system, echo(f"sent_{number + 1}", metadata=OWN_METADATA + row))


def _met(number: int, system: System, user: int, name: str | None = None) -> Iterator[Step]:
    """In the first story, let a user write, and ask for the name."""
    if number == 0:
        yield None, system, functions.api, _hook(system, functions.said(user, f"first{user}", system.clock()))
        yield name, system, functions.deliver, functions.letter(f"messenger:{PAGE}:{user}", "@1", "profile")


def _of_operators(number: int, system: System, stocked: System) -> Iterator[Step]:
    sessions, session, theirs = "/botpress-hitl/sessions", "/botpress-hitl/sessions/{session}", f"messenger:{PAGE}:2"
    changed = datetime.fromtimestamp((stock.START + (STOCK - CHANGED) * 1000) / 1000, UTC)
    since = changed.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = json.dumps({"client_id": f"c{number}", "text": "At nine."}).encode()

    def asked(
        name: str | None, method: str, path: str, body: bytes = b"", query: str = "", of: System = system
    ) -> Step:
        about = (ID if of is stocked else theirs) if "{" in path else None
        return name, of, functions.api, functions.request(method, path, about, body, query)

    yield asked(bills.POLL, "GET", sessions, query=f"since={since}&limit=100", of=stocked)
    yield asked(bills.PAGE, "GET", sessions, query="status=all&limit=100", of=stocked)
    yield asked(bills.HISTORY, "GET", session + "/messages", query="limit=50", of=stocked)
    yield asked(bills.ONE, "GET", session, of=stocked)
    yield None, system, functions.api, _hook(system, functions.said(2, f"o{number}", system.clock()))
    yield asked(None, "POST", session + "/pause")
    yield asked(bills.SEEN, "POST", session + "/seen")
    yield asked(bills.REPLY, "POST", session + "/messages", said)
    yield asked(bills.RESUME, "POST", session + "/unpause")
    yield asked(bills.STOP, "GET", "/botpress-hitl/bot")
    yield asked(bills.PAGES, "GET", "/botpress-hitl/pages")


@dataclass(frozen=True, slots=True)
class _Sample:
    """One act: its calls, seconds of processor and of wall time, bytes logged and answered."""

    calls: list[Call]
    cpu: float
    wall: float
    logged: int
    answered: int


def _taken(bench: Bench, function: Callable[[Event], object], event: Event) -> _Sample:
    answers: list[object] = []
    with _log() as length:
        start = time.perf_counter()
        seconds = cpu(lambda: answers.append(function(event)))
        taken = time.perf_counter() - start
    body = str(answers[0] or "").encode()
    answered = len(gzip.compress(body)) if len(body) >= bills.compressed_from() else len(body)
    return _Sample(bench.recorder.taken(), seconds, taken, length(), answered)


def _use(samples: Sequence[_Sample], held_up: _Sample) -> Use:
    calls = samples[-1].calls
    usual = min(sample.wall for sample in samples)
    return Use(
        units(calls)[0],
        sum(map(_read, calls)),
        sum(call.operation == "SendMessage" for call in calls),
        min(sample.cpu for sample in samples) * 1000,
        round((held_up.wall - usual) / HELD_UP),
        samples[-1].logged,
        samples[-1].answered,
        sum(map(_kept, calls)),
    )


def _read(call: Call) -> float:
    """Read units. DynamoDB bills the least for what finds nothing too; DynamoDB Local counts nothing for it."""
    if not call.is_read:
        return 0
    tables = call.params["RequestItems"].values() if call.operation == "BatchGetItem" else [call.params]
    least = sum(len(table.get("Keys", [0])) * (1.0 if table.get("ConsistentRead") else 0.5) for table in tables)
    return max(call.units, least)


def _kept(call: Call) -> int:
    """Bytes of a new row, and of its copy in `by_time` if it has a place in the order."""
    if call.operation != "PutItem":
        return 0
    item = call.params["Item"]
    size = sum(len(name) + len(str(value)) for name, typed in item.items() for value in typed.values()) + ROW_BYTES
    return size * (2 if "order" in item else 1)


@contextmanager
def _log() -> Iterator[Callable[[], int]]:
    """How many bytes have come to this process's output and error output; on Lambda they are the log."""
    sys.stdout.flush()
    kept = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            yield lambda: length
        finally:
            sys.stdout.flush()
            length = os.fstat(file.fileno()).st_size
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)


def _hook(system: System, item: dict[str, Any]) -> Event:
    return functions.post_webhook(functions.webhook(system.clock(), item))
