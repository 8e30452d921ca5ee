"""For every step of receive, deliver, pause, resume and reply: the process dies right after it, or it runs twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from chalicelib.conversation import STOP
from chalicelib.delivery import BOT
from chalicelib.errors import BotFailed, Conflict, Transient
from chalicelib.messenger import Outgoing, Profile
from chalicelib.system import System
from tests.world import ANA, CONVERSATION, USER, Act, World, assert_same, crashed, uncrashed

HOUR = 3_600_000


def talk(world: World) -> None:
    """A conversation that the bot has answered."""
    process = world.process()
    world.receive(process, world.body(world.said("m1", "hello")))
    world.deliver(process)
    world.clock.tick(1000)


def paused(world: World) -> None:
    """A conversation that the user has asked a person for, and that waits."""
    talk(world)
    process = world.process()
    world.receive(process, world.body(world.tapped("p1", "HITL_START")))
    world.deliver(process)
    world.clock.tick(1000)


def queued(
    *items: Callable[[World], dict[str, object]], before: Callable[[World], None] = talk
) -> Callable[[World], None]:
    """The same with events in the mailbox."""

    def prepare(world: World) -> None:
        before(world)
        for item in items:
            world.receive(world.process(), world.body(item(world)))
            world.clock.tick(1000)

    return prepare


def timed_pause(world: World) -> None:
    """A pause that has ended without anybody acting on it."""
    queued(lambda w: w.said("m2", "are you there?"))(world)
    world.process().handoff.pause(CONVERSATION, ANA, "lunch", minutes=1)
    world.clock.tick(HOUR)


def stopped(world: World) -> None:
    """The global stop is set while a message is in the mailbox."""
    queued(lambda w: w.said("m2", "hello?"))(world)
    world.process().handoff.set_stop(True, ANA, "fire")


def lifted(world: World) -> None:
    """The global stop was lifted, its pause is still there, and a message is in the mailbox."""
    stopped(world)
    world.deliver(world.process())
    world.receive(world.process(), world.body(world.said("m3", "and now?")))
    world.process().handoff.set_stop(False, ANA, None)
    world.clock.tick(1000)


def failing(world: World) -> None:
    """A bot that has failed four times."""
    queued(lambda w: w.said("m2", "hello?"))(world)
    world.bot.fails = BotFailed("down", retry=True)


def sent(world: World) -> None:
    """An operator's reply that Meta has taken, whose echo is still to come."""
    paused(world)
    reply(world, world.process())
    world.clock.tick(1000)


def refused(world: World) -> None:
    """An operator's reply that Meta has refused."""
    paused(world)
    world.messenger.errors.append(Transient("Try again."))
    reply(world, world.process())
    world.clock.tick(1000)


def echoed(world: World) -> None:
    """A conversation in which the echo of a send comes before the send's own answer, and says nothing of its sender."""
    paused(world)

    def early() -> None:
        world.messenger.before = lambda: None
        number = len(world.messenger.sends) + 1
        world.receive(world.process(), world.body(world.echo(f"mid.{number}", "I am Ana", app_id=5)))

    world.messenger.before = early


def receive(*items: Callable[[World], dict[str, object]]) -> Act:
    """Meta posts a webhook, and the same bytes again."""

    def act(world: World, process: System) -> None:
        world.receive(process, world.body(*(item(world) for item in items)))

    return act


def deliver(world: World, process: System) -> None:
    """SQS hands the oldest letter over."""
    world.deliver(process)


def last_try(world: World, process: System) -> None:
    """SQS hands the oldest letter over for the fifth time."""
    world.deliver(process, tries=5)


def called(world: World) -> None:
    """A pause to which the operators are to be called, of a user without a name."""
    world.messenger.profiles[CONVERSATION] = Profile("Ana", "Belo", "https://meta.example/ana.jpg")
    paused(world)
    world.mailbox.errands = [letter for letter in world.mailbox.errands if letter.kind == "call"]


def errand(world: World, process: System) -> None:
    """SQS hands the oldest errand over."""
    world.run_errand(process)


def reply(world: World, process: System) -> None:
    """An operator answers."""
    process.replies.send(CONVERSATION, "reply-1", Outgoing("I am Ana"), ANA)


def speak(world: World, process: System, epoch: int | None = None) -> None:
    """A bot sends through the API."""
    process.replies.send(CONVERSATION, "bot-1", Outgoing("I am a bot"), BOT, epoch=epoch)


def retry(world: World, process: System) -> None:
    """An operator sends a failed message again, and asks for the row alone where that is under way already."""
    try:
        process.replies.send(CONVERSATION, "reply-1", Outgoing("I am Ana"), ANA, retry=True)
    except Conflict:
        reply(world, process)


def held(world: World) -> None:
    """A pause in which two messages are held, and of which the bot has been told."""
    queued(lambda w: w.said("m2", "anyone?"), lambda w: w.said("m3", "hello?"), before=paused)(world)
    world.settle()


def untold_pause(world: World) -> None:
    """An operator's pause that the bot has not been told of."""
    talk(world)
    world.process().handoff.pause(CONVERSATION, ANA, "mine")


def untold_resume(world: World) -> None:
    """A resume that the bot has not been told of."""
    held(world)
    world.process().handoff.resume(CONVERSATION, ANA)


def draining(world: World) -> None:
    """The same, resumed with what was held; the nudge is in the mailbox."""
    held(world)
    world.process().handoff.resume(CONVERSATION, ANA, deliver_held=True)
    world.clock.tick(1000)


def draining_and_more(world: World) -> None:
    """The same, and a newer message in the mailbox, whose nudge was lost."""
    draining(world)
    world.mailbox.letters.clear()
    world.receive(world.process(), world.body(world.said("m4", "more")))


def held_to_its_end(world: World) -> None:
    """The same pause, which has ended without anybody acting on that."""
    held(world)
    world.clock.tick(25 * HOUR)


def nudge(world: World, process: System) -> None:
    """SQS hands the nudges over."""
    world.nudge(process)


def go_round(world: World, process: System) -> None:
    """The schedule comes."""
    process.rounds.make()


@dataclass(frozen=True)
class Case:
    """What is there, and what is then done."""

    prepare: Callable[[World], None]
    act: Act


CASES = {
    "receive a first message": Case(lambda world: None, receive(lambda w: w.said("m1", "hello"))),
    "receive while active": Case(talk, receive(lambda w: w.said("m2", "more"))),
    "receive while paused": Case(paused, receive(lambda w: w.said("m2", "anyone?"))),
    "receive several": Case(talk, receive(lambda w: w.said("m2", "one"), lambda w: w.said("m3", "two"))),
    "receive without a mid": Case(talk, receive(lambda w: {**w.tapped("", "MENU")})),
    "receive a reaction": Case(talk, receive(lambda w: {**w.said("", ""), "message": None, "reaction": {"mid": "m1"}})),
    "receive an inbox echo": Case(paused, receive(lambda w: w.echo("e1", "from the inbox"))),
    "receive a bot's echo": Case(talk, receive(lambda w: w.echo("e1", "from elsewhere", app_id=9))),
    "receive our own echo": Case(sent, receive(lambda w: w.echo("mid.3", "I am Ana", metadata="hitl:s:reply-1"))),
    "receive our own echo without metadata": Case(sent, receive(lambda w: w.echo("mid.3", "I am Ana"))),
    "receive a watermark": Case(
        talk, receive(lambda w: {**w.said("", ""), "message": None, "read": {"watermark": 10**15}})
    ),
    "deliver to the bot": Case(queued(lambda w: w.said("m2", "more")), deliver),
    "deliver what makes the bot pause": Case(queued(lambda w: w.tapped("p1", "HITL_START")), deliver),
    "deliver while paused": Case(queued(lambda w: w.said("m2", "more"), before=paused), deliver),
    "deliver a release": Case(queued(lambda w: w.tapped("p2", "HITL_STOP"), before=paused), deliver),
    "deliver a release that names its pause": Case(
        queued(lambda w: w.tapped("p2", "HITL_STOP:1"), before=paused), deliver
    ),
    "deliver after the end of a pause": Case(timed_pause, deliver),
    "deliver under the global stop": Case(stopped, deliver),
    "deliver after the global stop": Case(lifted, deliver),
    "deliver for the last time": Case(failing, last_try),
    "pause": Case(talk, lambda world, process: void(process.handoff.pause(CONVERSATION, ANA, "mine", 5))),
    "pause with a cause": Case(
        queued(lambda w: w.said("m2", "help")),
        lambda world, process: void(process.handoff.pause(CONVERSATION, ANA, "mine", 5, "m:m2")),
    ),
    "pause again": Case(paused, lambda world, process: void(process.handoff.pause(CONVERSATION, ANA, "mine", 5))),
    "pause after an end": Case(
        timed_pause, lambda world, process: void(process.handoff.pause(CONVERSATION, ANA, "mine"))
    ),
    "resume": Case(paused, lambda world, process: void(process.handoff.resume(CONVERSATION, ANA))),
    "resume after an end": Case(timed_pause, lambda world, process: void(process.handoff.resume(CONVERSATION, ANA))),
    "set the stop": Case(talk, lambda world, process: void(process.handoff.set_stop(True, ANA, "fire"))),
    "end the pauses of the stop": Case(lifted, lambda world, process: process.handoff.end_stop_pauses()),
    "an inbox echo pauses": Case(talk, receive(lambda w: w.echo("e1", "from the inbox"))),
    "an inbox echo after an end": Case(timed_pause, receive(lambda w: w.echo("e1", "from the inbox"))),
    "tell of a pause": Case(untold_pause, nudge),
    "tell of a resume": Case(untold_resume, nudge),
    "resume with what was held": Case(
        held, lambda world, process: void(process.handoff.resume(CONVERSATION, ANA, deliver_held=True))
    ),
    "drain": Case(draining, nudge),
    "drain before something newer": Case(draining_and_more, deliver),
    "go round after an end": Case(held_to_its_end, go_round),
    "go round while draining": Case(draining_and_more, go_round),
    "reply": Case(paused, reply),
    "reply after its echo": Case(echoed, reply),
    "send again": Case(refused, retry),
    "reply while active": Case(talk, reply),
    "reply after an end": Case(timed_pause, reply),
    "a bot speaks": Case(talk, speak),
    "a bot speaks with a fresh epoch": Case(talk, lambda world, process: speak(world, process, 0)),
    "call the operators": Case(called, errand),
    "ask for a profile": Case(talk, errand),
}


def void(_: object) -> None:
    """Leave a result alone."""


@pytest.mark.parametrize("name", CASES)
def test_dying_after_any_step_changes_nothing_in_the_end(name: str) -> None:
    case = CASES[name]
    _, steps = uncrashed(case.prepare, case.act)
    assert steps, "an act without a step proves nothing"
    for after in range(1, len(steps) + 1):
        whole, _ = uncrashed(case.prepare, case.act)
        broken = crashed(case.prepare, case.act, after)
        assert_same(broken, whole, may_hear_again=case.act in (deliver, last_try, nudge))


@pytest.mark.parametrize("name", CASES)
def test_doing_it_twice_is_doing_it_once(name: str) -> None:
    case = CASES[name]
    once, _ = uncrashed(case.prepare, case.act)
    twice, _ = uncrashed(case.prepare, case.act, times=2)
    assert_same(twice, once)


def test_together_the_cases_take_every_step_that_changes_something() -> None:
    """What is left: `store.seen` is a route's only step; `mailbox.postpone` changes when a letter comes, not what."""
    taken = {step for case in CASES.values() for step in uncrashed(case.prepare, case.act)[1]}
    changing = ("append", "change", "alias", "touch", "save", "transition", "watermark", "set_stop")
    assert taken >= {f"store.{name}" for name in changing} | {"mailbox.post", "bot.deliver"}
    assert taken >= {"messenger.send", "messenger.profile"}


def test_the_user_is_in_the_world_of_these_tests() -> None:
    world = World()
    paused(world)
    assert world.conversation().id.endswith(USER)
    assert world.conversation().pause is not None
    assert [row.kind for row in world.rows()] == ["text", "text", "postback", "attachment", "paused"]


def test_a_reply_that_died_is_unconfirmed_and_sent_again_only_by_a_person() -> None:
    steps = uncrashed(paused, reply)[1]
    before_meta = steps.index("messenger.send")
    world = crashed(paused, reply, before_meta)
    sends = len(world.messenger.sends)
    world.clock.tick(HOUR)
    reply(world, world.process())
    assert len(world.messenger.sends) == sends
    retry(world, world.process())
    assert len(world.messenger.sends) == sends + 1


def test_a_reply_that_died_after_it_was_sent_is_finished_by_its_repeat_even_without_an_echo() -> None:
    whole, steps = uncrashed(paused, reply)
    for after in range(steps.index("messenger.send") + 2, len(steps) + 1):
        world = crashed(paused, reply, after)
        assert world.conversation() == whole.conversation(), steps[after - 1]
        assert world.store.row(CONVERSATION, "m:mid.3") == whole.store.row(CONVERSATION, "s:reply-1")


def test_a_bots_send_that_died_under_the_global_stop_sends_nothing_and_its_repeat_shows_who_waits() -> None:
    def heard(world: World) -> None:
        stopped(world)
        world.mailbox.take()  # a bot behind a URL has it

    for after in range(1, len(uncrashed(heard, speak)[1]) + 1):
        world = crashed(heard, speak, after)
        pause = world.conversation().pause
        assert pause is not None, after
        assert (pause.by, world.conversation().waiting_since is not None) == (STOP, True)
        assert [sent for sent in world.messenger.sends if "I am a bot" in str(sent)] == []
