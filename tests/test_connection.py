"""A token that Meta does not take any more is shown until a send works, and nothing else depends on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.conversation import Disconnection
from chalicelib.errors import GraphError, TokenInvalid, Transient, Unavailable, Unconfirmed
from chalicelib.message import Address
from chalicelib.messenger import Outgoing
from tests.service import PAGE, PAGE_TOKEN, SESSION, Service
from tests.world import CONVERSATION, Crash, Steps, World

BROKEN = TokenInvalid("Meta no longer accepts the access token of the Page 100.", 190)
ADDRESS = Address.parse(CONVERSATION)
HELLO = Outgoing("hello")


@pytest.fixture
def world() -> World:
    return World()


def mark(world: World) -> Disconnection | None:
    return world.store.disconnections([ADDRESS.page]).get(ADDRESS.page)


def send(world: World, *errors: GraphError) -> None:
    world.messenger.errors.extend(errors)
    try:
        world.process().messenger.send(CONVERSATION, HELLO, "hitl:s:1")
    except GraphError:
        assert errors
    world.clock.tick(1000)


def profile(world: World) -> None:
    world.messenger.profiles[CONVERSATION] = BROKEN
    with pytest.raises(TokenInvalid):
        world.process().messenger.profile(CONVERSATION)


def pass_on(world: World) -> None:
    world.messenger.errors.append(BROKEN)
    with pytest.raises(TokenInvalid):
        world.process().messenger.pass_on(ADDRESS, "GET", "personas", {}, None)


@pytest.mark.parametrize("call", [lambda world: send(world, BROKEN), profile, pass_on])
def test_error_190_marks_the_page_whatever_was_asked(world: World, call: Callable[[World], None]) -> None:
    at = world.clock()
    call(world)
    assert mark(world) == Disconnection(at, BROKEN.message)


@pytest.mark.parametrize("error", [Transient("busy", 2), Unconfirmed("no answer"), GraphError("no", 100)])
def test_another_error_marks_nothing_and_clears_nothing(world: World, error: GraphError) -> None:
    send(world, error)
    assert mark(world) is None
    send(world, BROKEN)
    send(world, error)
    assert mark(world) is not None


def test_the_first_error_says_since_when(world: World) -> None:
    at = world.clock()
    send(world, BROKEN)
    send(world, BROKEN)
    found = mark(world)
    assert found is not None
    assert found.since == at


def test_a_send_that_works_takes_the_mark_away(world: World) -> None:
    send(world, BROKEN)
    send(world)
    assert mark(world) is None


def test_a_bots_own_send_that_works_takes_it_away_and_a_mere_look_does_not(world: World) -> None:
    send(world, BROKEN)
    world.process().messenger.pass_on(ADDRESS, "GET", "personas", {}, None)
    assert mark(world) is not None
    world.process().messenger.pass_on(ADDRESS, "POST", "messages", {}, {})
    assert mark(world) is None


def test_a_send_that_began_before_the_error_proves_nothing(world: World) -> None:
    def meanwhile() -> None:
        world.messenger.before = lambda: None
        send(world, BROKEN)

    world.messenger.before = meanwhile
    send(world)
    assert mark(world) is not None


def test_one_page_is_not_another(world: World) -> None:
    send(world, BROKEN)
    world.process().messenger.send("messenger:101:200", HELLO, "hitl:s:2")
    world.process().messenger.send("instagram:100:200", HELLO, "hitl:s:3")
    assert mark(world) is not None


@pytest.mark.parametrize("method", ["disconnect", "disconnections", "reconnect"])
def test_a_store_that_is_down_changes_no_answer_of_metas(method: str) -> None:
    service = Service()
    service.receive(service.said("m1"))
    if method == "reconnect":
        service.messenger.errors.append(BROKEN)
        service.post(f"{SESSION}/messages", {"client_id": "first", "text": "hello"})
        service.clock.tick(1000)
    if method == "disconnect":
        service.messenger.errors.append(BROKEN)
    service.store.fail(method, Unavailable("DynamoDB did not answer."))
    state = service.post(f"{SESSION}/messages", {"client_id": "again", "text": "hello"}).json["state"]
    assert state == ("failed" if method == "disconnect" else "sent")


def test_a_mark_that_a_process_died_before_taking_away_goes_with_the_next_send(world: World) -> None:
    steps = Steps(2)
    send(world, BROKEN)
    assert mark(world) is not None
    with pytest.raises(Crash):
        world.process(steps).messenger.send(CONVERSATION, HELLO, "hitl:s:2")
    assert (steps.done, mark(world) is None) == (["store.disconnections", "messenger.send"], False)
    send(world)
    assert mark(world) is None


def test_operators_see_it_and_receiving_goes_on() -> None:
    service = Service({"pages/instagram/300": PAGE_TOKEN})
    pages = service.get("/botpress-hitl/pages").json["pages"]
    assert pages == [
        {"platform": "instagram", "id": "300", "disconnected": None},
        {"platform": "messenger", "id": PAGE, "disconnected": None},
    ]
    service.receive(service.said("m1"))
    service.messenger.errors.append(BROKEN)
    session = f"/botpress-hitl/sessions/{CONVERSATION}"
    failed = service.post(f"{session}/messages", {"client_id": "r1", "text": "hello"}).json
    assert (failed["state"], failed["failure"]["code"]) == ("failed", "token_invalid")
    first = service.get("/botpress-hitl/pages").json["pages"][1]
    assert first["disconnected"] == {"since": failed["sent_at"], "reason": BROKEN.message}
    service.clock.tick(1000)
    service.receive(service.said("m2"))
    assert service.get(session).json["last_message"]["id"] == "m:m2"


def test_who_is_nobody_sees_no_pages() -> None:
    assert Service().get("/botpress-hitl/pages", token=None).status == 401
