"""Receive: what each kind of event leaves in the log, on its conversation and in the queue, and what failures cost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.errors import Unavailable, Unstorable
from chalicelib.mailbox import NUDGE
from chalicelib.message import Message
from chalicelib.webhook import parse
from tests.fakes import FakeStore
from tests.world import ANA, CONVERSATION, PAGE, USER, World


@pytest.fixture
def world() -> World:
    return World()


def post(world: World, *items: dict[str, Any], field: str = "messaging", object_: str = "page") -> dict[str, int]:
    body = json.dumps({"object": object_, "entry": [{"id": PAGE, "time": world.clock(), field: list(items)}]}).encode()
    return dict(world.process().reception.receive(parse(body, world.clock()).events).counts)


def event(world: World, **content: Any) -> dict[str, Any]:
    return {"sender": {"id": USER}, "recipient": {"id": PAGE}, "timestamp": world.clock(), **content}


TABLE: dict[str, tuple[dict[str, Any], str, bool, bool, bool]] = {
    "message": ({"message": {"mid": "x", "text": "hi"}}, "messaging", True, True, True),
    "attachment": ({"message": {"mid": "x", "attachments": [{"type": "image"}]}}, "messaging", True, True, True),
    "unsupported": ({"message": {"mid": "x"}}, "messaging", True, True, True),
    "postback": ({"postback": {"title": "Go", "payload": "GO"}}, "messaging", True, True, True),
    "referral": ({"referral": {"ref": "r"}}, "messaging", True, False, True),
    "optin": ({"optin": {"ref": "r"}}, "messaging", True, False, True),
    "account linking": ({"account_linking": {"status": "linked"}}, "messaging", True, False, True),
    "edit": ({"message_edit": {"mid": "x", "text": "ho", "num_edit": 1}}, "messaging", True, False, True),
    "reaction": ({"reaction": {"mid": "x", "action": "react", "emoji": "❤"}}, "messaging", True, False, True),
    "unknown": ({"brand_new": {"a": 1}}, "messaging", True, False, True),
    "standby message": ({"message": {"mid": "x", "text": "hi"}}, "standby", True, True, False),
    "handover": ({"pass_thread_control": {"new_owner_app_id": 1}}, "messaging", False, False, False),
    "policy": ({"policy_enforcement": {"action": "warning"}}, "messaging", False, False, False),
}


@pytest.mark.parametrize("kind", TABLE)
def test_every_kind_is_logged_noted_and_queued_as_the_table_says(world: World, kind: str) -> None:
    content, field, is_noted, is_unread, is_queued = TABLE[kind]
    assert post(world, event(world, **content), field=field) == {"received": 1}
    assert len(world.rows()) == 1
    conversation = world.store.conversation(CONVERSATION)
    assert (conversation is not None) is is_noted
    assert (conversation is not None and conversation.unread) is is_unread
    assert bool(world.mailbox.letters) is is_queued


def test_a_repeat_with_another_timestamp_is_a_repeat(world: World) -> None:
    said = world.said("m1", "hello")
    post(world, said)
    world.settle()
    assert post(world, {**said, "timestamp": world.clock() - 5000}) == {"duplicate": 1}
    world.settle()
    assert [row.id for row in world.rows()].count("m:m1") == 1
    assert world.bot.heard == ["m:m1"]


def test_a_repeat_of_what_is_done_moves_the_conversation_in_no_list(world: World) -> None:
    said = world.said("m1", "hello")
    post(world, said)
    world.settle()
    before = world.store.conversation(CONVERSATION)
    world.clock.tick(1000)
    assert post(world, said) == {"duplicate": 1}
    assert world.store.conversation(CONVERSATION) == before


def test_watermarks_of_strangers_make_no_conversation(world: World) -> None:
    assert post(world, event(world, delivery={"watermark": world.clock()})) == {"watermark": 1}
    assert world.store.conversation(CONVERSATION) is None


def test_watermarks_move_forward_only(world: World) -> None:
    post(world, world.said("m1", "hello"))
    now = world.clock()
    for watermark in (now - 1000, now - 5000):
        post(world, event(world, delivery={"watermark": watermark}, timestamp=now))
        post(world, event(world, read={"watermark": watermark - 1}, timestamp=now))
    conversation = world.conversation()
    assert (conversation.delivered_at, conversation.read_at) == (now - 1000, now - 1001)


@pytest.mark.parametrize(
    ("echo", "object_", "author"),
    [
        ({"app_id": 263902037430900}, "page", "page_inbox"),
        ({}, "page", "page_inbox"),
        ({"app_id": 5}, "page", "bot"),
        ({}, "instagram", "bot"),
        ({"app_id": "1217981644879628"}, "instagram", "page_inbox"),
    ],
)
def test_an_echo_is_logged_with_who_spoke_and_never_queued(
    world: World, echo: dict[str, Any], object_: str, author: str
) -> None:
    post(world, world.echo("e1", "hello", **echo), object_=object_)
    assert {letter.kind for letter in world.mailbox.letters} <= {NUDGE}
    platform = "messenger" if object_ == "page" else "instagram"
    row = world.store.row(f"{platform}:{PAGE}:{USER}", "m:e1")
    assert row is not None
    assert (row.author, row.state) == (author, "sent")


def test_an_inbox_answer_ends_the_waiting(world: World) -> None:
    post(world, world.said("m1", "hello"))
    world.process().handoff.pause(CONVERSATION, ANA)
    world.clock.tick(1000)
    post(world, world.echo("e1", "I am here"))
    assert world.conversation().waiting_since is None


def test_a_thousand_events_of_three_hundred_conversations_stay_in_order(world: World) -> None:
    items = [
        {**event(world, message={"mid": f"m{n}", "text": str(n)}), "sender": {"id": f"u{n % 300}"}} for n in range(1000)
    ]
    assert post(world, *items) == {"received": 1000}
    by_user: dict[str, list[int]] = {}
    for letter in world.mailbox.letters:
        by_user.setdefault(letter.conversation_id, []).append(int(letter.message_id[3:]))
    assert len(by_user) == 300
    assert all(numbers == sorted(numbers) for numbers in by_user.values())
    assert sum(map(len, by_user.values())) == 1000


class _Breaking(FakeStore):
    """Fails on the rows that are named."""

    def __init__(self, ids: dict[str, Exception]) -> None:
        super().__init__()
        self.ids = ids

    def append(self, row: Message) -> Message | None:
        if row.id in self.ids:
            raise self.ids[row.id]
        return super().append(row)


@pytest.mark.parametrize("error", [Unavailable("down"), RuntimeError("a bug")])
def test_a_failed_event_stops_the_later_ones_of_its_own_conversation_only(world: World, error: Exception) -> None:
    world.store = _Breaking({"m:m2": error})
    other = {**world.said("o1", "other"), "sender": {"id": "900"}}
    items = [world.said("m1", "1"), world.said("m2", "2"), world.said("m3", "3"), other]
    assert post(world, *items) == {"received": 2, "failed": 2}
    assert [letter.message_id for letter in world.mailbox.letters if letter.conversation_id == CONVERSATION] == ["m:m1"]
    world.store.ids = {}
    assert post(world, *items) == {"received": 2, "duplicate": 2}
    own = [letter.message_id for letter in world.mailbox.letters if letter.conversation_id == CONVERSATION]
    assert own == ["m:m1", "m:m2", "m:m3"]


class _Refusing(FakeStore):
    """Refuses rows with content, as DynamoDB refuses what is too large."""

    def append(self, row: Message) -> Message | None:
        if row.text is not None:
            raise Unstorable("too large")
        return super().append(row)


def test_what_cannot_be_stored_as_it_is_is_stored_bare_marked_and_given_to_the_bot(world: World) -> None:
    world.store = _Refusing()
    assert post(world, world.said("m1", "x" * 100)) == {"quarantined": 1}
    (row,) = world.rows()
    assert (row.id, row.cut, row.text) == ("m:m1", True, None)
    world.deliver(world.process())
    assert world.bot.heard == ["m:m1"]


def test_what_cannot_be_stored_at_all_is_counted_and_stops_nobody(world: World) -> None:
    world.store = _Breaking({"m:m1": Unstorable("full")})
    assert post(world, world.said("m1", "1"), world.said("m2", "2")) == {"lost": 1, "received": 1}


def test_a_queue_that_is_down_costs_nothing_but_a_retry(world: World) -> None:
    world.mailbox.down = True
    said = world.said("m1", "hello")
    assert post(world, said) == {"failed": 1}
    world.mailbox.down = False
    assert post(world, said) == {"duplicate": 1}
    assert len(world.mailbox.letters) == 1


def test_odd_events_do_not_disturb_their_neighbours(world: World) -> None:
    odd = [
        event(world, message={"mid": "m" * 700, "text": "long mid"}),
        event(world, message={"mid": "", "text": "no mid"}),
        {**event(world, message={"mid": "m3", "text": "odd user"}), "sender": {"id": "a b/c:d"}},
        event(world, message={"mid": "m4", "text": "😀" * 100_000}),
        event(world, message={"mid": "m5", "text": "future"}, timestamp=world.clock() * 2),
    ]
    counts = post(world, *odd, world.said("m6", "fine"))
    assert counts == {"quarantined": 3, "received": 3}
    assert len(world.rows()) == 5
    assert all(row.sent_at <= world.clock() for row in world.rows())
    long = next(row for row in world.rows() if row.text == "long mid")
    assert (len(long.id) < 100, long.cut) == (True, True)
