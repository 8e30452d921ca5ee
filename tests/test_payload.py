"""Single items of a webhook body: who, when, which row, which kind, and what is said."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from chalicelib.events import Deletion, Delivery, Echo, Event, Handover, Reaction, Read, Unknown, UserMessage, Watermark
from chalicelib.message import Address
from chalicelib.payload import id_of, time_of
from chalicelib.webhook import parse
from tests.items import NOW, PAGE, PLACE, THEN, USER, item, message, one, read, said, short

# --- Who


@pytest.mark.parametrize(
    ("sender", "recipient", "entry", "conversation_id"),
    [
        (USER, PAGE, PAGE, PLACE),
        (int(USER), int(PAGE), PAGE, PLACE),
        (USER, PAGE, int(PAGE), PLACE),
        (int(USER), PAGE, "another", PLACE),
        (USER, PAGE, None, PLACE),
        (USER, None, PAGE, PLACE),
        (USER, None, int(PAGE), PLACE),
        (USER, USER, PAGE, f"messenger:{USER}:{USER}"),
        (PAGE, PAGE, PAGE, f"messenger:{PAGE}:{PAGE}"),
        (0, PAGE, PAGE, f"messenger:{PAGE}:0"),
        (-5, PAGE, PAGE, f"messenger:{PAGE}:-5"),
        ("a" * 128, PAGE, PAGE, f"messenger:{PAGE}:{'a' * 128}"),
    ],
)
def test_who_is_the_page_and_who_the_user(
    sender: object, recipient: object, entry: object, conversation_id: str
) -> None:
    content = {"sender": {"id": sender}, "recipient": {"id": recipient}, "message": {"mid": "m", "text": "x"}}
    event = read(content, id=entry).events[0]
    assert event.address.conversation_id == conversation_id
    assert not event.cut
    assert isinstance(event, UserMessage)


@pytest.mark.parametrize("entry", [PAGE, int(PAGE), "another", None])
@pytest.mark.parametrize("mark", [True, "true", 1, "1"])
def test_an_echo_is_the_pages(entry: object, mark: object) -> None:
    content = {"sender": {"id": PAGE}, "recipient": {"id": USER}, "message": {"mid": "m", "is_echo": mark}}
    event = read(content, id=entry).events[0]
    assert isinstance(event, Echo)
    assert event.address.conversation_id == PLACE


@pytest.mark.parametrize("mark", [False, None, "false", "", 0, [], {}, [True]])
def test_what_the_user_says_is_no_echo(mark: object) -> None:
    assert said(is_echo=mark).row(NOW).author == "user"


@pytest.mark.parametrize("mark", [False, None, "false", 0])
def test_what_the_page_says_is_an_echo_without_a_mark_too(mark: object) -> None:
    content = {"sender": {"id": PAGE}, "recipient": {"id": USER}, "message": {"mid": "m", "is_echo": mark}}
    event = one(content)
    assert isinstance(event, Echo)
    assert event.row(NOW).state == "sent"


@pytest.mark.parametrize("field", ["reaction", "postback", "message_edit", "something_new", "read", "delivery"])
def test_what_the_page_does_is_logged_but_not_the_users(field: str) -> None:
    content = {"sender": {"id": PAGE}, "recipient": {"id": USER}, field: {"mid": "m", "watermark": THEN}}
    event = one(content)
    row = event.row(NOW)
    assert not isinstance(event, Watermark)  # those are the user's
    assert row.conversation_id == PLACE
    assert (row.author, row.by, row.state) == ("system", None, None)
    assert not row.wants_person


def test_an_echo_in_the_wrong_direction_is_still_an_echo() -> None:
    event = one(message(is_echo=True))
    assert isinstance(event, Echo)
    assert event.address.conversation_id == PLACE


ODD_IDS = ["", " ", "<PSID>", "a b", "a:b", "a#b", "a\n", "é", "\0", "\ud800", "~" + "0" * 32, "a" * 129, "٣"]
ODD_VALUES = [True, False, 1.5, 1e300, [], [1], {}, {"id": "1"}]


@pytest.mark.parametrize("value", [*ODD_IDS, *ODD_VALUES, "a" * 300_000], ids=short)
def test_an_odd_id_is_hashed_and_loses_nothing(value: object) -> None:
    content = {**message(), "sender": {"id": value}}
    event = one(content)
    assert re.fullmatch(f"messenger:{PAGE}:~[0-9a-f]{{32}}", event.address.conversation_id)
    assert Address.parse(event.address.conversation_id) == event.address
    assert event.cut
    assert event.row(NOW).text == "hello"
    other_way = one({**message(), "sender": {"id": PAGE}, "recipient": {"id": value}})
    assert other_way.address == event.address


def test_different_odd_ids_are_different_users() -> None:
    values = ["", " ", "[]", [], "[1]", [1], {}, "{}", True, "True!", "true!", 1.5, "1.5", "\0", "\ud800", "\udfff"]
    assert len({id_of(value) for value in values}) == len(values)


@pytest.mark.parametrize("sender", [None, {}, {"id": None}, {"user_ref": "box"}, "7300", 7300, [], True])
def test_without_a_user_there_is_no_event(sender: object) -> None:
    batch = read(message(), {**message(mid="m_2"), "sender": sender}, message(mid="m_3"))
    assert [event.row_id for event in batch.events] == ["m:m_1", "m:m_3"]
    assert dict(batch.ignored) == {"no_user": 1}


# --- When


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (THEN, THEN),
        (str(THEN), THEN),
        (f" {THEN} ", THEN),
        (THEN + 0.75, THEN),
        (THEN // 1000, THEN),
        (str(THEN // 1000), THEN),
        (THEN / 1000, THEN),
        (datetime.fromtimestamp(THEN / 1000, UTC).isoformat(), THEN),
        ("2026-09-21T13:33:19Z", 1_789_997_599_000),
        ("2026-09-21T13:33:19+0200", 1_789_990_399_000),
        ("2026-09-21T13:33:19", 1_789_997_599_000),
        (1_234_567_890, 1_234_567_890_000),
        (100_000_000_000, 100_000_000_000),
        (NOW + 1, NOW),
        (NOW + 10**9, NOW),
        (NOW // 1000 + 5, NOW),
        (10**20, NOW),
        ("9" * 30, NOW),
        (float(10**300), NOW),
        ("9999-12-31T23:59:59Z", NOW),
        ("1973-06-01T00:00:00Z", 107_740_800_000),
        ("1971-01-01T00:00:00Z", None),
        (None, None),
        (0, None),
        (-THEN, None),
        (999_999_999, None),
        (True, None),
        ("", None),
        ("yesterday", None),
        ("9" * 31, None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", NOW),
        ("٣" * 13, None),
        ([THEN], None),
        ({"ms": THEN}, None),
        ("\ud800", None),
    ],
)
def test_times_are_read_from_what_they_may_be(value: object, expected: int | None) -> None:
    assert time_of(value, NOW) == expected
    event = one({**message(), "timestamp": value}, time=THEN - 5000)
    assert event.sent_at == (THEN - 5000 if expected is None else expected)
    assert not event.cut


@pytest.mark.parametrize("value", [None, 0, "", "x", True, -1, [], {}, "9" * 5000])
def test_without_any_time_it_is_ours(value: object) -> None:
    assert one({**message(), "timestamp": value}, time=value).sent_at == NOW


@pytest.mark.parametrize("digits", ["9" * 5000, "1e999", "-1e999", "9" * 400 + ".5"])
def test_a_time_that_no_number_holds_is_none(digits: str) -> None:
    text = json.dumps({"object": "page", "entry": [{"id": PAGE, "time": THEN, "messaging": [message()]}]})
    event = parse(text.replace(str(THEN) + ', "message"', digits + ', "message"').encode(), NOW).events[0]
    assert event.row_id == "m:m_1"
    assert event.sent_at == THEN


# --- Which row


@pytest.mark.parametrize("mid", ["m_1", "mid.$cAAE1UUyiiwth", "a:b#c", "x" * 512, 17, "17", "0"], ids=short)
def test_a_mid_is_the_rows_id(mid: object) -> None:
    event = said(mid=mid)
    assert event.row_id == f"m:{mid}"
    assert not event.cut


ODD_MIDS = ["x" * 513, "x" * 700, "é", "😀" * 200, "a b", "a\n", "\0", "\ud800", "~", "~" + "0" * 64]


@pytest.mark.parametrize("mid", [*ODD_MIDS, *ODD_VALUES], ids=short)
def test_an_odd_mid_is_hashed(mid: object) -> None:
    event = said(mid=mid)
    assert re.fullmatch("m:~[0-9a-f]{64}", event.row_id)
    assert event.cut
    again = said(mid=mid, text="repeated")
    assert again.row_id == event.row_id


def test_different_odd_mids_are_different_rows() -> None:
    mids = ["a b", "[]", [], {}, "{}", True, False, "true ", 1.5, "é", "e\u0301", "x" * 513, "x" * 514, "\ud800"]
    assert len({said(mid=mid).row_id for mid in mids if mid not in ("[]", "{}")}) == len(mids) - 2
    assert said(mid="[]").row_id != said(mid=[]).row_id


@pytest.mark.parametrize("mid", [None, ""])
def test_without_a_mid_the_content_is_the_rows_id(mid: object) -> None:
    event = said(mid=mid)
    assert re.fullmatch("e:[0-9a-f]{40}", event.row_id)
    assert event.row_id == said(mid=mid).row_id
    assert event.row_id != said(mid=mid, text="other").row_id
    assert not event.cut


def test_a_repeat_with_another_time_is_the_same_row() -> None:
    first, again = one(message()), one({**message(), "timestamp": THEN + 7})
    assert first.row_id == again.row_id
    assert first.sent_at != again.sent_at


def test_taking_a_message_back_is_a_row_of_its_own_and_one_only() -> None:
    sent, gone = said(mid="m_9"), one(message(mid="m_9", is_deleted=True))
    later = one({**message(mid="m_9", is_deleted=True), "timestamp": THEN + 7})
    other = one(message(mid="m_8", is_deleted=True))
    assert isinstance(gone, Deletion)
    assert len({sent.row_id, gone.row_id, other.row_id}) == 3
    assert gone.row_id == later.row_id
    row = gone.row(NOW)
    assert (row.kind, row.state, row.details) == ("deleted", "received", {"target": "m_9"})


@pytest.mark.parametrize("field", ["reaction", "message_edit"])
def test_the_mid_of_a_reaction_or_an_edit_is_its_targets(field: str) -> None:
    first, second = (one(item(**{field: {"mid": "m_1", "action": word, "text": word}})) for word in ("a", "b"))
    assert first.row_id.startswith("e:")
    assert first.row_id != second.row_id
    assert (first.row(NOW).details or {})["target"] == "m_1"


# --- Which kind


@pytest.mark.parametrize("value", [None, [], [{}], "text", 1, True])
def test_a_field_that_is_no_object_makes_no_event_of_its_kind(value: object) -> None:
    for field in ("message", "postback", "reaction", "read", "delivery", "pass_thread_control", "policy_enforcement"):
        event = one(item(**{field: value}))
        assert isinstance(event, Unknown)
        assert event.name == field
        assert isinstance(one(item(**{field: value, "optin": {"ref": "x"}})), Event)
    both = one(item(message=value, reaction={"mid": "m", "emoji": "x"}))
    assert isinstance(both, Reaction)


@pytest.mark.parametrize("watermark", [None, 0, "soon", [], True])
def test_a_watermark_without_a_time_is_logged_as_it_is(watermark: object) -> None:
    for field in ("delivery", "read"):
        assert isinstance(one(item(**{field: {"watermark": watermark}})), Unknown)


def test_watermarks_are_clamped_and_instagrams_are_the_events_time() -> None:
    for content, until in (
        ({"watermark": NOW + 5}, NOW),
        ({"watermark": str(THEN)}, THEN),
        ({"watermark": THEN // 1000}, THEN),
        ({"mid": "m_1"}, THEN),
        ({"mid": 5}, THEN),
    ):
        event = one(item(read=content))
        assert isinstance(event, Read)
        assert event.until == until
    delivery = one(item(delivery={"mids": "odd", "watermark": THEN - 9}))
    assert isinstance(delivery, Delivery)
    assert delivery.until == THEN - 9


def test_what_is_unknown_is_named_by_its_field() -> None:
    for content, name in (
        (item(), "none"),
        (item(order={}), "order"),
        (item(hop_context=[{"app_id": 1}], order={}), "order"),
        (item(**{"": {}}), "none"),
        (item(**{"\ud800" * 200: {}}), "\ufffd" * 100),
        (item(**{"k" * 300_000: {}}), "k" * 100),
    ):
        event = one(content)
        assert isinstance(event, Unknown)
        assert event.name == name
        assert event.row(NOW).details == {"event": name}


def test_a_handover_says_what_was_done() -> None:
    for action in ("pass_thread_control", "take_thread_control", "request_thread_control", "app_roles"):
        event = one(item(**{action: {"metadata": "because"}}))
        assert isinstance(event, Handover)
        assert event.row(NOW).details == {"action": action, "metadata": "because"}


# --- What is said


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"text": "x"}, "text", "x"),
        ({"text": ""}, "text", ""),
        ({"text": None}, "unsupported", None),
        ({"text": 5}, "text", "5"),
        ({"text": True}, "text", "true"),
        ({"text": {"a": "ü"}}, "text", '{"a": "\\u00fc"}'),
        ({"text": "a\0b"}, "text", "a\0b"),
        ({"text": "a\ud800b"}, "text", "a\ufffdb"),
        ({"text": "😀" * 100}, "text", "😀" * 100),
        ({"text": None, "is_unsupported": True}, "unsupported", None),
        ({"text": None, "attachments": []}, "unsupported", None),
        ({"text": None, "attachments": None}, "unsupported", None),
        ({"text": None, "attachments": "image"}, "unsupported", None),
        ({"text": None, "attachments": {"type": "image"}}, "unsupported", None),
        ({"text": None, "attachments": [None, "image", 5]}, "unsupported", None),
        ({"text": None, "attachments": [{}]}, "attachment", None),
        ({"text": "x", "attachments": [{"type": "image"}]}, "attachment", "x"),
        ({"text": "x", "commands": [{"name": "y"}], "nlp": {}, "referral": 5, "quick_reply": None}, "text", "x"),
    ],
)
def test_a_message_is_read(fields: dict[str, object], kind: str, text: str | None) -> None:
    event = said(**fields)
    row = event.row(NOW)
    assert (row.kind, row.text) == (kind, text)
    assert not row.cut
    assert json.loads(event.raw)["message"] == {"mid": "m_1", "text": "hello", **fields}


def test_details_of_a_message() -> None:
    fields = {"quick_reply": {"payload": "SIZE:L"}, "reply_to": {"mid": "m_0"}}
    assert said(**fields).row(NOW).details == {"payload": "SIZE:L", "reply_to": "m_0"}
    assert said(reply_to={"story": {"id": "1"}}).row(NOW).details is None
    assert said(quick_reply="x", reply_to=["m_0"]).row(NOW).details is None
    assert said(attachments=[{"type": "image"}, "odd", {}]).row(NOW).attachments == ({"type": "image"}, {})
