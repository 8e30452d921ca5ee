"""What we send: once per client id, settled by Meta's answer or by the echo, in whatever order they come."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from chalicelib.errors import Conflict, NotFound, TokenInvalid, Transient, Unconfirmed
from chalicelib.message import Actor, Message
from chalicelib.messenger import Outgoing
from tests.world import ANA, CONVERSATION, Crash, Steps, World

HELLO = Outgoing("I am Ana")
HOUR = 3_600_000


@pytest.fixture
def world() -> World:
    world = World()
    process = world.process()
    world.receive(process, world.body(world.said("m1", "hello")))
    world.mailbox.take()
    process.handoff.pause(CONVERSATION, Actor("bot", "bot", "Bot"), "help")
    world.clock.tick(1000)
    return world


class Meanwhile(Steps):
    """Something else happens right after the chosen step of a process."""

    def __init__(self, after: int, act: Callable[[], object], crash_after: int | None = None) -> None:
        super().__init__(crash_after)
        self._after = after
        self._act = act

    def step(self, name: str) -> None:
        super().step(name)
        if len(self.done) == self._after:
            self._act()


def reply(world: World, client_id: str = "r1", message: Outgoing = HELLO, *, retry: bool = False) -> Message:
    return world.process().replies.send(CONVERSATION, client_id, message, ANA, retry=retry)


def row(world: World, row_id: str = "s:r1") -> Message:
    found = world.store.row(CONVERSATION, row_id)
    assert found is not None
    return found


def test_a_reply_is_logged_sent_and_answers_who_waits(world: World) -> None:
    sent = reply(world)
    assert (sent.state, sent.mid, sent.author, sent.by) == ("sent", "mid.1", "operator", ANA)
    assert world.messenger.sends[0].metadata == "hitl:s:r1"
    conversation = world.conversation()
    assert conversation.waiting_since is None
    assert conversation.last_operator == ANA
    assert conversation.last_message is not None
    assert (conversation.last_message.text, conversation.last_message.author) == ("I am Ana", "operator")


def test_the_row_is_there_before_meta_is_asked(world: World) -> None:
    states: list[str | None] = []
    world.messenger.before = lambda: states.append(row(world).state)
    reply(world)
    assert states == ["queued"]


def test_a_repeat_never_sends_twice(world: World) -> None:
    first = reply(world)
    assert reply(world) == first
    assert reply(world, retry=True) == first
    assert len(world.messenger.sends) == 1


def test_a_client_id_stands_for_one_message(world: World) -> None:
    reply(world)
    with pytest.raises(Conflict) as refused:
        reply(world, message=Outgoing("something else"))
    assert refused.value.code == "client_id_reused"
    assert len(world.messenger.sends) == 1


def test_an_unknown_conversation_gets_nothing(world: World) -> None:
    with pytest.raises(NotFound):
        world.process().replies.send("messenger:100:999", "r1", HELLO, ANA)
    assert world.messenger.sends == []


def test_a_refused_send_failed_with_the_reason_and_the_user_still_waits(world: World) -> None:
    world.messenger.errors.append(TokenInvalid("Connect the Page again.", 190))
    failed = reply(world)
    assert failed.failure is not None
    assert (failed.state, failed.failure.code, failed.failure.can_retry) == ("failed", "token_invalid", False)
    assert world.conversation().waiting_since is not None
    again = reply(world, retry=True)
    assert (again.state, again.attempt, again.failure) == ("sent", 2, None)
    assert world.conversation().waiting_since is None


def test_no_clear_answer_is_unconfirmed_until_an_echo_or_a_person(world: World) -> None:
    world.messenger.errors.append(Unconfirmed("No answer."))
    assert reply(world).state == "unconfirmed"
    assert reply(world).state == "unconfirmed"
    world.receive(world.process(), world.body(world.echo("mid.x", "I am Ana", metadata="hitl:s:r1")))
    assert (row(world).state, row(world).mid, row(world).failure) == ("sent", "mid.x", None)
    assert world.conversation().waiting_since is None


def test_a_send_that_outlived_its_function_is_unconfirmed_to_readers_and_may_be_sent_again(world: World) -> None:
    world.messenger.before = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        reply(world)
    world.messenger.before = lambda: None
    with pytest.raises(Conflict) as sending:
        reply(world, retry=True)
    assert sending.value.code == "still_sending"
    world.clock.tick(HOUR)
    assert row(world).state_for_readers(world.clock()) == "unconfirmed"
    assert reply(world, retry=True).state == "sent"


def test_two_people_who_send_again_at_once_send_once(world: World) -> None:
    world.messenger.errors.append(Transient("Try again."))
    reply(world)
    refused: list[str] = []

    def meanwhile() -> None:
        world.messenger.before = lambda: None
        try:
            reply(world, retry=True)
        except Conflict as error:
            refused.append(error.code)

    world.messenger.before = meanwhile
    reply(world, retry=True)
    assert refused == ["still_sending"]
    assert len(world.messenger.sends) == 1


@pytest.mark.parametrize("metadata", ["hitl:s:r1", None])
def test_an_echo_after_the_answer_adds_no_row(world: World, metadata: str | None) -> None:
    reply(world)
    world.receive(world.process(), world.body(world.echo("mid.1", "I am Ana", metadata=metadata, app_id=5)))
    assert [found.id for found in world.rows() if found.text == "I am Ana"] == ["s:r1"]


def test_an_echo_before_the_answer_settles_the_row_by_its_metadata(world: World) -> None:
    def early() -> None:
        world.receive(world.process(), world.body(world.echo("mid.1", "I am Ana", metadata="hitl:s:r1")))

    world.messenger.before = early
    assert reply(world).state == "sent"
    assert [found.id for found in world.rows() if found.text == "I am Ana"] == ["s:r1"]


def test_an_echo_without_metadata_before_the_answer_is_merged_into_the_row(world: World) -> None:
    def early() -> None:
        world.receive(world.process(), world.body(world.echo("mid.1", "I am Ana", app_id=5)))
        world.clock.tick(5)

    world.messenger.before = early
    reply(world)
    assert [found.id for found in world.rows() if found.text == "I am Ana"] == ["s:r1"]
    assert row(world, "m:mid.1").id == "s:r1"
    last = world.conversation().last_message
    assert last is not None
    assert (last.id, last.author) == ("s:r1", "operator")


ECHOES: tuple[dict[str, object], ...] = ({"metadata": "hitl:s:r1"}, {"app_id": 5}, {})
"""By our metadata, by an app id alone, and by nothing, as a person in the Page inbox."""


@pytest.mark.parametrize("by", ECHOES)
@pytest.mark.parametrize("after", range(1, 9))
def test_the_echo_may_come_after_any_step_of_its_reply(world: World, by: dict[str, object], after: int) -> None:
    def receive(process: Steps | None = None) -> None:
        world.clock.tick(5)
        world.receive(world.process(process), world.body(world.echo("mid.1", "I am Ana", **by)))

    world.process(Meanwhile(after, receive)).replies.send(CONVERSATION, "r1", HELLO, ANA)
    receive()
    assert_one_reply(world)


@pytest.mark.parametrize("by", ECHOES)
@pytest.mark.parametrize("after", range(1, 9))
def test_the_reply_may_end_after_any_step_of_its_echo(world: World, by: dict[str, object], after: int) -> None:
    end = sending(world, lambda: reply(world))
    echo = world.body(world.echo("mid.1", "I am Ana", **by))
    world.receive(world.process(Meanwhile(after, end)), echo)
    end()
    assert_one_reply(world)
    world.receive(world.process(), echo)
    assert_one_reply(world)


def test_a_bots_row_follows_its_echo_even_where_taking_that_in_died(world: World) -> None:
    bot = Actor("bot", "bot", "Bot")
    world.process().handoff.resume(CONVERSATION, ANA)
    end = sending(world, lambda: world.process().replies.send(CONVERSATION, "r1", HELLO, bot))
    echo = world.body(world.echo("mid.1", "I am Ana", app_id=5))
    steps = Meanwhile(1, end, crash_after=2)
    with pytest.raises(Crash):
        world.receive(world.process(steps), echo)
    assert steps.done == ["store.append", "store.touch"]
    world.receive(world.process(), echo)
    last = world.conversation().last_message
    assert last is not None
    assert (last.id, last.by) == ("s:r1", bot)


def sending(world: World, act: Callable[[], object]) -> Callable[[], None]:
    """Begin a send whose answer Meta keeps back until the function that this gives is called."""
    is_sending, may_go_on = threading.Event(), threading.Event()
    thread = threading.Thread(target=act)

    def wait() -> None:
        is_sending.set()
        may_go_on.wait(10)

    def end() -> None:
        may_go_on.set()
        thread.join(10)

    world.messenger.before = wait
    thread.start()
    is_sending.wait(10)
    world.clock.tick(5)
    return end


def assert_one_reply(world: World) -> None:
    assert [found.id for found in world.rows() if found.text == "I am Ana"] == ["s:r1"]
    assert row(world, "m:mid.1") == row(world)
    assert row(world).state == "sent"
    last = world.conversation().last_message
    assert last is not None
    assert (last.id, last.author, last.by) == ("s:r1", "operator", ANA)
    assert world.conversation().waiting_since is None
    assert world.conversation().last_operator == ANA


def test_an_echo_of_what_meta_called_failed_proves_that_it_went_out(world: World) -> None:
    world.messenger.errors.append(Transient("Try again."))
    reply(world)
    world.receive(world.process(), world.body(world.echo("mid.1", "I am Ana", metadata="hitl:s:r1")))
    assert (row(world).state, row(world).failure) == ("sent", None)


def test_an_echo_before_meta_gives_no_clear_answer_keeps_the_row_sent(world: World) -> None:
    def early() -> None:
        world.receive(world.process(), world.body(world.echo("mid.x", "I am Ana", metadata="hitl:s:r1")))

    world.messenger.before = early
    world.messenger.errors.append(Unconfirmed("No answer."))
    sent = reply(world)
    assert (sent.state, sent.mid, sent.failure) == ("sent", "mid.x", None)


def test_the_late_failure_of_one_try_says_nothing_of_the_next(world: World) -> None:
    def dies() -> None:
        raise Crash

    def meanwhile() -> None:
        world.clock.tick(HOUR)
        world.messenger.before = dies
        with pytest.raises(Crash):
            reply(world, retry=True)

    world.messenger.before = meanwhile
    world.messenger.errors.append(Unconfirmed("No answer."))
    late = reply(world)
    assert (late.state, late.attempt, late.failure) == ("queued", 2, None)


def test_metadata_that_names_no_row_of_ours_is_a_foreign_echo(world: World) -> None:
    world.receive(world.process(), world.body(world.echo("mid.7", "who?", metadata="hitl:s:unknown", app_id=5)))
    assert row(world, "m:mid.7").author == "bot"


def test_what_the_user_says_while_a_reply_is_under_way_still_waits(world: World) -> None:
    def meanwhile() -> None:
        world.clock.tick(10)
        world.receive(world.process(), world.body(world.said("m2", "and another thing")))
        world.clock.tick(10)

    world.messenger.before = meanwhile
    reply(world)
    assert world.conversation().waiting_since == row(world, "m:m2").received_at


def test_delivered_and_read_follow_from_the_watermarks(world: World) -> None:
    sent = reply(world)
    at = sent.sent_at
    assert sent.state_for_readers(at, at - 1) == "sent"
    assert sent.state_for_readers(at, at) == "delivered"
    assert sent.state_for_readers(at, at, at) == "read"


def test_a_repeat_tells_the_conversation_what_a_dead_process_could_not(world: World) -> None:
    with pytest.raises(Crash):
        world.process(Steps(9)).replies.send(CONVERSATION, "r1", HELLO, ANA)
    assert (row(world).state, world.conversation().waiting_since is None) == ("sent", False)
    reply(world)
    assert world.conversation().waiting_since is None
    assert world.store.row(CONVERSATION, "m:mid.1") == row(world)
    assert len(world.messenger.sends) == 1


def test_an_echo_that_is_merged_leaves_what_was_said_after_our_row_as_the_last_message(world: World) -> None:
    def meanwhile() -> None:
        for mid, item in (("m2", world.said("m2", "are you there?")), ("mid.1", world.echo("mid.1", "I am Ana"))):
            world.clock.tick(1000)
            item["timestamp"] = world.clock()
            world.receive(world.process(), world.body(item))
            assert world.store.row(CONVERSATION, f"m:{mid}") is not None

    world.messenger.before = meanwhile
    reply(world)
    last = world.conversation().last_message
    assert last is not None
    assert last.text == "are you there?"
