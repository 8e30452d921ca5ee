"""Acts and troubles drawn by a seed: the same seed gives the same run, on the fake and on DynamoDB Local.

To see one again: `python -m tests.prove replay <seed>`, with `--local` for DynamoDB Local.
"""

from __future__ import annotations

import random
from functools import cache

from tests.dynamo import FakeDynamo
from tests.prove.acts import ACTS, Delivering, Saying, rest
from tests.prove.invariants import check
from tests.prove.steps import TROUBLES, Plan
from tests.prove.witness import Violation
from tests.prove.world import SETTINGS, WHOLE, Act, Guard, Wire, World
from tests.wire import WiredMailbox, WiredStore

ROUNDS = 8
COMMON: tuple[type[Act], ...] = (Saying, Delivering, Delivering)
"""Acts that are drawn more often: what else happens mostly happens around them."""


def fake_world(guard: Guard = WHOLE, *, pace: int = 1, lag: int = 0, seed: int = 0) -> World:
    """An empty world on the fake of DynamoDB."""
    wire, store, mailbox = _fake_parts(guard)
    return World(store, mailbox, wire, dynamo=FakeDynamo(), guard=guard, pace=pace, lag=lag, seed=seed)


@cache
def _fake_parts(guard: Guard) -> tuple[Wire, WiredStore, WiredMailbox]:
    """Made once for all worlds, because clients are slow to make."""
    wire = Wire()
    return wire, WiredStore(SETTINGS, wire, guard.sleep), WiredMailbox(SETTINGS, wire)


def run(world: World, chance: random.Random, rounds: int = ROUNDS) -> World:
    """Draw acts and let them happen, one to four at a time, in a conversation that has mostly begun.

    A run draws from a few kinds of acts only, which therefore meet often; which ones, differs from run to run.
    """
    kinds = (*chance.sample(ACTS, chance.choice((3, 5, 8, len(ACTS)))), *COMMON)
    trouble = chance.choice((0.0, 0.2, 0.6))
    if chance.random() < 0.9:
        world.begin([Saying(world, 0, 0)])
    for _ in range(rounds):
        drawn = [chance.choice(kinds) for _ in range(chance.choice((1, 1, 2, 2, 3, 4)))]
        acts = [act(world, chance.randrange(4) // 3, chance.randrange(16)) for act in drawn]
        plans = [_plan(chance, trouble) for _ in acts]
        world.begin(acts, plans, [chance.randrange(len(acts)) for _ in range(100)])
        check(world)
        world.clock.tick(chance.choice((0, 1, 1000)))
    rest(world)
    check(world, at_rest=True)
    return world


def _plan(chance: random.Random, trouble: float) -> Plan:
    troubles = {}
    if chance.random() < trouble:
        troubles[chance.randint(1, 8)] = chance.choice(TROUBLES)
    return Plan(chance.randint(1, 12) if chance.random() < trouble else None, troubles)


def race(seed: int, guard: Guard = WHOLE) -> None:
    """One race on the fake; Violation where something does not hold."""
    chance = random.Random(seed)
    world = fake_world(guard, pace=chance.choice((0, 1, 1, 40)), lag=chance.choice((0, 1, 5)), seed=seed)
    try:
        run(world, chance)
    except Violation as violation:
        violation.add_note("\n".join([*world.story, f"To see it again: make prove ARGS='replay {seed}'"]))
        raise
