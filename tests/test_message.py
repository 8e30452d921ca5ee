"""What is said: addresses, the order of the log, the states that readers see, and previews."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.errors import BadRequest
from chalicelib.message import PREVIEW_LENGTH, UNREAD_KINDS, Address, AuthorType, State, preview, release_of
from tests.samples import row

MINUTE = 60_000


@pytest.mark.parametrize(
    ("conversation_id", "address"),
    [
        ("messenger:17:42", Address("messenger", "17", "42")),
        ("instagram:17:42", Address("instagram", "17", "42")),
        ("messenger:a_B-9:" + "x" * 128, Address("messenger", "a_B-9", "x" * 128)),
        (f"messenger:~{'0a' * 16}:~{'f1' * 16}", Address("messenger", "~" + "0a" * 16, "~" + "f1" * 16)),
    ],
)
def test_a_conversations_id_is_read_and_written(conversation_id: str, address: Address) -> None:
    assert Address.parse(conversation_id) == address
    assert address.conversation_id == conversation_id


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "42",
            "17:42",
            "whatsapp:17:42",
            "Messenger:17:42",
            "messenger:17:",
            "messenger::42",
            "messenger:17:42:1",
        ),
        *("messenger:17:4 2", "messenger:17:42\n", " messenger:17:42", "messenger:17:٣", "messenger:17:" + "x" * 129),
        *("messenger:17:~" + "g" * 32, "messenger:17:~" + "0" * 31, "messenger:17:~" + "A" * 32, "messenger:17:#"),
    ],
)
def test_what_is_no_conversations_id_is_a_bad_request(text: str) -> None:
    with pytest.raises(BadRequest, match="messenger:<page id>:<user id>"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("text", "is_id"),
    [
        *(("42", True), ("x" * 128, True), ("~" + "0" * 32, True)),
        *(("", False), ("17:42", False), ("a b", False), ("x" * 129, False), ("~x", False), ("42\n", False)),
    ],
)
def test_a_user_id_standing_alone(text: str, is_id: bool) -> None:
    assert Address.is_user_id(text) is is_id


def test_the_log_is_ordered_by_time_then_id() -> None:
    orders = [row(at, name).order for at, name in ((5, "z"), (70, "a"), (70, "b"), (1_790_000_000_000, "a"))]
    assert orders == sorted(orders)
    assert orders[0] == "0000000000005#m:z"


@pytest.mark.parametrize("kind", [*sorted(UNREAD_KINDS), "reaction", "referral", "unknown", "paused", "edit"])
@pytest.mark.parametrize("author", ["user", "bot", "operator", "page_inbox", "system"])
def test_a_person_is_wanted_by_what_a_user_says(kind: str, author: AuthorType) -> None:
    assert row(1, kind=kind, author=author).wants_person == (author == "user" and kind in UNREAD_KINDS)


@pytest.mark.parametrize(
    ("author", "state", "is_answer"),
    [
        ("page_inbox", "sent", True),
        ("operator", "sent", True),
        ("operator", "queued", False),
        ("operator", "failed", False),
        ("operator", "unconfirmed", False),
        ("bot", "sent", False),
        ("user", "received", False),
        ("system", None, False),
    ],
)
def test_an_answer_is_a_persons_and_has_gone_out(author: AuthorType, state: State | None, is_answer: bool) -> None:
    assert row(1, author=author, state=state).is_answer is is_answer


@pytest.mark.parametrize(
    ("state", "now", "delivered_at", "read_at", "expected"),
    [
        ("queued", 100 + MINUTE, None, None, "queued"),
        ("queued", 101 + MINUTE, None, None, "unconfirmed"),
        ("queued", 101, 500, 500, "queued"),
        ("sent", 10**9, None, None, "sent"),
        ("sent", 200, 99, None, "sent"),
        ("sent", 200, 100, None, "delivered"),
        ("sent", 200, 100, 99, "delivered"),
        ("sent", 200, 100, 100, "read"),
        ("sent", 200, None, 150, "read"),
        ("sent", 200, 50, 150, "read"),
        ("failed", 10**9, 500, 500, "failed"),
        ("refused", 10**9, 500, 500, "refused"),
        ("unconfirmed", 10**9, 500, 500, "unconfirmed"),
        ("received", 10**9, 500, 500, "received"),
        ("held", 10**9, 500, 500, "held"),
        (None, 10**9, 500, 500, None),
    ],
)
def test_the_state_that_readers_see(
    state: State | None, now: int, delivered_at: int | None, read_at: int | None, expected: State | None
) -> None:
    assert row(100, state=state).state_for_readers(now, delivered_at, read_at) == expected


def test_watermarks_count_in_metas_time_and_the_timeout_in_ours() -> None:
    late = row(100, received_at=130, state="sent")
    assert late.state_for_readers(200, delivered_at=100) == "delivered"
    assert late.state_for_readers(200, read_at=100) == "read"
    assert row(100, received_at=130, state="queued").state_for_readers(130 + MINUTE) == "queued"


def test_a_retry_is_given_its_own_time() -> None:
    again = row(100, state="queued", attempt=2, attempted_at=90_000)
    assert again.state_for_readers(90_000 + MINUTE) == "queued"
    assert again.state_for_readers(90_001 + MINUTE) == "unconfirmed"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "hello"),
        ({"text": "x" * 500}, "x" * PREVIEW_LENGTH),
        ({"text": "x", "attachments": ({"type": "image"},)}, "x"),
        ({"text": None, "attachments": ({"type": "image"}, {"type": "file"})}, "[image]"),
        ({"text": None, "attachments": ({},)}, "[attachment]"),
        ({"text": None, "attachments": ({"type": None},)}, "[attachment]"),
        ({"text": "", "kind": "text"}, "[text]"),
        ({"text": None, "kind": "unsupported"}, "[unsupported]"),
        ({"text": None, "kind": "paused", "author": "system"}, "[paused]"),
    ],
)
def test_a_preview_is_short(changes: dict[str, Any], text: str) -> None:
    shown = preview(row(7, **changes))
    assert (shown.text, shown.sent_at, shown.order, shown.id) == (text, 7, "0000000000007#m:7", "m:7")


def test_a_preview_is_short_whatever_the_attachment_is_called() -> None:
    for odd in ("x" * 9000, {"y": "x" * 9000}, ["x" * 9000]):
        assert len(preview(row(7, text=None, attachments=({"type": odd},))).text) == PREVIEW_LENGTH


def test_the_id_of_a_preview_may_hold_the_separator() -> None:
    assert preview(row(7, "a#b#c")).id == "m:a#b#c"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("HITL_STOP", (True, None)),
        ("HITL_STOP:", (True, None)),
        ("HITL_STOP:7", (True, 7)),
        ("HITL_STOP:0000000007", (True, 7)),
        ("HITL_STOP:00000000007", (False, None)),
        ("HITL_STOP:x", (False, None)),
        ("HITL_STOP:-1", (False, None)),
        ("HITL_STOP:7:8", (False, None)),
        ("HITL_STOP: 7", (False, None)),
        ("HITL_STOP:٣", (False, None)),
        ("HITL_STOP:7\n", (False, None)),
        ("HITL_STOPPED", (False, None)),
        (" HITL_STOP", (False, None)),
        ("hitl_stop", (False, None)),
        ("", (False, None)),
        (None, (False, None)),
    ],
)
def test_a_release_is_a_word_and_maybe_an_epoch(payload: str | None, expected: tuple[bool, int | None]) -> None:
    assert release_of(payload, "HITL_STOP") == expected
