"""The row that each event becomes."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.events import (
    INBOX_APP_IDS,
    AccountLinking,
    Deletion,
    Delivery,
    Echo,
    Edit,
    Event,
    Handover,
    Optin,
    Policy,
    Postback,
    Reaction,
    Read,
    Referral,
    Unknown,
    UserMessage,
)
from chalicelib.message import OWN_METADATA, Actor, Address

NOW = 1_790_000_000_000
COMMON: dict[str, Any] = {
    "address": Address("messenger", "17", "42"),
    "sent_at": NOW - 1000,
    "raw": '{"x":1}',
    "digest": "d" * 40,
}

ROWS: list[tuple[Event, str, str, str | None, dict[str, Any] | None]] = [
    (UserMessage(**COMMON, mid="a", text="x"), "m:a", "text", "x", None),
    (UserMessage(**COMMON, text="x"), "e:" + "d" * 40, "text", "x", None),
    (UserMessage(**COMMON, mid="a", text=""), "m:a", "text", "", None),
    (UserMessage(**COMMON, mid="a"), "m:a", "unsupported", None, None),
    (UserMessage(**COMMON, mid="a", attachments=({"type": "image"},)), "m:a", "attachment", None, None),
    (
        UserMessage(**COMMON, mid="a", text="x", quick_reply="P", reply_to="b"),
        "m:a",
        "text",
        "x",
        {"payload": "P", "reply_to": "b"},
    ),
    (Postback(**COMMON, mid="a", payload="P", title="T"), "m:a", "postback", "T", {"payload": "P", "title": "T"}),
    (Postback(**COMMON, title="T"), "e:" + "d" * 40, "postback", "T", {"title": "T"}),
    (Edit(**COMMON, mid="a", text="x", number=2), "e:" + "d" * 40, "edit", "x", {"target": "a", "number": 2}),
    (
        Reaction(**COMMON, mid="a", action="react", emoji="!"),
        "e:" + "d" * 40,
        "reaction",
        "!",
        {"target": "a", "action": "react", "emoji": "!"},
    ),
    (Reaction(**COMMON, mid=None, action=None, emoji=None), "e:" + "d" * 40, "reaction", None, None),
    (Deletion(**COMMON, mid=None), "e:" + "d" * 40, "deleted", None, None),
    (Referral(**COMMON, ref="r", source="s"), "e:" + "d" * 40, "referral", None, {"ref": "r", "source": "s"}),
    (Optin(**COMMON, ref="r"), "e:" + "d" * 40, "optin", None, {"ref": "r"}),
    (AccountLinking(**COMMON, status="linked"), "e:" + "d" * 40, "account_linking", None, {"status": "linked"}),
    (Unknown(**COMMON, name="n"), "e:" + "d" * 40, "unknown", None, {"event": "n"}),
]


@pytest.mark.parametrize(("event", "row_id", "kind", "text", "details"), ROWS)
def test_what_a_user_does_is_a_row_for_the_bot(
    event: Event, row_id: str, kind: str, text: str | None, details: dict[str, Any] | None
) -> None:
    row = event.row(NOW)
    assert (event.row_id, row.id, row.kind, row.text, row.details) == (row_id, row_id, kind, text, details)
    assert (row.author, row.by, row.state) == ("user", Actor("user", "42", ""), "received")
    assert (row.conversation_id, row.sent_at, row.received_at) == ("messenger:17:42", NOW - 1000, NOW)
    assert (row.raw, row.cut, row.standby, row.mid) == ('{"x":1}', False, False, None)


def changed(event: Event, **fields: Any) -> Event:
    """The same with other fields."""
    return type(event)(**vars(event) | fields)


@pytest.mark.parametrize("event", [event for event, *_ in ROWS])
def test_what_another_app_owns_or_our_page_did_is_not_for_the_bot(event: Event) -> None:
    standby = changed(event, standby=True).row(NOW)
    assert (standby.state, standby.standby, standby.author) == (None, True, "user")
    assert standby.wants_person == event.row(NOW).wants_person
    ours = changed(event, from_page=True).row(NOW)
    assert (ours.state, ours.author, ours.by, ours.wants_person) == (None, "system", None, False)
    assert changed(event, cut=True).row(NOW).cut


@pytest.mark.parametrize("from_page", [False, True])
def test_what_meta_tells_is_only_logged(from_page: bool) -> None:
    for event, text, details in (
        (Policy(**COMMON, from_page=from_page, action="block", reason="why"), "why", {"action": "block"}),
        (
            Handover(**COMMON, from_page=from_page, action="app_roles", metadata="m"),
            None,
            {"action": "app_roles", "metadata": "m"},
        ),
    ):
        row = event.row(NOW)
        assert (row.author, row.by, row.state, row.text, row.details) == ("system", None, None, text, details)


def test_watermarks_say_until_when() -> None:
    assert Delivery(**COMMON, until=5).until == 5
    assert (Read(**COMMON, until=5).kind, Delivery(**COMMON, until=5).kind) == ("read", "delivery")


def test_a_deletion_is_one_row_for_each_message() -> None:
    ids = [Deletion(**{**COMMON, "digest": digest}, mid=mid).row_id for digest in "de" for mid in ("a", "b")]
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]
    assert all(len(row_id) == 42 and row_id.startswith("e:") for row_id in ids)


def echo(platform: str = "messenger", **own: Any) -> Echo:
    """What the Page said."""
    return Echo(**{**COMMON, "address": Address(platform, "17", "42")}, from_page=True, mid="a", text="x", **own)


@pytest.mark.parametrize(
    ("platform", "app_id", "author"),
    [
        *(("messenger", inbox, "page_inbox") for inbox in sorted(INBOX_APP_IDS)),
        *(("instagram", inbox, "page_inbox") for inbox in sorted(INBOX_APP_IDS)),
        ("messenger", None, "page_inbox"),
        ("messenger", "", "page_inbox"),
        ("messenger", "555", "bot"),
        ("instagram", None, "bot"),
        ("instagram", "", "bot"),
        ("instagram", "555", "bot"),
    ],
)
def test_an_echo_is_by_the_inbox_or_by_the_bot(platform: str, app_id: str | None, author: str) -> None:
    row = echo(platform, app_id=app_id).row(NOW)
    name = "Page inbox" if author == "page_inbox" else ""
    assert (row.id, row.mid, row.state, row.author) == ("m:a", "a", "sent", author)
    assert row.by == Actor(row.author, app_id or "", name)
    assert (row.kind, row.text, row.is_answer) == ("text", "x", author == "page_inbox")


def test_an_echo_in_standby_is_one() -> None:
    row = echo(standby=True).row(NOW)
    assert (row.standby, row.state) == (True, "sent")


@pytest.mark.parametrize(
    ("metadata", "row_id"),
    [
        ("hitl:s:3f1c-7_A", "s:3f1c-7_A"),
        ("hitl:s:" + "x" * 128, "s:" + "x" * 128),
        (None, None),
        ("", None),
        ("shipping", None),
        ("hitl:", None),
        ("hitl:s:", None),
        ("hitl:s:a b", None),
        ("hitl:s:ü", None),
        ("hitl:s:a\n", None),
        ("hitl:s:" + "x" * 2000, None),
        ("hitl:t:5", None),  # a transition's row is nobody's send
        ("hitl:m:mid", None),
        ("hitl:e:" + "0" * 40, None),
        ("HITL:s:a", None),
        (" hitl:s:a", None),
        ("xhitl:s:a", None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_only_our_own_sends_are_known_by_their_metadata(metadata: str | None, row_id: str | None) -> None:
    assert OWN_METADATA == "hitl:"
    assert echo(metadata=metadata).own_row_id == row_id
