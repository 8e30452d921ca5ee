"""The bot hears of each pause but its own and of each resume, in order with messages, and of nothing past."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chalicelib.conversation import SYSTEM
from chalicelib.delivery import BOT, BOT_TRIES, HANDOVER_TRIES, SILENT
from chalicelib.errors import BotFailed, Transient
from chalicelib.handovers import CHARACTERS, MESSAGES
from chalicelib.message import Actor
from chalicelib.messenger import Outgoing
from chalicelib.talk import Delivery, Handover, Speaker
from tests.world import ANA, CONVERSATION, PAGE, USER, World

ANA_TOLD = {"type": "operator", "id": "ana", "name": "Ana"}


class Ears:
    """A bot that keeps all it is given; `act` runs at each delivery, and it fails as often as `fails` says."""

    def __init__(self) -> None:
        self.given: list[Delivery] = []
        self.fails: list[BotFailed] = []
        self.act: Callable[[Delivery, Speaker], object] = lambda delivery, speaker: None

    def deliver(self, delivery: Delivery, speaker: Speaker) -> None:
        self.given.append(delivery)
        if self.fails:
            raise self.fails.pop(0)
        self.act(delivery, speaker)

    @property
    def ids(self) -> list[str]:
        return [delivery.message_id for delivery in self.given]


@pytest.fixture
def world() -> World:
    world = World()
    vars(world)["bot"] = Ears()
    say(world, "m1")
    drain(world)
    world.clock.tick(1000)
    return world


def ears(world: World) -> Ears:
    found = vars(world)["bot"]
    assert isinstance(found, Ears)
    return found


def say(world: World, mid: str, text: str = "hello") -> None:
    world.receive(world.process(), world.body(world.said(mid, text)))
    world.clock.tick(1000)


def drain(world: World) -> None:
    while world.mailbox.letters:
        world.process().deliveries.deliver(world.mailbox.letters[0], BOT_TRIES)
        world.mailbox.take()


def pause(world: World, by: Actor = ANA) -> None:
    world.process().handoff.pause(CONVERSATION, by, "mine")
    world.clock.tick(1000)


def resume(world: World, *, deliver_held: bool = False) -> None:
    world.process().handoff.resume(CONVERSATION, ANA, deliver_held=deliver_held)
    world.clock.tick(1000)


def told(delivery: Delivery) -> Handover:
    found = Handover.of(delivery.event)
    assert found is not None
    return found


def metadata(event: Mapping[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event[kind]["metadata"])
    return found


def test_a_pause_is_told_as_messengers_own_event(world: World) -> None:
    at = world.clock()
    pause(world)
    drain(world)
    event = ears(world).given[-1].event
    assert metadata(event, "take_thread_control") == {"epoch": 1, "reason": "mine", "by": ANA_TOLD}
    assert {key: value for key, value in event.items() if key != "take_thread_control"} == {
        "sender": {"id": USER},
        "recipient": {"id": PAGE},
        "timestamp": at,
    }
    assert ears(world).given[-1].epoch == 1


def test_a_resume_is_told_with_what_was_said_meanwhile(world: World) -> None:
    pause(world)
    say(world, "m2", "is anybody there?")
    drain(world)
    process = world.process()
    process.replies.send(CONVERSATION, "a1", Outgoing("I am Ana"), ANA)
    world.messenger.errors.append(Transient("Later."))
    process.replies.send(CONVERSATION, "a2", Outgoing("not said"), ANA)
    process.replies.send(CONVERSATION, "b1", Outgoing("not said"), BOT)
    world.clock.tick(1000)
    world.receive(process, world.body(world.echo("i1", "from the inbox")))
    resume(world)
    say(world, "m3", "thank you")
    drain(world)
    handover = told(ears(world).given[2])
    assert (handover.to_bot, handover.reason, handover.by) == (True, None, ANA_TOLD)
    assert [(said["author"], said["name"], said["text"]) for said in handover.transcript] == [
        ("user", "", "is anybody there?"),
        ("operator", "Ana", "I am Ana"),
        ("page_inbox", "Page inbox", "from the inbox"),
    ]
    assert (handover.is_whole, handover.held_follow) == (True, False)
    assert handover.history == f"/botpress-hitl/sessions/{CONVERSATION}/messages"
    assert ears(world).ids == ["m:m1", "t:1", "t:2", "m:m3"]


def test_what_was_said_before_the_pause_but_held_in_it_is_in_the_transcript(world: World) -> None:
    say(world, "m2", "before")
    pause(world)
    drain(world)
    resume(world)
    drain(world)
    assert [said["text"] for said in told(ears(world).given[-1]).transcript] == ["before"]


def test_a_transcript_begins_where_the_last_one_that_was_told_has_ended(world: World) -> None:
    for mid in ("n1", "n2"):
        pause(world)
        say(world, mid, mid)
        drain(world)
        resume(world)
        drain(world)
    assert [said["text"] for said in told(ears(world).given[-1]).transcript] == ["n2"]


def test_a_transcript_keeps_the_newest_messages(world: World) -> None:
    pause(world)
    for number in range(MESSAGES + 1):
        say(world, f"n{number}", f"text {number}")
    drain(world)
    resume(world)
    drain(world)
    handover = told(ears(world).given[-1])
    assert [said["text"] for said in handover.transcript] == [f"text {number}" for number in range(1, MESSAGES + 1)]
    assert not handover.is_whole


@pytest.mark.parametrize(("length", "is_whole"), [(CHARACTERS // 2, True), (CHARACTERS // 2 + 1, False)])
def test_a_transcript_has_a_limit_of_characters(world: World, length: int, is_whole: bool) -> None:
    pause(world)
    say(world, "n1", "a" * length)
    say(world, "n2", "b" * length)
    drain(world)
    resume(world)
    drain(world)
    handover = told(ears(world).given[-1])
    assert [len(said["text"]) for said in handover.transcript] == [CHARACTERS - length, length]
    assert handover.is_whole is is_whole


def test_a_resume_says_that_what_was_held_follows(world: World) -> None:
    pause(world)
    say(world, "m2")
    drain(world)
    resume(world, deliver_held=True)
    drain(world)
    assert told(ears(world).given[-2]).held_follow
    assert ears(world).ids == ["m:m1", "t:1", "t:2", "m:m2"]


def test_the_bot_is_not_told_of_its_own_pause_but_of_the_resume(world: World) -> None:
    pause(world, BOT)
    drain(world)
    assert ears(world).ids == ["m:m1"]
    resume(world)
    drain(world)
    assert ears(world).ids == ["m:m1", "t:2"]


def test_what_is_no_longer_true_is_not_told(world: World) -> None:
    pause(world)
    resume(world)
    pause(world)
    drain(world)
    assert ears(world).ids == ["m:m1", "t:3"]


def test_a_delivery_tells_first_what_the_bot_has_not_heard(world: World) -> None:
    pause(world)
    world.mailbox.letters.clear()
    world.mailbox.down = True
    resume(world)
    world.mailbox.down = False
    say(world, "m2")
    drain(world)
    assert ears(world).ids == ["m:m1", "t:2", "m:m2"]


def test_a_pause_whose_nudge_was_lost_is_told_by_the_schedule(world: World) -> None:
    world.mailbox.down = True
    pause(world)
    world.mailbox.down = False
    world.process().rounds.make()
    drain(world)
    assert ears(world).ids == ["m:m1", "t:1"]
    assert world.process().rounds.make() == {}


def test_a_repeated_pause_or_resume_tells_what_was_not_told(world: World) -> None:
    for act in (pause, resume):
        world.mailbox.down = True
        act(world)
        world.mailbox.down = False
        act(world)
        assert len(world.mailbox.letters) == 1
        drain(world)
    assert ears(world).ids == ["m:m1", "t:1", "t:2"]


@pytest.mark.parametrize("retry", [True, False])
def test_what_a_bot_does_not_take_is_dropped_after_its_tries_and_pauses_nothing(world: World, retry: bool) -> None:
    pause(world)
    letter = world.mailbox.take()
    ears(world).fails = [BotFailed("no", retry=retry)] * HANDOVER_TRIES
    for tries in range(1, HANDOVER_TRIES if retry else 1):
        with pytest.raises(BotFailed):
            world.process().deliveries.deliver(letter, tries)
    world.process().deliveries.deliver(letter, HANDOVER_TRIES if retry else 1)
    assert ears(world).ids == ["m:m1"] + ["t:1"] * (HANDOVER_TRIES if retry else 1)
    conversation = world.conversation()
    assert (conversation.epoch, conversation.told_epoch) == (1, 1)
    assert (conversation.pause or pytest.fail("no pause")).reason == "mine"


def test_a_failed_handover_does_not_keep_a_message_from_the_bot(world: World) -> None:
    pause(world)
    resume(world)
    world.mailbox.letters.clear()
    say(world, "m2")
    ears(world).fails = [BotFailed("no", retry=False)]
    drain(world)
    assert ears(world).ids == ["m:m1", "t:2", "m:m2"]
    assert world.conversation().pause is None


def test_the_bot_is_told_that_it_has_failed(world: World) -> None:
    say(world, "m2")
    ears(world).fails = [BotFailed("down", retry=False)]
    drain(world)
    last = told(ears(world).given[-1])
    assert (last.to_bot, last.reason, last.by["id"]) == (False, SILENT, SYSTEM.id)


def test_what_changes_while_the_bot_is_told_is_told_before_anything_is_given(world: World) -> None:
    def both(delivery: Delivery, speaker: Speaker) -> None:
        if delivery.message_id in ("t:2", "m:m2"):
            pause(world)
            resume(world, deliver_held=True)

    pause(world)
    say(world, "m2")
    say(world, "m3")
    drain(world)
    resume(world, deliver_held=True)
    ears(world).act = both
    drain(world)
    assert ears(world).ids == ["m:m1", "t:1", "t:2", "t:4", "m:m2", "t:6", "m:m3"]


def test_a_bot_that_pauses_when_it_is_told_of_a_resume_gets_nothing_more(world: World) -> None:
    pause(world)
    say(world, "m2")
    drain(world)
    ears(world).act = lambda delivery, speaker: delivery.message_id == "t:2" and speaker.pause("not yet", None)
    resume(world, deliver_held=True)
    say(world, "m3")
    drain(world)
    assert ears(world).ids == ["m:m1", "t:1", "t:2"]
    assert world.conversation().epoch == 3
    assert {row.id: row.state for row in world.rows() if row.author == "user"} == {
        "m:m1": "delivered",
        "m:m2": "held",
        "m:m3": "held",
    }


def test_what_the_bot_says_when_told_is_held_to_that_epoch(world: World) -> None:
    ears(world).act = lambda delivery, speaker: speaker.say(Outgoing("noted"), 0)
    pause(world)
    drain(world)
    resume(world)
    drain(world)
    assert [(row.state, row.failure and row.failure.code) for row in world.rows() if row.text == "noted"] == [
        ("refused", "paused"),
        ("sent", None),
    ]


def test_a_transition_whose_row_has_expired_is_not_told(world: World) -> None:
    pause(world)
    del world.store._rows[(CONVERSATION, "t:1")]
    drain(world)
    assert ears(world).ids == ["m:m1"]
    assert world.conversation().told_epoch == 1
