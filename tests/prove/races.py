"""Acts and troubles drawn by a seed: the same seed gives the same run, on the fake and on DynamoDB Local.

To see one again: `make prove ARGS='replay <seed>'`, with `--local` for DynamoDB Local.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from functools import cache

import pytest

from chalicelib.settings import Settings
from chalicelib.store import create_tables
from tests.dynamo import FakeDynamo
from tests.prove.acts import ACTS, Delivering, Saying, rest
from tests.prove.invariants import check
from tests.prove.steps import TROUBLES, Plan
from tests.prove.witness import Violation
from tests.prove.world import PLACES, SETTINGS, WHOLE, Act, Guard, Wire, World
from tests.wire import WiredMailbox, WiredStore

ROUNDS = 8
COMMON: tuple[type[Act], ...] = (Saying, Delivering, Delivering)
"""Acts that are drawn more often: what else happens mostly happens around them."""


def fake_world(guard: Guard = WHOLE, *, pace: int = 1, lag: int = 0, seed: int = 0) -> World:
    """An empty world on the fake of DynamoDB."""
    wire, store, mailbox = _parts(guard, None)
    return World(store, mailbox, wire, dynamo=FakeDynamo(), guard=guard, pace=pace, lag=lag, seed=seed)


def local_world(url: str, *, pace: int = 1) -> World:
    """An empty world on the engine at `url`: what an earlier one left in the tables is removed."""
    wire, store, mailbox = _parts(WHOLE, url)
    for model in (store._conversations, store._messages):
        with model.batch_write() as batch:
            for item in model.scan(consistent_read=True):
                batch.delete(item)
    return World(store, mailbox, wire, dynamo=None, pace=pace)


@cache
def _parts(guard: Guard, url: str | None) -> tuple[Wire, WiredStore, WiredMailbox]:
    """Made once for all worlds, because clients are slow to make."""
    wire = Wire()
    if url is None:
        return wire, WiredStore(SETTINGS, wire, guard.sleep), WiredMailbox(SETTINGS, wire)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        own = Settings({"HITL_NAME": f"prove-{os.getpid()}"})  # tables of this process: several share the engine
        create_tables(own)
        return wire, WiredStore(own, wire, time.sleep, in_memory=False), WiredMailbox(SETTINGS, wire)


def run(world: World, chance: random.Random, focus: Sequence[type[Act]] | None = None, *, loose: bool = False) -> World:
    """Draw acts and let them happen, one to four at a time, in a conversation that has mostly begun.

    A run draws from a few kinds of acts only, which therefore meet often: those of `focus`, or other ones in each run.
    """
    kinds = focus or (*chance.sample(ACTS, chance.choice((3, 5, 8, len(ACTS)))), *COMMON)
    trouble = chance.choice((0.0, 0.2, 0.6))
    if chance.random() < 0.8:
        world.begin([Saying(world, 0, 0)])
    for number in range(ROUNDS):
        drawn = [chance.choice(kinds) for _ in range(chance.choice((1, 1, 2, 2, 3, 4)))]
        acts = [act(world, chance.randrange(4) // 3, chance.randrange(16)) for act in drawn]
        plans = [_plan(chance, trouble) for _ in acts]
        schedule = [chance.randrange(len(acts)) for _ in range(100)]
        world.begin(acts, plans, None if loose else schedule)
        if world.dynamo is not None or number % 3 == 2:  # an engine takes longer to judge a round than to run it
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


def race(seed: int, guard: Guard = WHOLE, focus: Sequence[type[Act]] | None = None, url: str | None = None) -> World:
    """One race, on the fake or on the engine at `url`; Violation where something does not hold.

    On an engine, every fifth runs its threads as they come, so that its own conflicts and cancellations are met too.
    """
    chance = random.Random(seed)
    pace, lag = chance.choice((0, 1, 1, 40)), chance.choice((0, 1, 5))
    fake = url is None
    world = local_world(url, pace=pace) if url else fake_world(guard, pace=pace, lag=lag, seed=seed)
    try:
        return run(world, chance, focus, loose=not fake and seed % 5 == 4)
    except Violation as violation:
        where = "" if fake else " --local"
        violation.add_note("\n".join([*world.story, f"To see it again: make prove ARGS='replay {seed}{where}'"]))
        raise


def crowd(world: World, size: int = 20) -> None:
    """So many first messages of one user at the same moment: one conversation, and each message once."""
    acts = [Saying(world, 0, 0) for _ in range(size)]
    world.begin(acts, [], None)
    rest(world)
    check(world, at_rest=True)
    conversations = world.store.list("all", world.clock(), 100).conversations
    said = [row for row in world.log(PLACES[0]) if row.author == "user"]
    if (len(conversations), len(said)) != (1, size):
        raise Violation(f"doubled: {size} first messages gave {len(conversations)} conversations, {len(said)} rows")
