"""What comes late or in an unlucky moment: ends that nobody has met, echoes, drains cut off, slow handlers."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from chalicelib.bots import PythonBot
from chalicelib.delivery import BOT
from chalicelib.errors import BotFailed, Transient, Unavailable, Unconfirmed
from chalicelib.message import Actor
from chalicelib.messenger import Outgoing
from chalicelib.system import System
from chalicelib.talk import Delivery, Speaker, Talk
from tests.world import ANA, CONVERSATION, SETTINGS, Crash, Steps, World, begun, drain, paused, say, with_bot

MINUTE = 60_000
FUNCTION_TIME = 30_000
"""After which Lambda ends `deliver`."""
BEN, CLEO = Actor("operator", "ben", "Ben"), Actor("operator", "cleo", "Cleo")


def end(world: World) -> None:
    pause = world.conversation().pause
    assert pause is not None
    assert pause.until is not None
    world.clock.at = pause.until + 1000
    world.process().rounds.make()
    drain(world)


@pytest.mark.parametrize("round_first", [False, True])
def test_an_answer_in_the_inbox_after_the_end_of_a_pause_pauses(round_first: bool) -> None:
    world = paused(World())
    world.clock.tick(61 * MINUTE)
    echo = world.body(world.echo("i1", "I am on it"))
    world.clock.tick(1500)
    if round_first:
        world.process().rounds.make()
    world.receive(world.process(), echo)
    assert world.conversation().pause is not None
    drain(world)
    assert world.bot.heard == []


def test_what_is_answered_before_anybody_has_met_the_end_is_not_given_to_the_bot_at_the_next_end() -> None:
    world = paused(World())
    pause = world.conversation().pause
    assert pause is not None
    assert pause.until is not None
    world.clock.at = pause.until + 1000
    world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA)
    drain(world)
    end(world)
    assert world.bot.heard == []


def test_what_is_answered_during_a_drain_is_not_given_to_the_bot_at_the_next_end() -> None:
    world = paused(World())
    deliver = world.bot.deliver

    def busy(delivery: Delivery, speaker: Speaker) -> None:
        deliver(delivery, speaker)
        if delivery.message_id == "m:m1":
            world.clock.tick(1000)
            world.process().replies.send(CONVERSATION, "a1", Outgoing("m2 and m3: yes"), ANA)

    vars(world.bot)["deliver"] = busy
    world.process().handoff.resume(CONVERSATION, ANA, deliver_held=True)
    drain(world)
    end(world)
    assert world.bot.heard == ["m:m1"]


def test_what_the_bot_refuses_and_a_person_has_answered_does_not_pause_again_at_each_end() -> None:
    world = paused(World())
    world.bot.fails = BotFailed("400", retry=False)
    end(world)
    assert world.conversation().epoch == 3
    world.clock.tick(1000)
    world.process().replies.send(CONVERSATION, "a1", Outgoing("I have read it"), ANA)
    end(world)
    assert world.conversation().pause is None


def test_an_echo_that_comes_late_answers_nothing_that_was_said_after_it() -> None:
    world = paused(World())
    echo = world.body(world.echo("i1", "what is your number?"))
    world.clock.tick(20_000)
    say(world, "m4")
    drain(world)
    world.clock.tick(10_000)
    world.receive(world.process(), echo)  # Meta's second try
    assert world.conversation().waiting_since is not None
    end(world)
    assert world.bot.heard == ["m:m4"]


def test_an_echo_of_before_the_pause_does_not_end_the_wait_for_a_person() -> None:
    world = begun(World())
    echo = world.body(world.echo("i1", "hello from the inbox"))
    world.clock.tick(5000)
    world.receive(world.process(), world.body(world.tapped("p1", "HITL_START")))
    drain(world)
    world.clock.tick(5000)
    world.receive(world.process(), echo)
    assert world.conversation().waiting_since is not None


def test_a_letter_never_outlasts_the_function() -> None:
    world = paused(World())
    say(world, "m4")
    drain(world)
    world.process().handoff.resume(CONVERSATION, ANA, deliver_held=True)
    deliver = world.bot.deliver
    takes = {"t:2": 9_000, "m:m4": 9_900}  # milliseconds, always less than its ten seconds
    since = world.clock()

    def slow(delivery: Delivery, speaker: Speaker) -> None:
        deliver(delivery, speaker)
        world.clock.tick(takes.get(delivery.message_id, 3_900))
        if world.clock() - since > FUNCTION_TIME:
            raise Crash("Lambda ends the function")

    vars(world.bot)["deliver"] = slow
    tries = 1
    while world.mailbox.letters:
        since = world.clock()
        try:
            world.process().deliveries.deliver(world.mailbox.letters[0], tries)
        except Crash:
            tries += 1
        else:
            world.mailbox.take()
            tries = 1
    assert world.bot.heard == ["m:m1", "m:m2", "m:m3", "m:m4"]


class _Frozen(Steps):
    """The thread of the handler stands still right after the touch that admits it."""

    def __init__(self) -> None:
        super().__init__()
        self.stands, self.thaws = threading.Event(), threading.Event()

    def step(self, name: str) -> None:
        super().step(name)
        if name == "store.touch" and threading.current_thread() is not threading.main_thread():
            self.stands.set()
            self.thaws.wait(10)


def test_a_handler_that_was_frozen_after_its_admission_says_nothing_in_a_later_pause() -> None:
    world = begun(World())
    say(world, "m1")
    world.clock.tick(10)
    steps = _Frozen()
    process = System(
        SETTINGS,
        store=steps.around(world.store, "store"),
        mailbox=world.mailbox,
        messenger=world.messenger,
        bot=PythonBot(lambda talk: talk.say("I am the bot"), "HITL_STOP", timeout=0.3),
        alerts=world.alerts,
        clock=world.clock,
    )
    others = threading.enumerate()
    with pytest.raises(BotFailed):
        process.deliveries.deliver(world.mailbox.letters[0], 1)
    assert steps.stands.is_set()
    (handler,) = (thread for thread in threading.enumerate() if thread not in others)
    world.clock.tick(10 * MINUTE)
    world.process().handoff.pause(CONVERSATION, ANA, "mine")
    world.clock.tick(10 * MINUTE)
    steps.thaws.set()
    handler.join(5)
    assert world.messenger.sends == []


@pytest.mark.parametrize("first", ["failed", "refused"])
def test_other_words_are_said_where_the_first_never_went_out(first: str) -> None:
    world = begun(World())
    words = iter(["It is 10:01", "It is 10:31"])
    tries: list[int] = []

    def handler(talk: Talk) -> None:
        if talk.handover is not None:
            return
        tries.append(1)
        if len(tries) == 1 and first == "refused":
            world.process().handoff.pause(CONVERSATION, ANA, "mine")
        talk.say(next(words))
        if len(tries) == 1:
            raise ValueError

    bot = PythonBot(handler, "HITL_STOP")
    process = System(
        SETTINGS,
        store=world.store,
        mailbox=world.mailbox,
        messenger=world.messenger,
        bot=bot,
        alerts=world.alerts,
        clock=world.clock,
    )
    say(world, "m1")
    if first == "failed":
        world.messenger.errors.append(Transient("Try again."))
    with pytest.raises(BotFailed):
        process.deliveries.deliver(world.mailbox.letters[0], 1)
    world.deliver(process)
    if first == "refused":
        world.clock.tick(1000)
        world.process().handoff.resume(CONVERSATION, ANA, deliver_held=True)
        while world.mailbox.letters:
            world.deliver(process)
    row = world.store.row(CONVERSATION, "m:m1")
    assert row is not None
    assert row.state == "delivered"
    assert [sent.message.text for sent in world.messenger.sends] == ["It is 10:31"]


def test_a_transcript_has_all_since_the_bot_last_had_the_conversation_or_says_that_it_has_not() -> None:
    world = paused(World())
    given: list[Delivery] = []
    deliver = world.bot.deliver

    def keep(delivery: Delivery, speaker: Speaker) -> None:
        given.append(delivery)
        deliver(delivery, speaker)

    vars(world.bot)["deliver"] = keep
    world.clock.tick(1000)
    world.process().handoff.resume(CONVERSATION, ANA)  # by mistake, and undone before the nudge is delivered
    world.clock.tick(1000)
    world.process().handoff.pause(CONVERSATION, ANA, "mine")
    drain(world)
    world.clock.tick(1000)
    world.process().handoff.resume(CONVERSATION, ANA)
    drain(world)
    assert [each.message_id for each in given] == ["t:3", "t:4"]
    told: dict[str, Any] = json.loads(given[-1].event["pass_thread_control"]["metadata"])
    assert [line["text"] for line in told["transcript"]] == ["m1", "m2", "m3"] or not told["is_whole"]


def test_an_older_message_that_is_held_while_its_pause_ends_still_goes_to_the_bot() -> None:
    world = begun(World())
    world.process().handoff.pause(CONVERSATION, ANA, "mine", 60)
    world.clock.tick(1000)
    late = world.body(world.said("m5", "m5"))  # the webhook fails, and Meta sends it again much later
    say(world, "m6")
    drain(world)
    world.clock.tick(1000)
    world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA)
    pause = world.conversation().pause
    assert pause is not None
    assert pause.until is not None
    world.clock.at = pause.until - 10
    world.receive(world.process(), late)

    class Ending(Steps):
        def step(self, name: str) -> None:
            super().step(name)
            if name == "store.row" and self.done.count(name) == 2:  # paused, says what was read just now
                world.clock.tick(100)
                world.process().rounds.make()

    world.process(Ending()).deliveries.deliver(world.mailbox.letters[0], 1)
    world.mailbox.take()
    drain(world)
    assert world.bot.heard == ["m:m5"]


@pytest.mark.parametrize("bens", ["sent", "failed"])
def test_a_failed_reply_does_not_hide_the_one_before_it(bens: str) -> None:
    world = World()
    process = world.process()
    world.receive(process, world.body(world.said("m1", "hello?")))
    world.clock.tick(1000)
    assert process.replies.send(CONVERSATION, "c1", Outgoing("yes"), CLEO, seen_id="m:m1").state == "sent"
    world.clock.tick(1000)
    if bens == "failed":
        world.messenger.errors.append(Transient("Try again."))
    assert process.replies.send(CONVERSATION, "b1", Outgoing("and"), BEN, seen_id="s:c1").state == bens
    world.clock.tick(1000)
    assert process.replies.send(CONVERSATION, "a1", Outgoing("no"), ANA, seen_id="m:m1").state == "refused"


def test_a_handler_that_takes_the_conversation_back_may_speak() -> None:
    world = begun(World())

    def handler(talk: Talk) -> None:
        if talk.handover is not None and not talk.handover.to_bot:
            talk.resume()
            talk.say("I am back.")

    process = System(
        SETTINGS,
        store=world.store,
        mailbox=world.mailbox,
        messenger=world.messenger,
        bot=PythonBot(handler, "HITL_STOP"),
        alerts=world.alerts,
        clock=world.clock,
    )
    process.handoff.pause(CONVERSATION, ANA, "mine", 600)
    while world.mailbox.letters:
        world.deliver(process)
    assert [sent.message.text for sent in world.messenger.sends] == ["I am back."]


def test_nothing_lies_between_reading_that_a_conversation_is_active_and_the_bot() -> None:
    world = begun(World())
    say(world, "m1")
    steps, before = Steps(), list[str]()
    deliver = world.bot.deliver

    def asked(delivery: Delivery, speaker: Speaker) -> None:
        before.extend(steps.done)
        deliver(delivery, speaker)

    vars(world.bot)["deliver"] = asked
    world.process(steps).deliveries.deliver(world.mailbox.letters[0], 1)
    assert before == ["store.row", "store.conversation_and_stop"]


class Down:
    """A store that does not answer one call."""

    def __init__(self, part: Any, method: str, after: int) -> None:
        self._part, self._method, self.left = part, method, after

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            self.left -= 1
            if self.left == 0:
                return self._raise
        return getattr(self._part, name)

    def _raise(self, *args: Any, **kwargs: Any) -> Any:
        raise Unavailable("DynamoDB did not answer. Try again.")


@pytest.mark.parametrize("what", ["store", "settings"])
def test_what_a_bot_says_is_said_though_the_store_or_ssm_did_not_answer_once(what: str) -> None:
    world = begun(World())
    say(world, "m1")

    def handler(talk: Talk) -> None:
        talk.say("Hello, I am the bot")

    process = with_bot(world, handler)
    if what == "store":
        # its calls: of the delivery, of the admission
        process = with_bot(world, handler, store=Down(world.store, "conversation_and_stop", 2))
    else:
        world.messenger.errors.append(Unavailable("SSM did not answer."))
    with pytest.raises(Unavailable):
        process.deliveries.deliver(world.mailbox.letters[0], 1)
    assert world.messenger.sends == []
    world.clock.tick(5000)
    world.deliver(process, 2)
    row = world.store.row(CONVERSATION, "m:m1")
    assert row is not None
    assert row.state == "delivered"
    assert len(world.messenger.sends) == 1


@pytest.mark.parametrize("what", ["store", "settings"])
def test_what_was_certainly_not_sent_is_not_called_unconfirmed(what: str) -> None:
    world = begun(World())
    say(world, "m1")
    process = world.process()
    if what == "store":
        process = with_bot(world, lambda talk: None, store=Down(world.store, "conversation_and_stop", 1))
    else:
        world.messenger.errors.append(Unavailable("SSM did not answer."))
    with pytest.raises(Unavailable):
        process.replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA)
    world.clock.tick(2 * MINUTE)
    row = world.store.row(CONVERSATION, "s:a1")
    assert row is not None
    assert row.state_for_readers(world.clock()) in ("failed", "refused")


def test_one_line_of_a_bot_is_said_once_whatever_words_it_finds() -> None:
    world = begun(World())
    words = iter(["Hi!", "Hello!", "Hi!"])

    def handler(talk: Talk) -> None:
        talk.say(next(words))
        if talk.user.id and world.store.row(CONVERSATION, "m:m1") and next(fails):
            raise ValueError

    fails = iter([True, True, False])
    process = with_bot(world, handler)
    say(world, "m1")
    world.messenger.errors.append(Transient("Try again."))
    for number in (1, 2):
        with pytest.raises(BotFailed):
            process.deliveries.deliver(world.mailbox.letters[0], number)
        world.clock.tick(5000)
    world.deliver(process, 3)
    assert [sent.message.text for sent in world.messenger.sends] == ["Hello!"]


def test_a_late_bot_does_not_shorten_a_pause_in_which_a_person_speaks() -> None:
    world = begun(World())
    world.process().handoff.pause(CONVERSATION, BOT, "wants a person", 60)
    world.clock.tick(MINUTE)
    assert world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA).state == "sent"
    before = world.conversation().pause
    world.clock.tick(1000)
    world.process().handoff.pause(CONVERSATION, BOT, "late", 1)
    after = world.conversation().pause
    assert before is not None
    assert after is not None
    assert after.until == before.until


def test_what_may_have_gone_out_is_not_called_refused_because_a_second_try_was() -> None:
    world = World()
    process = world.process()
    say(world, "m1")
    world.clock.tick(1000)
    world.messenger.errors.append(Unconfirmed("No clear answer."))
    assert process.replies.send(CONVERSATION, "a1", Outgoing("yes"), ANA, seen_id="m:m1").state == "unconfirmed"
    world.clock.tick(1000)
    assert process.replies.send(CONVERSATION, "b1", Outgoing("no"), BEN).state == "sent"
    world.clock.tick(1000)
    process.replies.send(CONVERSATION, "a1", Outgoing("yes"), ANA, seen_id="m:m1", retry=True)
    row = world.store.row(CONVERSATION, "s:a1")
    assert row is not None
    assert row.state_for_readers(world.clock()) == "unconfirmed"


@pytest.mark.parametrize("how", ["stop", "pause"])
def test_what_the_bot_was_kept_from_answering_is_waited_for(how: str) -> None:
    """The stop is set while the bot has the event: its answer is refused, and the event counts as delivered."""
    world = World()
    process = world.process()
    say(world, "m1")
    deliver = world.bot.deliver

    def stopped(delivery: Delivery, speaker: Speaker) -> None:
        if how == "stop":
            world.process().handoff.set_stop(True, ANA, "maintenance")
        else:
            world.process().handoff.pause(CONVERSATION, ANA, "mine")
        deliver(delivery, speaker)

    vars(world.bot)["deliver"] = stopped
    world.deliver(process)
    row = world.store.row(CONVERSATION, "m:m1")
    assert row is not None
    vars(world.bot)["deliver"] = deliver
    world.clock.tick(MINUTE)
    world.process().rounds.make()
    while world.mailbox.letters:
        world.deliver(world.process())
    assert world.conversation().pause is not None
    assert world.conversation().waiting_since is not None
