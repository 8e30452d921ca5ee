"""The Hypothesis state machine: it draws acts, what befalls them and how they interleave, and shrinks what fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.prove.acts import ACTS, Delivering, Saying, rest
from tests.prove.invariants import check
from tests.prove.steps import QUIET, TROUBLES, Plan
from tests.prove.world import Act, World

NewWorld = Callable[[int, int, int], World]
"""A new world of a pace, a lag and a seed for the ages of stale reads."""

some_acts = st.tuples(st.sampled_from((Saying, Delivering, *ACTS)), st.sampled_from((0, 0, 0, 1)), st.integers(0, 15))
plans = st.builds(
    Plan,
    st.none() | st.integers(1, 12),
    st.dictionaries(st.integers(1, 8), st.sampled_from(TROUBLES), max_size=2),
)
schedules = st.lists(st.integers(0, 3), max_size=40)


class Machine(RuleBasedStateMachine):
    """Draws acts; a subclass says in which world."""

    def new_world(self, pace: int, lag: int, seed: int) -> World:
        """An empty world."""
        raise NotImplementedError

    @initialize(pace=st.sampled_from((1, 0, 40)), lag=st.sampled_from((0, 1, 5)), ages=st.integers(0, 99))
    def begin(self, pace: int, lag: int, ages: int) -> None:
        self.world = self.new_world(pace, lag, ages)

    @rule(drawn=some_acts)
    def one_act(self, drawn: tuple[type[Act], int, int]) -> None:
        self._let([drawn], [QUIET], [])

    @rule(drawn=some_acts, plan=plans)
    def one_act_in_trouble(self, drawn: tuple[type[Act], int, int], plan: Plan) -> None:
        self._let([drawn], [plan], [])

    @rule(drawn=st.lists(some_acts, min_size=2, max_size=4), schedule=schedules)
    def acts_at_once(self, drawn: list[tuple[type[Act], int, int]], schedule: list[int]) -> None:
        self._let(drawn, [], schedule)

    @rule(drawn=st.lists(some_acts, min_size=2, max_size=3), schedule=schedules, troubles=st.tuples(plans, plans))
    def acts_at_once_in_trouble(
        self, drawn: list[tuple[type[Act], int, int]], schedule: list[int], troubles: tuple[Plan, ...]
    ) -> None:
        self._let(drawn, list(troubles), schedule)

    @rule(act=st.integers(0, 9))
    def trying_again(self, act: int) -> None:
        if self.world.unfinished:
            self.world.begin([self.world.unfinished.pop(act % len(self.world.unfinished))])
            check(self.world)

    @rule()
    def coming_to_rest(self) -> None:
        rest(self.world)
        check(self.world, at_rest=True)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.coming_to_rest()

    def _let(self, drawn: list[tuple[type[Act], int, int]], plans: list[Plan], schedule: list[int]) -> None:
        acts = [act(self.world, user, n) for act, user, n in drawn]
        self.world.begin(acts, plans, schedule)
        check(self.world)


def run_machine(new_world: NewWorld, examples: int, first: int, *, shrink: bool = True, steps: int = 25) -> None:
    """Run the machine; a failure is shrunk, and says which steps lead to it and with which seed it was found."""
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        print_blob=True,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    worldly = type("Machine", (Machine,), {"new_world": lambda self, pace, lag, ages: new_world(pace, lag, ages)})
    seeded: Any = seed(first)(worldly)
    run_state_machine_as_test(seeded, settings=chosen)
