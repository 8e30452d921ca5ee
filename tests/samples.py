"""Conversations and rows for tests: plain ones with few words, and odd ones as Hypothesis strategies."""

from __future__ import annotations

from itertools import count
from typing import Any, get_args

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from chalicelib.conversation import Conversation, Pause
from chalicelib.message import Actor, AuthorType, Failure, LastMessage, Message, State

NOW = 1_700_000_000_000
ANA = Actor("operator", "ana", "Ana")
BOT = Actor("bot", "bot", "Bot")
_NUMBERS = count(1)


def new_id() -> str:
    """The id of a conversation that no other test has."""
    return f"messenger:page{next(_NUMBERS)}:200"


def said(conversation_id: str, at: int = 0, **changes: Any) -> Message:
    """What the user said `at` ms after NOW; it reached us 5 ms later."""
    content = {"author": "user", "kind": "text", "text": "hello", "state": "received", **changes}
    times = {"sent_at": NOW + at, "received_at": NOW + at + 5}
    return Message(**{"conversation_id": conversation_id, "id": f"m:{at}", **times, **content})


def sent(conversation_id: str, at: int = 0, **changes: Any) -> Message:
    """What Ana sent `at` ms after NOW."""
    content = {"id": f"s:{at}", "author": "operator", "by": ANA, "state": "queued", "attempt": 1, "attempted_at": NOW}
    return said(conversation_id, at, **{**content, **changes})


def row(at: int, name: str = "", **changes: Any) -> Message:
    """What the user said at `at`, received at once."""
    content: dict[str, Any] = {"author": "user", "kind": "text", "text": "hello", "sent_at": at, "received_at": at}
    return Message(**{"conversation_id": "messenger:17:42", "id": f"m:{name or at}", **content, **changes})


def talk(conversation_id: str, **changes: Any) -> Conversation:
    """A conversation as it is stored: written once."""
    return Conversation(**{"id": conversation_id, "version": 1, "last_activity_at": NOW, **changes})


def pause(at: int = 0, until: int | None = None) -> Pause:
    """A pause by Ana, `at` ms after NOW; `until` counts from NOW too."""
    return Pause(NOW + at, None if until is None else NOW + until, ANA, "why")


def examples(count: int) -> settings:
    """So many examples, the same in each run, however long an engine takes for one."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.differing_executors]
    return settings(max_examples=count, deadline=None, derandomize=True, suppress_health_check=slow)


ODD_TEXTS = st.sampled_from(
    ["", " ", "\x00", "\ufeff", "\u202eabc", "👩‍👩‍👧‍👦", "e\u0301", "\U0010ffff", '"\\', "\u2028"]
)
HALVES = st.sampled_from(["\ud83d", "a\udc00b", "\udc00\ud800"])
"""Halves of surrogate pairs, which UTF-8 cannot hold; JSON can say them."""

texts = st.text(st.characters(codec="utf-8"), max_size=20) | ODD_TEXTS
json_texts = texts | HALVES
times = st.integers(10**12, 2 * 10**12)
close_times = st.integers(NOW, NOW + 4)
"""Few enough to meet each other."""
epochs = st.integers(0, 10**10 - 1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | json_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_texts, inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(json_texts, json_values, max_size=3)
actors = st.builds(Actor, st.sampled_from(get_args(AuthorType)), json_texts, json_texts)
row_ids = st.builds(
    "{}:{}".format, st.sampled_from("mest"), st.text(st.characters(min_codepoint=33, max_codepoint=126))
)


def messages(at: st.SearchStrategy[int] = times) -> st.SearchStrategy[Message]:
    """Rows with anything in every field."""
    return st.builds(
        Message,
        conversation_id=st.builds(new_id),
        id=row_ids,
        author=st.sampled_from(get_args(AuthorType)),
        kind=st.sampled_from(["text", "attachment", "postback", "reaction", "paused", "unknown"]),
        sent_at=at,
        received_at=at,
        by=st.none() | actors,
        text=st.none() | texts,
        attachments=st.lists(json_objects, max_size=2).map(tuple),
        details=st.none() | json_objects,
        raw=st.none() | texts,
        cut=st.booleans(),
        standby=st.booleans(),
        state=st.none() | st.sampled_from(get_args(State)),
        held_under=st.none() | epochs,
        caused=st.none() | epochs,
        attempt=st.integers(0, 9),
        attempted_at=st.none() | at,
        mid=st.none() | texts,
        failure=st.none() | st.builds(Failure, json_texts, json_texts, st.booleans()),
        correlation_id=st.none() | texts,
    )


def conversations(at: st.SearchStrategy[int] = times) -> st.SearchStrategy[Conversation]:
    """Conversations with anything in every field."""
    last = st.builds(
        lambda sent_at, row_id, author, by, text: LastMessage(f"{sent_at:013d}#{row_id}", author, by, text, sent_at),
        at,
        row_ids,
        st.sampled_from(get_args(AuthorType)),
        st.none() | actors,
        json_texts,
    )
    return st.builds(
        Conversation,
        id=st.builds(new_id),
        epoch=epochs,
        version=st.integers(1, 10**9),
        pause=st.none() | st.builds(Pause, at, st.none() | at, actors, st.none() | texts, st.none() | at),
        waiting_since=st.none() | at,
        changed_at=at | st.just(0),
        last_activity_at=at,
        last_message=st.none() | last,
        last_user_message_at=st.none() | at,
        last_received_at=st.none() | at,
        last_answer_at=st.none() | at,
        last_operator=st.none() | actors,
        last_operator_at=st.none() | at,
        last_said=st.none() | last,
        told_epoch=epochs,
        seen_at=st.none() | at,
        delivered_at=st.none() | at,
        read_at=st.none() | at,
        name=st.none() | texts,
        picture_url=st.none() | texts,
        draining=st.none() | texts,
        called_epoch=st.none() | epochs,
        profile_due_at=st.none() | at,
    )
