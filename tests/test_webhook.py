"""The webhook's signature and body, by the project's own payload files and by the bodies of other projects."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import BadRequest, Forbidden, HitlError, NotFound, TooLarge
from chalicelib.events import (
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
    Watermark,
)
from chalicelib.message import QUIET_KINDS
from chalicelib.webhook import MAX_BODY, check_signature, parse
from tests.samples import examples

ROOT = Path(__file__).parent.parent
PAYLOADS = ROOT / "tests" / "payloads"
FOREIGN = ROOT.parent / "shared" / "messenger-events.jsonl"

SECRET = "a secret with ü"
SENT = 1_790_000_000_000
"""When the events of the payload files were sent."""
NOW = SENT + 60_000


def signed(body: bytes, secret: str = SECRET, algorithm: str = "sha256") -> str:
    """What Meta says of a body."""
    return f"{algorithm}=" + hmac.new(secret.encode(), body, algorithm).hexdigest()


# --- The signature

ACCENTS = rb'{"object":"page","entry":[],"x":"gr\u00fc\u00dfe \ud83d\ude00"}'
"""As Meta writes it: with escapes in lower case."""


def test_the_right_signature_passes() -> None:
    check_signature(ACCENTS, signed(ACCENTS), [SECRET])
    check_signature(b"", signed(b""), [SECRET])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        "sha256",
        "=",
        signed(ACCENTS)[:-1],
        signed(ACCENTS) + "0",
        signed(ACCENTS) + "\n",
        signed(ACCENTS) + "ä",
        " " + signed(ACCENTS),
        signed(ACCENTS)[7:],
        signed(ACCENTS).upper(),
        "sha256=" + signed(ACCENTS)[7:].upper(),  # Meta writes it in lower case, so nothing else is needed
        signed(ACCENTS).replace("sha256=", "sha1="),
        signed(ACCENTS, algorithm="sha1"),
        "sha256=" + hashlib.sha256(ACCENTS).hexdigest(),
        signed(ACCENTS, "another secret"),
        signed(ACCENTS, ""),
        signed(ACCENTS + b" "),
        signed(json.dumps(json.loads(ACCENTS)).encode()),
        signed(json.dumps(json.loads(ACCENTS), ensure_ascii=False, separators=(",", ":")).encode()),
        f"{signed(ACCENTS)},{signed(ACCENTS)}",
        "sha256=" + "ä" * 64,
        "sha256=" + "\ud800" * 64,
        "sha256=" + "０" * 64,
    ],
)
def test_any_other_signature_is_forbidden(header: str | None) -> None:
    with pytest.raises(Forbidden, match="app secret") as caught:
        check_signature(ACCENTS, header, [SECRET])
    assert SECRET not in caught.value.message


# --- The body as a whole


def body_of(*messaging: object, **entry: object) -> bytes:
    """A body of one entry."""
    return json.dumps({"object": "page", "entry": [{"id": "1", "messaging": list(messaging), **entry}]}).encode()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff{}", b'{"object": NaN}', b"null", b"true", b"17", b'"page"', b"[]", b'[{"object": "page"}]'],
)
def test_what_is_no_json_object_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse(body, NOW)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"object": None},
        {"object": "user"},
        {"object": "Page"},
        {"object": "page "},
        {"object": ["page"]},
        {"object": {"page": 1}},
        {"object": True},
        {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{}]}]},
    ],
)
def test_another_object_is_not_found(content: object) -> None:
    with pytest.raises(NotFound):
        parse(json.dumps(content).encode(), NOW)


def test_a_body_may_have_4_mib() -> None:
    content = b'{"object":"page","entry":[]}'
    assert parse(content + b" " * (MAX_BODY - len(content)), NOW).events == ()
    with pytest.raises(TooLarge, match=str(MAX_BODY)):
        parse(b" " * (MAX_BODY + 1), NOW)


@pytest.mark.parametrize(
    ("entry", "ignored"),
    [
        (None, {}),
        ([], {}),
        ({"id": "1", "messaging": []}, {"unreadable": 1}),
        ("1", {"unreadable": 1}),
        ([None, 1, [], "x"], {"unreadable": 4}),
        ([{}], {"unreadable": 1}),
        ([{"id": "1", "time": 1, "other": [{}]}], {"unreadable": 1}),
        ([{"id": "1", "messaging": None}], {}),
        ([{"id": "1", "messaging": {"sender": {"id": "2"}}}], {"unreadable": 1}),
        ([{"id": "1", "messaging": [None, 1, [], "x"], "standby": [False]}], {"unreadable": 5}),
        ([{"id": "1", "messaging": [{}, {"message": {"text": "x"}}]}], {"no_user": 2}),
        ([{"id": "1", "changes": [{"field": "feed"}, {"field": "leadgen"}, 3]}], {"changes": 2, "unreadable": 1}),
        ([{"messaging": [{"sender": {"id": "2"}, "message": {"text": "to no Page"}}]}], {"no_user": 1}),
    ],
)
def test_what_is_no_event_is_counted(entry: object, ignored: dict[str, int]) -> None:
    batch = parse(json.dumps({"object": "page", "entry": entry}).encode(), NOW)
    assert batch.events == ()
    assert dict(batch.ignored) == ignored


def test_a_large_batch_is_read_in_order() -> None:
    users = [str(number % 300) for number in range(1000)]
    items = [
        {"sender": {"id": f"u{user}"}, "recipient": {"id": "1"}, "message": {"mid": f"m{number}", "text": "x"}}
        for number, user in enumerate(users)
    ]
    batch = parse(body_of(*items), NOW)
    assert [event.row_id for event in batch.events] == [f"m:m{number}" for number in range(1000)]
    assert len({event.address for event in batch.events}) == 300


# --- Every kind, by the project's own payload files

HASH = "e:<hash>"
PAGE, USER = "messenger:104500000000017:", "7300000000000042"
ACCOUNT = "instagram:17841400000000017:"


@dataclass(frozen=True)
class Expected:
    """What a payload file becomes: the event, the row's id, kind, author and state, and where it is."""

    name: str
    event: type[Event]
    row_id: str
    kind: str
    author: str = "user"
    state: str | None = "received"
    place: str = PAGE + USER
    is_unread: bool = False
    is_quiet: bool = False
    cut: bool = False


def spoken(name: str, row_id: str, kind: str = "text", **more: Any) -> Expected:
    """A message of the user's."""
    return Expected(name, UserMessage, row_id, kind, is_unread=True, **more)


def instagram(name: str, event: type[Event], row_id: str, kind: str, **more: Any) -> Expected:
    """Something on Instagram."""
    return Expected(name, event, row_id, kind, place=ACCOUNT + "6100000000000042", **more)


def echo(name: str, row_id: str, author: str, kind: str = "text", **more: Any) -> Expected:
    """Something that the Page said."""
    return Expected(name, Echo, row_id, kind, author, "sent", **more)


def told(name: str, event: type[Event], kind: str) -> Expected:
    """Something that Meta tells of the conversation."""
    return Expected(name, event, HASH, kind, "system", None, is_quiet=True)


EXPECTED = [
    spoken("text", "m:m_text_01"),
    spoken("text_with_nlp_and_commands", "m:m_nlp_01"),
    spoken("text_from_an_ad", "m:m_ad_01"),
    spoken("quick_reply", "m:m_quick_01"),
    spoken("reply", "m:m_reply_01"),
    spoken("image", "m:m_image_01", "attachment"),
    spoken("several_attachments", "m:m_several_01", "attachment"),
    spoken("sticker", "m:m_sticker_01", "attachment"),
    spoken("location", "m:m_location_01", "attachment"),
    spoken("attachment_without_payload", "m:m_fallback_01", "attachment"),
    spoken("attachment_of_a_new_type", "m:m_new_01", "attachment"),
    spoken("unsupported", "m:m_unsupported_01", "unsupported"),
    spoken("ids_as_integers", "m:m_int_01"),
    spoken("entry_without_id", "m:m_noid_01"),
    spoken("without_recipient", "m:m_norecipient_01"),
    spoken("several_kinds_at_once", "m:m_both_01"),
    Expected("postback", Postback, "m:m_postback_01", "postback", is_unread=True),
    Expected("postback_without_mid", Postback, HASH, "postback", is_unread=True),
    Expected("postback_with_referral", Postback, "m:m_postback_02", "postback", is_unread=True),
    Expected("referral", Referral, HASH, "referral"),
    Expected("optin", Optin, HASH, "optin"),
    Expected("account_linked", AccountLinking, HASH, "account_linking"),
    Expected("account_unlinked", AccountLinking, HASH, "account_linking"),
    Expected("edit", Edit, HASH, "edit"),
    Expected("reaction", Reaction, HASH, "reaction"),
    Expected("reaction_taken_back", Reaction, HASH, "reaction"),
    Expected("reaction_without_mid", Reaction, HASH, "reaction"),
    Expected("unknown", Unknown, HASH, "unknown"),
    Expected("nothing_in_it", Unknown, HASH, "unknown"),
    echo("echo_of_our_send", "m:m_echo_01", "bot"),
    echo("echo_of_another_app", "m:m_echo_02", "bot"),
    echo("echo_of_the_inbox", "m:m_echo_03", "page_inbox"),
    echo("echo_of_the_inbox_without_app", "m:m_echo_04", "page_inbox"),
    echo("echo_of_an_attachment", "m:m_echo_05", "bot", "attachment"),
    echo("page_without_echo_mark", "m:m_unmarked_01", "page_inbox"),
    told("pass_thread_control", Handover, "handover"),
    told("take_thread_control", Handover, "handover"),
    told("request_thread_control", Handover, "handover"),
    told("policy", Policy, "policy"),
    told("policy_with_a_dash", Policy, "policy"),
    spoken("standby_text", "m:m_standby_01", state=None),
    Expected("standby_postback", Postback, HASH, "postback", state=None, is_unread=True),
    echo("standby_echo", "m:m_standby_02", "page_inbox"),
    instagram("instagram_text", UserMessage, "m:aWdfZG1faXRlbToxX", "text", is_unread=True),
    instagram("instagram_story_reply", UserMessage, "m:aWdfZG1faXRlbToxY", "text", is_unread=True),
    instagram("instagram_reel", UserMessage, "m:aWdfZG1faXRlbToxZ", "attachment", is_unread=True),
    instagram("instagram_deleted", Deletion, HASH, "deleted"),
    instagram("instagram_deleted_by_us", Deletion, HASH, "deleted", author="system", state=None),
    instagram("instagram_echo", Echo, "m:aWdfZG1faXRlbTo0", "text", author="bot", state="sent"),
    Expected(
        "instagram_to_itself",
        Echo,
        "m:aWdfZG1faXRlbTo5",
        "text",
        "bot",
        "sent",
        place=ACCOUNT + "17841400000000017",
    ),
    instagram("instagram_postback", Postback, "m:aWdfZG1faXRlbTo2", "postback", is_unread=True),
    instagram("instagram_reaction", Reaction, HASH, "reaction"),
    instagram("instagram_edit", Edit, HASH, "edit"),
]
WATERMARKS = {
    "delivery": (Delivery, SENT - 5000),
    "delivery_without_time": (Delivery, SENT - 5000),
    "read": (Read, SENT - 4000),
    "standby_read": (Read, SENT - 4000),
    "instagram_read": (Read, SENT),
}
IGNORED = {
    "optin_without_a_user": {"no_user": 1},
    "policy_without_a_user": {"no_user": 1},
    "app_roles": {"no_user": 1},
    "changes": {"changes": 2},
}
OTHERS = {"batch", "ids_that_are_odd", "other_object"}


def payload(name: str) -> bytes:
    """One of the project's own webhook bodies."""
    return (PAYLOADS / f"{name}.json").read_bytes()


def one(name: str) -> Event:
    """The only event of a payload file."""
    batch = parse(payload(name), NOW)
    assert dict(batch.ignored) == {}
    assert len(batch.events) == 1
    return batch.events[0]


def test_every_payload_file_is_expected_to_become_something() -> None:
    files = sorted(path.stem for path in PAYLOADS.iterdir())
    assert files == sorted([*(case.name for case in EXPECTED), *WATERMARKS, *IGNORED, *OTHERS])


@pytest.mark.parametrize("case", EXPECTED, ids=lambda case: case.name)
def test_a_kind_becomes_its_event_and_row(case: Expected) -> None:
    event = one(case.name)
    row = event.row(NOW)
    assert type(event) is case.event
    assert re.sub("^e:[0-9a-f]{40}$", HASH, event.row_id) == case.row_id
    assert row.id == event.row_id
    assert (row.kind, row.author, row.state) == (case.kind, case.author, case.state)
    assert row.conversation_id == case.place
    assert row.wants_person == case.is_unread
    assert (row.kind in QUIET_KINDS) == case.is_quiet
    assert row.standby == case.name.startswith("standby_")
    assert (row.sent_at, row.received_at) == (NOW if case.name == "entry_without_id" else SENT, NOW)
    assert not row.cut
    assert json.loads(row.raw or "") == first_item(case.name)


def first_item(name: str) -> object:
    """The item that a payload file is about."""
    entry = json.loads(payload(name))["entry"][0]
    return (entry.get("messaging") or entry["standby"])[0]


@pytest.mark.parametrize("name", WATERMARKS)
def test_delivery_and_read_are_watermarks(name: str) -> None:
    event = one(name)
    assert isinstance(event, Watermark)
    assert (type(event), event.until) == WATERMARKS[name]
    assert event.sent_at == (SENT + 250 if name == "delivery_without_time" else SENT)


@pytest.mark.parametrize("name", IGNORED)
def test_what_belongs_to_no_conversation_is_counted(name: str) -> None:
    batch = parse(payload(name), NOW)
    assert batch.events == ()
    assert dict(batch.ignored) == IGNORED[name]


def test_another_products_body_is_not_found() -> None:
    with pytest.raises(NotFound):
        parse(payload("other_object"), NOW)


def test_a_batch_is_read_whole_and_in_order() -> None:
    batch = parse(payload("batch"), NOW)
    first, second = PAGE + USER, "messenger:104500000000018:"
    assert [(event.address.conversation_id, type(event), event.standby) for event in batch.events] == [
        (first, UserMessage, False),
        (first, Read, False),
        (first, UserMessage, True),
        (second + USER, UserMessage, False),
        (second + "7300000000000043", Unknown, False),
    ]
    assert dict(batch.ignored) == {"unreadable": 2, "no_user": 1, "changes": 1}


def test_odd_ids_are_hashed_and_marked() -> None:
    event = one("ids_that_are_odd")
    assert re.fullmatch("messenger:~[0-9a-f]{32}:~[0-9a-f]{32}", event.address.conversation_id)
    assert re.fullmatch("m:~[0-9a-f]{64}", event.row_id)
    assert event.cut
    assert json.loads(event.raw) == first_item("ids_that_are_odd")


# --- What other projects test against


def foreign() -> list[dict[str, Any]]:
    """The bodies of other projects, where this repository's neighbour is."""
    if not FOREIGN.exists() and "CI" not in os.environ:
        pytest.skip("The bodies of other projects are not on this machine.")
    return [json.loads(line) for line in FOREIGN.read_text(encoding="utf-8").splitlines()]


FOREIGN_KINDS: list[tuple[str, set[type[Event]]]] = [
    ("text|attachment:.*|quick_reply|reply_to.*|message_unsupported", {UserMessage}),
    ("instagram:(attachment:.*|message_unsupported|reply_to.*|is_self)", {UserMessage}),
    ("text:.*|standby:quick_reply|instagram:standby:text", {UserMessage}),
    ("message_deleted", {Deletion}),
    (".*echo:.*", {Echo}),
    (".*postback.*", {Postback}),
    ("delivery", {Delivery}),
    ("read", {Read}),
    ("referral|lead", {Referral}),
    ("optin.*", {Optin}),
    ("account_linking", {AccountLinking}),
    (".*reaction", {Reaction}),
    ("handover:.*", {Handover}),
    ("policy_enforcement", {Policy}),
    ("game_play|payment|pre_checkout|response_feedback|send_cart|.*unknown_event", {Unknown}),
    ("batch", {UserMessage, Optin}),
    (".*changes:.*|malformed|whatsapp", set()),
]


def kinds_of(name: str) -> set[type[Event]]:
    """The events that a foreign body of this kind may bring; the first line that fits says so."""
    return next(kinds for pattern, kinds in FOREIGN_KINDS if re.fullmatch(pattern, name))


def items_in(body: Any) -> int:
    """How many things a body holds that must become a row, a watermark or a count."""
    return sum(
        len(entry[field]) for entry in body["entry"] for field in entry if isinstance(entry[field], list)
    )  # `id` and `time` are no lists


def test_bodies_of_other_projects_are_read() -> None:
    bodies = foreign()
    assert len(bodies) == 184
    answers: Counter[str] = Counter()
    for line in bodies:
        body, about = line["body"], f"{line['source']} {line['kind']}"
        content = json.dumps(body).encode()
        if body["object"] not in ("page", "instagram"):
            answers["not found"] += 1
            with pytest.raises(NotFound):
                parse(content, NOW)
            continue
        batch = parse(content, NOW)
        answers["events" if batch.events else "counted"] += 1
        assert {type(event) for event in batch.events} <= kinds_of(line["kind"]), about
        assert len(batch.events) + sum(batch.ignored.values()) == items_in(body), about
        for event in batch.events:
            event.row(NOW)
            assert NOW >= event.sent_at > 0, about
    assert answers == {"events": 163, "counted": 16, "not found": 5}


# --- Bodies that nobody would send

WORDS = st.sampled_from(["object", "page", "entry", "id", "messaging", "standby", "sender", "message", "mid", "x"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner, max_size=4),
)


def answered(body: bytes) -> None:
    """Parsed, or refused as we refuse."""
    try:
        batch = parse(body, NOW)
    except HitlError:
        return
    for event in batch.events:
        event.row(NOW)


@examples(300)
@given(st.binary())
def test_any_bytes_are_answered(body: bytes) -> None:
    answered(body)


@examples(500)
@given(ANYTHING)
def test_any_json_is_answered(value: object) -> None:
    answered(json.dumps(value).encode())
    answered(json.dumps({"object": "page", "entry": value}).encode())
    answered(json.dumps({"object": "instagram", "entry": [value]}).encode())
    answered(body_of(value, time=value, standby=value))
