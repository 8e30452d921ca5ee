"""Processor time of one message, against bare botocore making the same calls.

Both Lambda functions are called as AWS calls them, with an event of their own kind; the bare calls are the ones they
made, with the same parameters, on other tables and by clients that are set up alike. In turns, in lots of 20 messages;
the ratio is the median of the lots' ratios.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from itertools import count

from bench import functions
from bench.harness import Act, Bench, Figure, cpu, ratio, renamed
from chalicelib import system as _system
from chalicelib.store import create_tables

TITLE = "Processor time"
BUDGET = 1.4
ROUNDS, LOT, USERS = 30, 20, 50


def measure(bench: Bench) -> list[Figure]:
    """Receive a lot, make its calls, deliver the lot, make its calls, and so on."""
    system = bench.system("processor")
    create_tables(bench.settings("bare"))
    _system.install(system)
    replay = bench.bare()
    received: list[tuple[float, float]] = []
    delivered: list[tuple[float, float]] = []
    numbers = count()

    def compared(acts: Sequence[Act]) -> tuple[float, float]:
        bench.recorder.taken()
        ours = cpu(lambda: [act() for act in acts])
        calls = renamed(bench.recorder.taken(), "processor", "bare")
        return ours, cpu(replay(calls))

    for user in range(USERS):  # so that each is known, by name too
        functions.api(functions.post_webhook(functions.webhook(now := system.clock(), functions.said(user, "m", now))))
        functions.deliver(functions.letter(f"messenger:100:{user}", "@0", "profile"))
    for _ in range(ROUNDS):
        lot = [next(numbers) for _ in range(LOT)]
        bodies = [functions.webhook(now := system.clock(), functions.said(n % USERS, f"m{n}", now)) for n in lot]
        received.append(compared([_calling(functions.api, functions.post_webhook(body)) for body in bodies]))
        letters = [functions.letter(f"messenger:100:{n % USERS}", f"m:m{n}") for n in lot]
        delivered.append(compared([_calling(functions.deliver, letter) for letter in letters]))
    return [_figure("Receive", received[1:]), _figure("Deliver", delivered[1:])]


def _calling(function: Callable[[dict[str, object]], object], event: dict[str, object]) -> Act:
    return lambda: function(event)


def _figure(name: str, taken: Sequence[tuple[float, float]]) -> Figure:
    ours, theirs = [pair[0] for pair in taken], [pair[1] for pair in taken]
    ms = [statistics.median(times) / LOT * 1000 for times in (ours, theirs)]
    return Figure(name, ratio(ours, theirs), "×", BUDGET, f"{ms[0]:.2f} ms, bare {ms[1]:.2f} ms")
