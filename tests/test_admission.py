"""Who may speak: a bot while the conversation is active and its epoch current, a person always, and one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.admission import ANSWERED
from chalicelib.conversation import STOP
from chalicelib.delivery import BOT
from chalicelib.errors import Conflict, Transient, Unconfirmed
from chalicelib.message import Actor, Message
from chalicelib.messenger import Outgoing
from chalicelib.settings import Settings
from chalicelib.system import System
from tests.fake_store import FakeStore
from tests.world import ANA, CONVERSATION, SETTINGS, World

BEN = Actor("operator", "ben", "Ben")
HELLO = Outgoing("hello")
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


@pytest.fixture
def world() -> World:
    """An active conversation in which the user has said m1, and nothing is in the mailbox."""
    world = World()
    world.receive(world.process(), world.body(world.said("m1", "hello")))
    world.mailbox.take()
    world.clock.tick(1000)
    return world


def send(world: World, by: Actor = BOT, client_id: str = "c1", **more: Any) -> Message:
    return world.process().replies.send(CONVERSATION, client_id, HELLO, by, **more)


def pause(world: World, by: Actor = ANA, minutes: int | None = None) -> None:
    world.process().handoff.pause(CONVERSATION, by, "mine", minutes)
    world.clock.tick(1000)


def resume(world: World) -> None:
    world.process().handoff.resume(CONVERSATION, ANA)
    world.clock.tick(1000)


def stop(world: World) -> None:
    """The global stop, under which the user has written."""
    world.process().handoff.set_stop(True, ANA, "fire")
    world.receive(world.process(), world.body(world.said("m2", "?")))
    world.deliver(world.process())


def why(row: Message) -> tuple[str | None, str, bool]:
    assert row.failure is not None
    return row.state, row.failure.code, row.failure.can_retry


@pytest.mark.parametrize("epoch", [None, 0])
def test_a_bot_speaks_while_active(world: World, epoch: int | None) -> None:
    sent = send(world, epoch=epoch)
    assert (sent.state, sent.author) == ("sent", "bot")
    last = world.conversation().last_message
    assert last is not None
    assert (last.id, last.author) == ("s:c1", "bot")


@pytest.mark.parametrize("epoch", [None, 0, 1, 2])
def test_no_bot_speaks_in_a_pause(world: World, epoch: int | None) -> None:
    pause(world)
    before = world.conversation()
    refused = send(world, epoch=epoch)
    assert why(refused) == ("refused", "paused", True)
    assert world.store.row(CONVERSATION, "s:c1") == refused
    assert world.messenger.sends == []
    after = world.conversation()
    assert (after.last_message, after.waiting_since) == (before.last_message, before.waiting_since)
    assert after.last_activity_at == world.clock()


@pytest.mark.parametrize(
    ("epoch", "state"), [(0, "refused"), (1, "refused"), (2, "sent"), (3, "refused"), (None, "sent")]
)
def test_a_send_is_held_to_the_epoch_that_it_carries(world: World, epoch: int | None, state: str) -> None:
    pause(world)
    resume(world)
    row = send(world, epoch=epoch)
    assert row.state == state
    assert state == "sent" or why(row) == ("refused", "stale_epoch", False)
    assert len(world.messenger.sends) == (state == "sent")


def test_what_was_refused_is_admitted_anew_when_it_is_sent_again(world: World) -> None:
    pause(world)
    send(world, epoch=0)
    assert why(send(world, epoch=0, retry=True)) == ("refused", "paused", True)
    resume(world)
    assert why(send(world, epoch=0, retry=True)) == ("refused", "stale_epoch", False)
    assert send(world, epoch=2).state == "refused"
    sent = send(world, epoch=2, retry=True)
    assert (sent.state, sent.attempt, sent.failure) == ("sent", 4, None)
    assert send(world, epoch=2, retry=True) == sent
    assert len(world.messenger.sends) == 1


def test_only_a_person_sends_again_what_is_unconfirmed(world: World) -> None:
    world.messenger.errors.append(Unconfirmed("No answer."))
    send(world)
    assert send(world, retry=True).state == "unconfirmed"
    assert send(world, ANA, retry=True).state == "sent"


def test_what_failed_is_admitted_before_it_is_sent_again(world: World) -> None:
    world.messenger.errors.append(Transient("Again."))
    assert send(world).state == "failed"
    pause(world)
    assert send(world, retry=True).state == "refused"
    assert world.messenger.sends == []


def test_under_the_global_stop_no_bot_speaks_and_people_do(world: World) -> None:
    send(world)
    world.process().handoff.set_stop(True, ANA, "fire")
    assert why(send(world, client_id="c2")) == ("refused", "stopped", True)
    assert world.conversation().pause is None, "nobody waits for what the bot says of its own accord"
    assert send(world, ANA, "c3").state == "sent"
    pause_ = world.conversation().pause
    assert pause_ is not None
    assert pause_.by == ANA


def test_whoever_waits_for_what_the_global_stop_refuses_is_seen_to_wait_until_it_is_lifted(world: World) -> None:
    handoff = world.process().handoff
    handoff.set_stop(True, ANA, "fire")
    assert why(send(world)) == ("refused", "stopped", True)
    stopped = world.conversation()
    assert stopped.pause is not None
    assert stopped.pause.by == STOP
    assert stopped.waiting_since is not None
    handoff.set_stop(False, ANA, None)
    handoff.end_stop_pauses()
    assert send(world, client_id="c2").state == "sent"


def test_who_acts_first_on_an_ended_pause_ends_it_and_is_admitted(world: World) -> None:
    pause(world, minutes=1)
    world.clock.tick(MINUTE)
    assert send(world, epoch=1).state == "refused"
    assert world.conversation().epoch == 2
    assert send(world, client_id="c2", epoch=2).state == "sent"


def test_a_pause_of_the_lifted_stop_ends_before_a_bot_is_admitted(world: World) -> None:
    stop(world)
    world.process().handoff.set_stop(False, ANA, None)
    assert send(world).state == "sent"
    assert world.conversation().epoch == 2


class Meanwhile(FakeStore):
    """A store in which something happens right before the next call of a method."""

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[str, Callable[[], object]] = {}

    def __getattribute__(self, name: str) -> Any:
        before = object.__getattribute__(self, "__dict__").get("before", {})
        if name in before:
            before.pop(name)()
        return super().__getattribute__(name)


@pytest.fixture
def racing(monkeypatch: pytest.MonkeyPatch) -> tuple[World, Meanwhile]:
    store = Meanwhile()
    world = World(store)
    world.receive(world.process(), world.body(world.said("m1", "hello")))
    world.clock.tick(1000)
    return world, store


@pytest.mark.parametrize("epoch", [None, 0])
@pytest.mark.parametrize("method", ["append", "conversation_and_stop", "touch"])
def test_a_pause_that_comes_before_the_touch_is_in_time(
    racing: tuple[World, Meanwhile], method: str, epoch: int | None
) -> None:
    world, store = racing
    store.before[method] = lambda: pause(world)
    assert why(send(world, epoch=epoch)) == ("refused", "paused", True)
    assert world.messenger.sends == []


def test_a_pause_and_resume_before_the_touch_refuse_only_what_carries_an_epoch(
    racing: tuple[World, Meanwhile],
) -> None:
    world, store = racing

    def both() -> None:
        pause(world)
        resume(world)

    store.before["touch"] = both
    assert why(send(world, epoch=0)) == ("refused", "stale_epoch", False)
    store.before["touch"] = both
    assert send(world, client_id="c2").state == "sent"


@pytest.mark.parametrize("epoch", [None, 0])
def test_a_guard_on_times_refuses_nothing(racing: tuple[World, Meanwhile], epoch: int | None) -> None:
    world, store = racing

    def newer() -> None:
        world.clock.tick(5)
        world.receive(world.process(), world.body(world.said("m2", "newer")))

    store.before["touch"] = newer
    assert send(world, epoch=epoch).state == "sent"
    last = world.conversation().last_message
    assert last is not None
    assert last.id == "m:m2"


def test_a_reply_pauses_an_active_conversation_in_its_admission(world: World) -> None:
    states: list[tuple[str, int | None]] = []

    def look() -> None:
        conversation = world.conversation()
        assert conversation.pause is not None
        states.append((conversation.pause.by.id, conversation.waiting_since))

    world.messenger.before = look
    sent = send(world, ANA)
    assert states == [("ana", sent.received_at)]
    conversation = world.conversation()
    assert conversation.pause is not None
    assert (conversation.epoch, conversation.pause.reason, conversation.waiting_since) == (1, ANSWERED, None)
    assert conversation.pause.until == sent.received_at + DAY
    found = world.store.row(CONVERSATION, "s:c1")
    assert found is not None
    assert found.caused == 1


def test_a_pause_by_a_reply_to_which_nobody_writes_ends_a_day_later(world: World) -> None:
    sent = send(world, ANA)
    world.clock.tick(DAY - 1)
    world.process().rounds.make()
    assert world.conversation().epoch == 1
    world.clock.tick(1000)
    assert world.process().rounds.make() == {"looked_after": 1}
    ended = world.conversation()
    assert (ended.epoch, ended.changed_at, ended.last_activity_at) == (2, sent.received_at + DAY, world.clock())


def test_a_reply_that_failed_leaves_the_user_waiting(world: World) -> None:
    world.messenger.errors.append(Transient("Again."))
    failed = send(world, ANA)
    assert world.conversation().waiting_since == failed.received_at
    world.clock.tick(1000)
    send(world, ANA, retry=True)
    assert world.conversation().waiting_since is None


def test_a_repeated_reply_does_not_pause_again_but_sending_it_again_does(world: World) -> None:
    world.messenger.errors.append(Transient("Again."))
    send(world, ANA)
    resume(world)
    send(world, ANA)
    assert world.conversation().epoch == 2
    send(world, ANA, retry=True)
    assert world.conversation().epoch == 3


def test_each_reply_moves_the_end_by_the_pauses_own_length(world: World) -> None:
    pause(world, minutes=10)
    world.clock.tick(8 * MINUTE)
    sent = send(world, ANA)
    pause_ = world.conversation().pause
    assert pause_ is not None
    assert pause_.until == sent.received_at + 10 * MINUTE
    before = world.store.conversation(CONVERSATION)
    send(world, ANA)
    assert world.store.conversation(CONVERSATION) == before


def test_a_second_pause_that_names_an_end_is_as_long_for_each_reply(world: World) -> None:
    for number, (minutes, length) in enumerate([(10, 10), (None, 10), (30, 30), (None, 30)]):
        pause(world, minutes=minutes)
        world.clock.tick(5 * MINUTE)
        sent = send(world, ANA, f"c{number}")
        pause_ = world.conversation().pause
        assert pause_ is not None
        assert pause_.until == sent.received_at + length * MINUTE


@pytest.mark.parametrize("meanwhile", [[], [resume], [resume, stop]], ids=["paused", "active", "stopped"])
def test_a_reply_that_is_sent_again_moves_the_end_from_then_on(
    world: World, meanwhile: list[Callable[[World], None]]
) -> None:
    world.messenger.errors.append(Transient("Again."))
    assert send(world, ANA).state == "failed"
    for step in meanwhile:
        step(world)
    world.clock.tick(MINUTE)
    assert send(world, ANA, retry=True).state == "sent"
    pause_ = world.conversation().pause
    assert pause_ is not None
    assert (pause_.by, pause_.until) == (ANA, world.clock() + DAY)


def test_a_reply_that_is_noted_again_while_it_is_sent_neither_moves_the_end_back_nor_pauses_anew(world: World) -> None:
    ends: list[int | None] = []

    def meanwhile() -> None:
        world.messenger.before = lambda: None
        world.clock.tick(MINUTE)
        later = send(world, ANA, "c2")
        assert send(world, ANA).state == "queued"
        pause_ = world.conversation().pause
        ends.extend((later.received_at + DAY, pause_ and pause_.until))
        resume(world)
        assert send(world, ANA).state == "queued"

    world.messenger.before = meanwhile
    send(world, ANA)
    assert ends[0] == ends[1]
    assert (world.conversation().pause, world.conversation().epoch) == (None, 2)


@pytest.mark.parametrize("begin", [lambda world: None, stop], ids=["active", "stopped"])
def test_where_pauses_have_no_end_those_of_people_have_none(world: World, begin: Callable[[World], None]) -> None:
    settings = Settings({"HITL_PAUSE_MINUTES": ""}, SETTINGS.parameters)
    process = System(settings, store=world.store, mailbox=world.mailbox, messenger=world.messenger, clock=world.clock)
    begin(world)
    for client_id in ("c1", "c2"):
        assert process.replies.send(CONVERSATION, client_id, HELLO, BEN).state == "sent"
        pause_ = world.conversation().pause
        assert pause_ is not None
        assert (pause_.by, pause_.until) == (BEN, None)
    process.handoff.resume(CONVERSATION, BEN)
    paused = process.handoff.pause(CONVERSATION, BEN).pause
    assert paused is not None
    assert paused.until is None


def test_a_reply_takes_a_pause_of_the_stop_over(world: World) -> None:
    process = world.process()
    stop(world)
    stopped = world.conversation().pause
    assert stopped is not None
    assert stopped.by == STOP
    for client_id in ("c1", "c2"):
        world.clock.tick(MINUTE)
        sent = send(world, BEN, client_id)
        pause_ = world.conversation().pause
        assert pause_ is not None
        assert (pause_.by, pause_.until) == (BEN, sent.received_at + DAY)
    process.handoff.set_stop(False, ANA, None)
    process.handoff.end_stop_pauses()
    assert world.conversation().epoch == 1


def test_of_two_who_answer_at_once_one_is_first(racing: tuple[World, Meanwhile]) -> None:
    world, store = racing
    others: list[Message] = []
    store.before["transition"] = lambda: others.append(send(world, BEN, "ben", seen_id="m:m1"))
    mine = send(world, ANA, "ana", seen_id="m:m1")
    assert [others[0].state, why(mine)] == ["sent", ("refused", "someone_answered", True)]
    assert "Ben" in (mine.failure.message if mine.failure else "")
    assert len(world.messenger.sends) == 1
    assert send(world, ANA, "ana", seen_id="s:ben", retry=True).state == "sent"


def test_one_may_say_two_things_in_a_row_and_what_failed_is_in_nobodys_way(world: World) -> None:
    assert send(world, ANA, "a1", seen_id="m:m1").state == "sent"
    world.clock.tick(10)
    world.messenger.errors.append(Transient("Again."))
    assert send(world, ANA, "a2", seen_id="m:m1").state == "failed"
    assert send(world, BEN, "b1", seen_id="s:a1").state == "sent"


def test_who_has_not_said_what_they_saw_is_not_guarded(world: World) -> None:
    send(world, ANA, "a1")
    assert send(world, BEN, "b1").state == "sent"


def test_a_send_under_way_is_not_sent_again(world: World) -> None:
    codes: list[str] = []

    def meanwhile() -> None:
        world.messenger.before = lambda: None
        assert send(world).state == "queued"
        with pytest.raises(Conflict) as conflict:
            send(world, retry=True)
        codes.append(conflict.value.code)

    world.messenger.before = meanwhile
    assert send(world).state == "sent"
    assert (codes, len(world.messenger.sends)) == (["still_sending"], 1)
