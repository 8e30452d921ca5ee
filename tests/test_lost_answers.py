"""What DynamoDB has done though its answer was lost, so that botocore asks again; and rows that expire meanwhile."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from chalicelib.delivery import BOT
from chalicelib.errors import Transient
from chalicelib.message import Address
from chalicelib.messenger import Outgoing
from tests.dynamo import FakeDynamo
from tests.stores import own_settings
from tests.wire import WiredStore
from tests.world import ANA, CONVERSATION, PAGE, USER, World, drain, paused, say


class Wire:
    """DynamoDB in memory. Once, an operation on a row is done twice, or the row is removed before it, as TTL does."""

    def __init__(self) -> None:
        self.dynamo = FakeDynamo()
        self.repeats: tuple[str, str] | None = None
        self.expires: tuple[str, str] | None = None

    def asked(self, service: str, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The answer, as botocore gets it in the end."""
        if self._is(self.expires, operation, request):
            assert self.expires is not None
            self.dynamo._tables["messages"][CONVERSATION, self.expires[1]].append(None)
            self.expires = None
        answer = self.dynamo.answer(operation, request)
        if self._is(self.repeats, operation, request):
            self.repeats = None
            answer = self.dynamo.answer(operation, request)
        return answer

    def answered(self, service: str, operation: str) -> None:
        """Nothing comes of it."""

    def _is(self, chosen: tuple[str, str] | None, operation: str, request: dict[str, Any]) -> bool:
        return chosen is not None and operation == chosen[0] and f'"{chosen[1]}"' in json.dumps(request)


def wired(wire: Wire) -> World:
    """A world on it."""
    return World(WiredStore(own_settings(), wire, time.sleep))  # type: ignore[arg-type]  # the real store on a fake wire


@pytest.mark.parametrize("by", ["graph", "python", "operator"])
def test_a_send_is_made_though_the_answer_to_its_first_write_was_lost(by: str) -> None:
    wire = Wire()
    world = wired(wire)
    say(world, "m1")
    world.clock.tick(1000)
    wire.repeats = ("PutItem", "queued")
    if by == "graph":
        world.messenger.answers.append({"recipient_id": USER, "message_id": "mid.x"})
        fields = {"recipient": {"id": USER}, "message": {"text": "hi"}}
        answer = world.process().relay.say(Address("messenger", PAGE, ""), fields, BOT, None)
        assert answer == {"recipient_id": USER, "message_id": "mid.x"}  # it is null, with status 200
    elif by == "python":
        drain(world)
        assert len(world.messenger.sends) == 1
    else:
        assert world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA).state == "sent"


def test_another_attempt_is_made_though_the_answer_to_its_first_write_was_lost() -> None:
    wire = Wire()
    world = wired(wire)
    world.receive(world.process(), world.body(world.said("m1", "hello?")))
    world.clock.tick(1000)
    world.messenger.errors.append(Transient("Try again."))
    assert world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA).state == "failed"
    world.clock.tick(1000)
    wire.repeats = ("UpdateItem", "s:a1")
    assert world.process().replies.send(CONVERSATION, "a1", Outgoing("hello"), ANA, retry=True).state == "sent"


def test_a_row_that_expires_in_a_drain_does_not_end_it() -> None:
    wire = Wire()
    world = paused(wired(wire))
    wire.expires = ("BatchGetItem", "m:m1")
    world.process().handoff.resume(CONVERSATION, ANA, deliver_held=True)
    drain(world)
    world.process().rounds.make()
    drain(world)
    assert world.bot.heard == ["m:m2", "m:m3"]
