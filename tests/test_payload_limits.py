"""Items as large and as odd as can be signed: what is cut, and that every row can be stored."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from chalicelib.errors import TooLarge
from chalicelib.events import Event, UserMessage
from chalicelib.message import Address, preview
from chalicelib.payload import MAX_ATTACHMENTS, MAX_FIELD, MAX_RAW, MAX_TEXT, id_of
from chalicelib.tables import conversation_attributes, message_attributes
from chalicelib.webhook import Batch, parse
from tests.items import NOW, PAGE, THEN, USER, item, message, one, read, said, short
from tests.samples import examples, talk
from tests.stores import opened

ITEM_LIMIT = 400 * 1024
"""Bytes of an item of DynamoDB together with what each local index repeats of it."""
KEY_LIMIT = 1024
"""Bytes of a sort key."""


# --- What is too large


@pytest.mark.parametrize(
    ("text", "kept", "is_cut"),
    [
        ("x" * MAX_TEXT, MAX_TEXT, False),
        ("x" * (MAX_TEXT + 1), MAX_TEXT, True),
        ("x" * 300_000, MAX_TEXT, True),
        ("ü" * MAX_TEXT, MAX_TEXT, False),
        ("😀" * (MAX_TEXT // 2), MAX_TEXT // 2, False),
        ("😀" * (MAX_TEXT // 2 + 1), MAX_TEXT // 2, True),
        ("x" + "😀" * (MAX_TEXT // 2), MAX_TEXT // 2, True),
    ],
    ids=short,
)
def test_long_texts_are_cut_and_marked(text: str, kept: int, is_cut: bool) -> None:
    event = said(text=text)
    assert event.text == text[:kept]
    assert event.cut == is_cut
    whole = json.loads(event.raw)["message"]["text"]
    assert text.startswith(whole)
    assert whole == text or len(whole) >= MAX_TEXT


def test_payloads_and_titles_are_cut_and_marked() -> None:
    for size, is_cut in ((MAX_FIELD, False), (MAX_FIELD + 1, True)):
        long = "x" * size
        events = (
            one(item(postback={"mid": "m", "title": long})),
            one(item(postback={"mid": "m", "payload": long})),
            said(quick_reply={"payload": long}),
            one(item(referral={"ref": long})),
        )
        assert [event.cut for event in events] == [is_cut] * 4
        assert len((events[1].row(NOW).details or {})["payload"]) == MAX_FIELD
        assert json.loads(events[1].raw)["postback"]["payload"] == long


def test_attachments_that_are_too_much_keep_their_types() -> None:
    many = [{"type": "image", "payload": {"url": "https://cdn.example/" + "x" * 500}} for _ in range(100)]
    event = said(attachments=many)
    assert event.attachments == ({"type": "image"},) * 50
    assert event.cut
    assert json.loads(event.raw)["message"]["attachments"] == many
    odd = [{"type": {"x": "\0" * 500}}, {"type": None}, {}] * 1000
    assert len(json.dumps(said(attachments=odd).attachments)) <= MAX_ATTACHMENTS


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "x" * 4_000_000},
        {"text": "😀" * 300_000},
        {"text": "\ud800" * 300_000},
        {"extra": ["x" * 300] * 10_000},
        {"extra": {f"k{number}": "x" * 300 for number in range(10_000)}},
        {"extra": [[["x" * 20] * 50] * 50] * 50},
        {"extra": list(range(500_000))},
        {"extra": {"k" * 1000 + str(number): number for number in range(2000)}},
        {"attachments": [{"type": "image", "payload": {"url": "u" * 1000}}] * 3000},
    ],
    ids=short,
)
def test_an_event_that_is_too_large_is_cut_to_what_can_be_stored(fields: dict[str, object]) -> None:
    event = said(**fields)
    raw = json.loads(event.raw)
    assert len(event.raw.encode()) <= MAX_RAW
    assert event.cut
    assert event.row_id == "m:m_1"
    assert (raw["sender"], raw["recipient"]) == ({"id": USER}, {"id": PAGE})
    assert fits(event)


def test_events_that_differ_only_in_what_was_cut_are_different() -> None:
    one_, other = (said(mid=None, text="x" * 300_000 + end) for end in ("a", "b"))
    assert one_.raw == other.raw
    assert one_.row_id != other.row_id


@pytest.mark.parametrize("levels", [60, 900, 990, 200_000])
def test_what_is_nested_too_deeply_is_cut_and_its_neighbours_are_not(levels: int) -> None:
    nested = "[" * levels + '"]\\"}"' + "]" * levels
    items = [message(mid="m_before"), message(extra="HERE"), message(mid="m_after")]
    body = json.dumps({"object": "page", "entry": [{"id": PAGE, "messaging": items, "time": THEN}]})
    before, event, after = parse(body.replace('"HERE"', nested).encode(), NOW).events
    assert [event.row_id for event in (before, event, after)] == ["m:m_before", "m:m_1", "m:m_after"]
    assert (before.cut, event.cut, after.cut) == (False, True, False)
    assert json.loads(before.raw) == items[0]
    assert json.loads(event.raw)["message"]["text"] == "hello"
    without = parse(body.encode(), NOW).events[1]
    other = parse(body.replace('"HERE"', nested[:levels] + "7" + "]" * levels).encode(), NOW).events[1]
    assert len({event.digest, without.digest, other.digest}) == 3


def test_duplicate_keys_and_odd_keys_hurt_nobody() -> None:
    body = '{"object":"page","entry":[{"id":"1","messaging":[{"sender":{"id":"9"},"sender":{"id":"2"},'
    body += '"message":{"mid":"a","mid":"b","\\ud800":1,"\\u0000":2,"":3}},'
    body += '{"sender":{"id":"3"},"message":{"mid":"c"}}]}]}'
    first, second = parse(body.encode(), NOW).events
    assert (first.row_id, first.address.user_id) == ("m:b", "2")
    assert json.loads(first.raw)["message"] == {"mid": "b", "\ud800": 1, "\0": 2, "": 3}
    assert second.row_id == "m:c"


def test_a_full_body_is_read_in_time() -> None:
    """Proportional, that is: on a busy machine seconds, where a quadratic reading takes hours."""
    start = time.monotonic()
    tiny = [{"sender": {"id": 1}}] * 60_000
    assert len(read(*tiny, id="9" * 1_000_000).events) == 60_000
    assert len(read(message(text="x"), {"sender": {"id": list(range(300_000))}}).events) == 2
    assert time.monotonic() - start < 60


# --- That every row can be stored


def size_of(attributes: dict[str, Any]) -> int:
    """Bytes of an item: names and values as UTF-8."""
    return sum(len(name) + len(str(value).encode()) for name, value in attributes.items() if value is not None)


def fits(event: Event) -> bool:
    """Check that a row can be stored, held and previewed, whatever it is."""
    row = event.row(NOW)
    held = row._replace(state="held", held_under=9_999_999_999, caused=9_999_999_999, attempted_at=NOW)
    attributes = message_attributes(held, 365)
    keys = [attributes["order"], attributes["held_key"], row.id, row.conversation_id]
    assert all(0 < len(key.encode()) <= KEY_LIMIT for key in keys)
    repeated = sum(len(key.encode()) + 50 for key in keys)
    assert 2 * size_of(attributes) + repeated <= ITEM_LIMIT - 10_000
    assert Address.parse(row.conversation_id) == event.address
    last = preview(row)
    assert len(last.text) <= 200
    assert size_of(conversation_attributes(talk(row.conversation_id, last_message=last))) < 8000
    assert isinstance(json.loads(row.raw or ""), dict)
    return True


LARGEST = {
    "mid": "m" * 512,
    "text": "\0" + "😀" * (MAX_TEXT // 2),
    "quick_reply": {"payload": "\0" * MAX_FIELD},
    "reply_to": {"mid": '"' * 512},
    "attachments": [{"type": "image", "payload": {"url": "u" * (MAX_ATTACHMENTS - 100)}}],
}


def largest() -> Event:
    """A message that uses up every limit."""
    content = {**message(**LARGEST), "sender": {"id": "s" * 128}, "recipient": {"id": "r" * 128}}
    room = MAX_RAW - len(read(content).events[0].raw.encode())
    return read({**content, "filler": "f" * (room - 12)}).events[0]


def test_the_largest_row_fits() -> None:
    event = largest()
    assert MAX_RAW - 1 <= len(event.raw.encode()) <= MAX_RAW
    assert isinstance(event, UserMessage)
    assert len((event.text or "").encode()) >= 2 * MAX_TEXT - 4
    assert len(event.attachments[0]["payload"]["url"]) == MAX_ATTACHMENTS - 100
    assert fits(event)
    assert fits(one(item(postback={"mid": "m" * 512, "payload": "\0" * 9999, "title": "\0" * 9999, "x": "y" * 90_000})))


def test_dynamodb_takes_the_largest_row(dynamodb_local_url: str) -> None:
    store = opened(dynamodb_local_url)
    row = largest().row(NOW)
    assert store.append(row) is None
    held = row._replace(state="held", held_under=1)
    store.change(row, held)
    assert store.row(row.conversation_id, row.id) == held


class Long(str):
    """A text that Hypothesis can show in few words."""

    __slots__ = ()

    @classmethod
    def of(cls, text: str, times: int) -> Long:
        return cls(text * times)

    def __repr__(self) -> str:
        return f"{self[:8]!r} and so on, {len(self)} characters"


TEXTS = st.text(st.characters(exclude_categories=()), max_size=5)
LONG = st.builds(Long.of, TEXTS, st.sampled_from([1, 30, 260, 700, 3000, 12_000]))
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(THEN - 10**9, THEN + 10**9)
ODD = st.recursive(
    st.none() | st.booleans() | NUMBERS | LONG,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
MIDS = st.sampled_from(["m_1", "m_2", "m 3", "", None]) | ODD
KNOWN = st.fixed_dictionaries({"id": st.sampled_from([USER, PAGE, int(USER), "u2", "", "a b"])}, optional={"x": ODD})
PARTIES = KNOWN | st.fixed_dictionaries({}, optional={"id": ODD})


def read_odd(*items: object, **entry: Any) -> Batch:
    """What such items become, where they are not too large for a body."""
    try:
        return read(*items, **entry)
    except TooLarge:
        reject()


def content_of(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object of Meta's with some of these fields, each as it should be or anything; or anything instead."""
    optional = {name: strategy | ODD for name, strategy in fields.items()}
    return st.fixed_dictionaries({}, optional=optional) | ODD


MID = content_of(mid=MIDS)
ATTACHMENTS = st.lists(content_of(type=LONG, payload=content_of(url=LONG)), max_size=60)
MESSAGES = content_of(
    mid=MIDS,
    text=LONG,
    attachments=ATTACHMENTS,
    quick_reply=content_of(payload=LONG),
    reply_to=MID,
    is_echo=st.booleans(),
    is_deleted=st.booleans(),
    app_id=LONG,
    metadata=LONG,
)
ITEMS = st.fixed_dictionaries(
    {"sender": PARTIES},
    optional={
        "recipient": PARTIES | ODD,
        "timestamp": NUMBERS | ODD,
        "message": MESSAGES,
        "postback": content_of(mid=MIDS, title=LONG, payload=LONG),
        "reaction": content_of(mid=MIDS, emoji=LONG, action=LONG),
        "message_edit": content_of(mid=MIDS, text=LONG, num_edit=NUMBERS),
        "read": content_of(mid=MIDS, watermark=NUMBERS),
        "delivery": content_of(watermark=NUMBERS),
        "referral": content_of(ref=LONG, source=LONG),
        "optin": content_of(ref=LONG),
        "account_linking": content_of(status=LONG),
        "policy_enforcement": content_of(action=LONG, reason=LONG),
        "pass_thread_control": content_of(metadata=LONG),
        "anything": ODD,
    },
)
BESIDE = st.fixed_dictionaries({}, optional={"id": st.sampled_from([PAGE, USER]) | ODD, "time": NUMBERS | ODD})


@examples(100)
@given(st.lists(ITEMS, max_size=3), BESIDE, st.sampled_from(["page", "instagram"]), st.booleans())
def test_every_event_can_be_stored(items: list[Any], beside: dict[str, Any], platform: str, standby: bool) -> None:
    content = [message(), *items, message(mid="m_2")]
    lists = {"messaging": [], "standby": content} if standby else {"messaging": content}
    batch = read_odd(platform=platform, **{**beside, **lists})
    assert len(batch.events) + sum(batch.ignored.values()) == len(items) + 2
    assert (batch.events[0].row_id, batch.events[-1].row_id) == ("m:m_1", "m:m_2")
    for event in batch.events:
        assert 0 < event.sent_at <= NOW
        assert fits(event)


@examples(100)
@given(ITEMS)
def test_raw_is_what_meta_sent_and_names_both_parties(content: dict[str, Any]) -> None:
    batch = read_odd(content)
    assume(batch.events)
    (event,) = batch.events
    raw = json.loads(event.raw)
    if not event.cut:
        assert raw == without_long_numbers(content)
    for name in ("sender", "recipient"):
        sent = content.get(name)
        party = id_of(sent.get("id")) if isinstance(sent, dict) else None
        if party is not None and not party.startswith("~"):
            assert id_of(raw[name]["id"]) == party


def without_long_numbers(value: Any) -> Any:
    """The same with texts for numbers of forty digits and more."""
    if isinstance(value, dict):
        return {key: without_long_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_long_numbers(item) for item in value]
    return str(value) if type(value) is int and len(str(value)) >= 40 else value  # True has no digits


def mid_of(content: dict[str, Any]) -> object:
    """The mid of a message or postback, which is its row's."""
    for name in ("message", "postback"):
        if isinstance(content.get(name), dict):
            mid: object = content[name].get("mid")
            return mid
    return None


CHANGES: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
    lambda content: {**content, "timestamp": 5},
    lambda content: {**content, "more": None},
    lambda content: {**content, "more": "x" * 200_000},
    lambda content: {key: value for key, value in content.items() if key != "anything"},
    lambda content: dict(reversed(list(content.items()))),
]


@examples(100)
@given(ITEMS, ITEMS, st.sampled_from([*CHANGES, None]))
def test_two_events_share_a_row_only_by_mid_or_content(
    first: dict[str, Any], other: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]] | None
) -> None:
    second = other if change is None else change(first)
    batch = read_odd(first, second)
    assume(len(batch.events) == 2)
    one_, two = batch.events
    if one_.address == two.address and one_.row_id == two.row_id:
        same = json.dumps(without_long_numbers(first)) == json.dumps(without_long_numbers(second))
        assert same or mid_of(first) == mid_of(second) not in (None, "")
