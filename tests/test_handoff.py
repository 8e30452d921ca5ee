"""Pause, resume, release, ends of pauses and the global stop, each against what was decided before or meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.conversation import STOP, SYSTEM, Conversation, Pause, Stop
from chalicelib.errors import LostRace, NotFound, Unavailable
from chalicelib.handoff import LIFT_TIME
from chalicelib.lists import Listing
from chalicelib.message import Actor, Message
from chalicelib.messenger import Outgoing
from chalicelib.turns import taking, told
from tests.fakes import FakeStore
from tests.world import ANA, CONVERSATION, World

BOT = Actor("bot", "bot", "Bot")
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


@pytest.fixture
def world() -> World:
    world = World()
    world.receive(world.process(), world.body(world.said("m1", "hello")))
    world.settle()
    world.clock.tick(1000)
    return world


def say(world: World, mid: str, text: str) -> None:
    world.receive(world.process(), world.body(world.said(mid, text)))
    world.deliver(world.process())
    world.clock.tick(1000)


def kinds(world: World) -> list[str]:
    return [row.kind for row in world.rows()]


def test_a_pause_says_who_why_and_until_when_and_is_in_the_log(world: World) -> None:
    paused = world.process().handoff.pause(CONVERSATION, ANA, "angry", minutes=10)
    assert paused.pause is not None
    assert (paused.pause.by, paused.pause.reason) == (ANA, "angry")
    assert paused.pause.until == world.clock() + 10 * MINUTE
    assert (paused.epoch, paused.waiting_since) == (1, world.clock())
    row = world.store.row(CONVERSATION, "t:1")
    assert row is not None
    assert (row.kind, row.by, row.text) == ("paused", ANA, "angry")


def test_an_unknown_conversation_is_neither_paused_nor_made(world: World) -> None:
    with pytest.raises(NotFound):
        world.process().handoff.pause("messenger:100:999", ANA)
    assert world.store.conversation("messenger:100:999") is None


def test_an_unknown_cause_is_refused_and_nothing_is_paused(world: World) -> None:
    with pytest.raises(NotFound):
        world.process().handoff.pause(CONVERSATION, BOT, cause_id="m:nothing")
    assert world.conversation().pause is None


def test_a_second_pause_changes_end_and_reason_but_neither_epoch_nor_author(world: World) -> None:
    handoff = world.process().handoff
    handoff.pause(CONVERSATION, BOT, "first", minutes=5)
    again = handoff.pause(CONVERSATION, ANA, "second", minutes=50)
    assert again.pause is not None
    assert (again.epoch, again.pause.by, again.pause.reason) == (1, BOT, "second")
    assert again.pause.until == world.clock() + 50 * MINUTE
    assert kinds(world).count("paused") == 1


def test_a_second_pause_that_names_no_end_leaves_the_one_there_is(world: World) -> None:
    handoff = world.process().handoff
    first = handoff.pause(CONVERSATION, ANA, "first", minutes=10).pause
    assert first is not None
    world.clock.tick(1000)
    second = handoff.pause(CONVERSATION, BOT, "second")
    assert second.pause == first._replace(reason="second")
    assert handoff.pause(CONVERSATION, BOT, "second") == second
    assert world.store.conversation(CONVERSATION) == second


def test_a_cause_counts_as_delivered_and_causes_one_pause_only(world: World) -> None:
    world.receive(world.process(), world.body(world.said("m2", "help")))
    handoff = world.process().handoff
    handoff.pause(CONVERSATION, BOT, cause_id="m:m2")
    cause = world.store.row(CONVERSATION, "m:m2")
    assert cause is not None
    assert (cause.state, cause.caused) == ("delivered", 1)
    handoff.resume(CONVERSATION, ANA)
    late = handoff.pause(CONVERSATION, BOT, cause_id="m:m2")
    assert (late.pause, late.epoch) == (None, 2)


def test_a_bot_may_pause_again_on_the_very_event_that_released_it(world: World) -> None:
    handoff = world.process().handoff
    handoff.pause(CONVERSATION, ANA)
    world.clock.tick(1000)
    world.receive(world.process(), world.body(world.tapped("p1", "HITL_STOP")))
    row = world.store.row(CONVERSATION, "m:p1")
    assert row is not None
    assert handoff.release(row)[0].pause is None
    again = handoff.pause(CONVERSATION, BOT, "not yet", cause_id="m:p1")
    assert (again.pause is not None, again.epoch) == (True, 3)
    handoff.resume(CONVERSATION, ANA)
    assert handoff.pause(CONVERSATION, BOT, "not yet", cause_id="m:p1").pause is None


def test_resuming_what_is_active_changes_nothing(world: World) -> None:
    before = world.store.conversation(CONVERSATION)
    assert world.process().handoff.resume(CONVERSATION, ANA) == before


def test_whoever_acts_after_the_end_of_a_pause_first_ends_it(world: World) -> None:
    handoff = world.process().handoff
    handoff.pause(CONVERSATION, ANA, minutes=1)
    world.clock.tick(2 * MINUTE)
    again = handoff.pause(CONVERSATION, BOT, "new")
    assert again.epoch == 3
    assert again.pause is not None
    assert again.pause.by == BOT
    assert [(row.kind, row.by) for row in world.rows()][-2:] == [("resumed", world.rows()[-2].by), ("paused", BOT)]


def test_transitions_are_in_order_even_when_the_clock_is_behind(world: World) -> None:
    handoff = world.process().handoff
    for _ in range(6):
        handoff.pause(CONVERSATION, ANA)
        world.clock.tick(-5000)
        handoff.resume(CONVERSATION, ANA)
    assert [row.id for row in world.rows() if row.id.startswith("t:")] == [f"t:{epoch}" for epoch in range(1, 13)]


def test_a_transition_is_logged_once_and_without_anybodys_words(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "chalicelib.handoff")
    handoff = world.process().handoff
    handoff.pause(CONVERSATION, ANA, "angry")
    handoff.pause(CONVERSATION, ANA, "very angry")
    world.mailbox.down = True
    handoff.resume(CONVERSATION, BOT)
    logged = [vars(record) for record in caplog.records if record.levelno == logging.INFO]
    assert [(each["msg"], each["conversation_id"], each["epoch"], each["by"]) for each in logged] == [
        ("paused", CONVERSATION, 1, "operator"),
        ("resumed", CONVERSATION, 2, "bot"),
    ]
    assert "The bot will hear of a transition later" in caplog.messages[-1]
    assert "angry" not in caplog.text


@pytest.mark.parametrize(
    ("payload", "after", "released"),
    [
        ("HITL_STOP", 1000, True),
        ("HITL_STOP", -1000, False),
        ("HITL_STOP:1", -1000, True),
        ("HITL_STOP:2", 1000, False),
        ("HITL_STOPP", 1000, False),
        ("MENU", 1000, False),
    ],
)
def test_a_release_ends_the_pause_that_it_means(world: World, payload: str, after: int, released: bool) -> None:
    world.process().handoff.pause(CONVERSATION, ANA)
    world.clock.tick(after)
    tap = world.tapped("p1", payload)
    world.clock.tick(5000)
    world.receive(world.process(), world.body(tap))
    world.deliver(world.process())
    assert (world.conversation().pause is None) is released
    row = world.store.row(CONVERSATION, "m:p1")
    assert row is not None
    assert row.state == ("delivered" if released else "held")


def test_the_stop_pauses_whoever_writes_and_lifting_it_ends_only_its_own_pauses(world: World) -> None:
    handoff = world.process().handoff
    handoff.set_stop(True, ANA, "fire")
    say(world, "m2", "hello?")
    stopped = world.conversation()
    assert stopped.pause is not None
    assert (stopped.pause.by, stopped.pause.reason) == (Actor("system", "stop", "Global stop"), "fire")
    handoff.set_stop(False, ANA, None)
    handoff.end_stop_pauses()
    assert world.conversation().pause is None
    assert [(row.by, row.text) for row in world.rows() if row.id == "t:2"] == [(STOP, "the global stop was lifted")]
    handoff.set_stop(True, ANA, "fire")
    say(world, "m3", "hello?")
    until = world.clock() + DAY
    handoff.pause(CONVERSATION, ANA, "I take this one")
    handoff.set_stop(False, ANA, None)
    handoff.end_stop_pauses()
    kept = world.conversation().pause
    assert kept is not None
    assert (kept.by, kept.until) == (ANA, until)


@pytest.mark.parametrize(("page_takes", "left"), [(0, 0), (LIFT_TIME - 1, 50), (LIFT_TIME, 150)])
def test_lifting_the_stop_ends_its_pauses_however_many_in_its_time(world: World, page_takes: int, left: int) -> None:
    pages = world.store.list

    def slow(*args: Any) -> Listing:
        world.clock.tick(page_takes)
        return pages(*args)

    vars(world.store)["list"] = slow
    by_stop = Pause(world.clock(), None, STOP, "fire")
    for number in range(250):
        new = Conversation(id=f"messenger:100:9{number:03d}", epoch=1, version=1, pause=by_stop, waiting_since=number)
        world.store.save(Conversation(id=new.id), new)
    world.process().handoff.end_stop_pauses()
    assert len(pages("paused", world.clock(), 1000).conversations) == left


def test_a_release_under_the_stop_does_not_reach_the_bot_before_the_stop_is_lifted(world: World) -> None:
    handoff = world.process().handoff
    handoff.pause(CONVERSATION, ANA)
    handoff.set_stop(True, ANA, "fire")
    world.clock.tick(1000)
    world.receive(world.process(), world.body(world.tapped("p1", "HITL_STOP")))
    world.deliver(world.process())
    pause = world.conversation().pause
    assert pause is not None
    assert pause.by == STOP
    assert "m:p1" not in world.bot.heard
    row = world.store.row(CONVERSATION, "m:p1")
    assert row is not None
    assert row.state == "held"


def test_setting_the_stop_again_changes_its_reason_only(world: World) -> None:
    handoff = world.process().handoff
    first = handoff.set_stop(True, ANA, "fire")
    world.clock.tick(1000)
    assert handoff.set_stop(True, BOT, "fire") == first
    assert handoff.set_stop(True, BOT, "flood").since == first.since


def test_a_message_that_is_noted_only_after_the_answer_makes_nobody_wait(world: World) -> None:
    """Meta's retry finishes what a crash left: by then a person has answered that message."""
    process = world.process()
    process.handoff.pause(CONVERSATION, ANA)
    body = world.body(world.said("m2", "are you there?"))
    world.receive(world.process(), body)
    world.clock.tick(1000)
    process.replies.send(CONVERSATION, "r1", Outgoing("yes"), ANA)
    assert world.conversation().waiting_since is None
    world.receive(world.process(), body)
    assert world.conversation().waiting_since is None


class _Losing(FakeStore):
    """Loses every race."""

    def transition(self, *args: object) -> None:
        raise LostRace("always")

    def save(self, old: Conversation, new: Conversation) -> None:
        if self.conversation(new.id) is not None:
            raise LostRace("always")
        super().save(old, new)

    def set_stop(self, old: Stop, new: Stop) -> None:
        raise LostRace("always")


def test_an_answer_that_is_noted_again_ends_no_wait_that_began_after_it(world: World) -> None:
    handoff = world.process().handoff
    handoff.pause(CONVERSATION, ANA)
    world.clock.tick(1000)
    handoff.resume(CONVERSATION, ANA)
    body = world.body(world.echo("i1", "I was here before you resumed"))
    world.clock.tick(1)
    world.receive(world.process(), body)
    assert world.conversation().last_answer_at == world.clock() - 1
    paused = handoff.pause(CONVERSATION, ANA)
    assert paused.waiting_since is not None
    world.receive(world.process(), body)
    assert world.conversation().waiting_since == paused.waiting_since


def test_an_answer_by_a_clock_that_is_ahead_ends_no_wait_that_began_after_it(world: World) -> None:
    process = world.process()
    process.handoff.pause(CONVERSATION, ANA)
    world.clock.tick(1000)

    def resumed_by_a_clock_behind() -> None:
        world.clock.tick(-500)
        process.handoff.resume(CONVERSATION, ANA)

    world.messenger.before = resumed_by_a_clock_behind
    process.replies.send(CONVERSATION, "r1", Outgoing("yes"), ANA)
    paused = process.handoff.pause(CONVERSATION, ANA)
    assert paused.waiting_since is not None
    process.replies.send(CONVERSATION, "r1", Outgoing("yes"), ANA)
    assert world.conversation().waiting_since == paused.waiting_since


@pytest.mark.parametrize(("received_at", "waiting_since"), [(25, None), (35, 35)])
def test_what_was_said_before_an_answer_pauses_and_what_that_has_answered_waits_no_more(
    received_at: int, waiting_since: int | None
) -> None:
    late = Message(
        conversation_id="messenger:1:2", id="s:1", author="operator", kind="text", sent_at=10, received_at=10
    )
    old = Conversation(id="messenger:1:2", changed_at=20, last_answer_at=30, last_received_at=received_at)
    new, _, _ = taking(old, late, Pause(40, None, ANA, None), 40)
    assert (new.pause is not None, new.waiting_since) == (True, waiting_since)


@pytest.mark.parametrize(("received_at", "tried_at", "since"), [(25, None, 25), (25, 35, 35), (45, None, 40)])
def test_the_user_waits_from_what_a_person_begins_to_say(received_at: int, tried_at: int | None, since: int) -> None:
    reply = Message("messenger:1:2", "s:1", "operator", "text", 20, received_at, state="queued", attempted_at=tried_at)
    new, _, _ = taking(Conversation(id="messenger:1:2"), reply, Pause(40, None, ANA, None), 40)
    assert new.waiting_since == since


def test_a_second_pause_marks_its_cause_and_does_so_once(world: World) -> None:
    handoff = world.process().handoff
    handoff.pause(CONVERSATION, ANA, "first")
    world.receive(world.process(), world.body(world.said("m2", "a person, please")))
    again = handoff.pause(CONVERSATION, BOT, None, None, "m:m2")
    cause = world.store.row(CONVERSATION, "m:m2")
    assert cause is not None
    assert (again.epoch, cause.caused, cause.state) == (1, 1, "delivered")
    assert handoff.pause(CONVERSATION, BOT, "another", None, "m:m2") == again


def test_a_release_says_which_user_asked_and_marks_what_they_tapped(world: World) -> None:
    handoff = world.process().handoff
    handoff.pause(CONVERSATION, ANA)
    world.clock.tick(1000)
    world.receive(world.process(), world.body(world.tapped("m2", "HITL_STOP")))
    row = world.store.row(CONVERSATION, "m:m2")
    assert row is not None
    conversation, marked = handoff.release(row)
    assert (conversation.epoch, conversation.pause, marked.caused, marked.state) == (2, None, 2, "received")
    assert world.store.row(CONVERSATION, "m:m2") == marked
    resumed = world.store.row(CONVERSATION, "t:2")
    assert resumed is not None
    assert (resumed.by, resumed.text) == (Actor("user", "200", ""), None)
    assert handoff.release(row) == (conversation, marked)


def test_giving_up_holds_the_row_under_its_own_pause_and_leaves_one_that_stands(world: World) -> None:
    handoff = world.process().handoff
    world.receive(world.process(), world.body(world.said("m2", "hello?")))
    row = world.store.row(CONVERSATION, "m:m2")
    assert row is not None
    given_up = handoff.give_up(row, "no answer")
    held = world.store.row(CONVERSATION, "m:m2")
    assert held is not None
    assert (held.state, held.held_under, held.caused) == ("held", 1, None)
    log = world.store.row(CONVERSATION, "t:1")
    assert log is not None
    assert (log.kind, log.by, log.text) == ("paused", SYSTEM, "no answer")
    assert handoff.give_up(row, "again") == given_up


def test_where_nothing_is_due_nothing_is_read(world: World) -> None:
    active = world.conversation()
    assert world.process().handoff.settled(active, Stop()) is active
    paused = world.process().handoff.pause(CONVERSATION, ANA, None, 1)
    assert world.process().handoff.settled(paused, Stop()) is paused
    assert world.process().handoff.settled(paused, Stop(paused=True)) is paused
    world.clock.tick(MINUTE)
    assert world.process().handoff.settled(paused, Stop()).epoch == 2


def test_the_stop_says_since_when_and_who_touched_it_last(world: World) -> None:
    handoff, began = world.process().handoff, world.clock()
    assert handoff.set_stop(True, ANA, "fire") == Stop(True, "fire", ANA, began, 1)
    world.clock.tick(1000)
    assert handoff.set_stop(True, BOT, "flood") == Stop(True, "flood", BOT, began, 2)
    assert handoff.set_stop(False, ANA, "over") == Stop(False, None, ANA, None, 3)
    assert handoff.set_stop(False, BOT, None) == Stop(False, None, ANA, None, 3)
    world.clock.tick(1000)
    assert handoff.set_stop(True, BOT, None) == Stop(True, None, BOT, began + 2000, 4)


def test_losing_every_race_asks_the_caller_to_try_again() -> None:
    world = World()
    world.store = _Losing()
    world.receive(world.process(), world.body(world.said("m1", "hello")))
    handoff = world.process().handoff
    for act in (
        lambda: handoff.pause(CONVERSATION, ANA),
        lambda: handoff.amend(CONVERSATION, lambda current: current._replace(name="Ana")),
        lambda: handoff.set_stop(True, ANA, "fire"),
    ):
        with pytest.raises(Unavailable, match="Try again"):
            act()


def test_every_write_raises_the_version_by_one_and_what_changes_nothing_writes_nothing(world: World) -> None:
    handoff = world.process().handoff
    before = world.store.conversation(CONVERSATION)
    assert before is not None
    acts: list[tuple[int, Callable[[], Conversation]]] = [
        (1, lambda: handoff.pause(CONVERSATION, ANA)),
        (2, lambda: handoff.amend(CONVERSATION, lambda conversation: told(conversation, 1))),
        (2, lambda: handoff.amend(CONVERSATION, lambda conversation: told(conversation, 1))),
        (3, lambda: handoff.resume(CONVERSATION, ANA)),
        (3, lambda: handoff.resume(CONVERSATION, ANA)),
    ]
    for writes, act in acts:
        after = act()
        assert after == world.store.conversation(CONVERSATION)
        assert after.version == before.version + writes


def test_to_be_told_late_of_an_older_transition_takes_nothing_back() -> None:
    new = told(told(Conversation(id=CONVERSATION, epoch=4), 3), 4)
    assert (new.told_epoch, new.handed_epoch) == (4, 4)
    assert told(told(new, 2), 1) == new


def test_two_who_set_the_stop_at_once_both_have_their_turn() -> None:
    class Outrun(FakeStore):
        """Somebody else sets the stop right before the first who does."""

        def set_stop(self, old: Stop, new: Stop) -> None:
            if old.version == 0:
                super().set_stop(old, Stop(True, "flood", BOT, 1, 1))
            super().set_stop(old, new)

    assert World(Outrun()).process().handoff.set_stop(True, ANA, "fire") == Stop(True, "fire", ANA, 1, 2)
