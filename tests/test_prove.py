"""A hundredth of `make prove`: the state machine, the races and the scenes, on the fake of DynamoDB."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.prove.guards import GUARDS, Missing, caught_by
from tests.prove.machine import run_machine
from tests.prove.races import fake_world, race
from tests.prove.scenes import play
from tests.prove.voices import VOICES

SHOWN = [missing for missing in (*GUARDS, *VOICES) if missing.scene is not None]


@pytest.fixture(autouse=True)
def _in_silence() -> Iterator[None]:
    """What is logged of troubles that were made on purpose helps nobody; what other tests make is to be seen."""
    ours = logging.getLogger("chalicelib")
    before = ours.level
    ours.setLevel(logging.CRITICAL)
    yield
    ours.setLevel(before)


def test_the_machine_finds_nothing() -> None:
    run_machine(lambda pace, lag, seed: fake_world(pace=pace, lag=lag, seed=seed), 20, 0)


@pytest.mark.parametrize("seed", range(100))
def test_a_race_breaks_nothing(seed: int) -> None:
    race(seed)


@pytest.mark.parametrize("missing", SHOWN, ids=lambda missing: missing.name)
def test_a_scene_breaks_only_without_its_guard(missing: Missing) -> None:
    assert missing.scene is not None
    play(missing.scene)
    assert caught_by(missing, 0) is not None
