"""How conversations change: pure functions of what was and when, and what must hold whatever comes in which order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.conversation import (
    DAY,
    STOP,
    SYSTEM,
    Conversation,
    Pause,
    answered,
    called,
    paused,
    releases,
    repaused,
    reply_window,
    resumed,
    touched,
    transition_row,
    wants_profile,
)
from chalicelib.message import Actor, LastMessage, Message, preview
from tests.samples import ANA, BOT, examples, row

ID = "messenger:17:42"
NEW = Conversation(id=ID)
BEN = Actor("operator", "ben", "Ben")
MINUTE = 60_000


def reply(at: int, by: Actor = ANA, **changes: Any) -> Message:
    """What an operator sent."""
    content = {"author": "operator", "by": by, "state": "sent", "id": f"s:{by.id}{at}", **changes}
    return row(at, **content)


def pause(since: int, until: int | None = None, by: Actor = ANA, reason: str | None = "why") -> Pause:
    """A pause."""
    return Pause(since, until, by, reason)


# --- Touching


def test_the_first_message_makes_the_conversation() -> None:
    assert touched(NEW, row(100, received_at=130), 150) == Conversation(
        id=ID,
        last_activity_at=150,
        last_message=LastMessage("0000000000100#m:100", "user", None, "hello", 100),
        last_user_message_at=100,
        last_received_at=130,
    )


def test_an_older_message_does_not_replace_a_newer_one() -> None:
    conversation = touched(touched(NEW, row(100), 100), row(90, received_at=110), 110)
    assert conversation.last_message is not None
    assert conversation.last_message.id == "m:100"
    assert (conversation.last_user_message_at, conversation.last_received_at) == (100, 110)
    assert conversation.last_activity_at == 110


@pytest.mark.parametrize("changes", [{"kind": "reaction"}, {"author": "bot"}, {"author": "system", "kind": "deleted"}])
def test_what_wants_nobody_leaves_unread_and_waiting(changes: dict[str, Any]) -> None:
    before = NEW._replace(epoch=1, pause=pause(50))
    after = touched(before, row(100, **changes), 100)
    assert (after.unread, after.waiting_since, after.last_user_message_at) == (False, None, None)
    assert after.last_message is not None
    assert after.last_activity_at == 100


@pytest.mark.parametrize(
    ("received_at", "seen_at", "unread"),
    [(None, None, False), (None, 5, False), (5, None, True), (5, 4, True), (5, 5, False), (5, 6, False)],
)
def test_unread_follows_from_times(received_at: int | None, seen_at: int | None, unread: bool) -> None:
    assert NEW._replace(last_received_at=received_at, seen_at=seen_at).unread is unread


@pytest.mark.parametrize(
    ("conversation", "has_news"),
    [
        (NEW, False),
        (NEW._replace(epoch=1), True),
        (NEW._replace(epoch=2, told_epoch=2), False),
        (NEW._replace(epoch=2, told_epoch=2, draining="x"), True),
        (NEW._replace(epoch=3, told_epoch=3, draining="x", pause=pause(1)), False),
    ],
)
def test_the_bot_is_owed_a_transition_and_in_an_active_conversation_what_was_held(
    conversation: Conversation, has_news: bool
) -> None:
    assert conversation.has_news is has_news


def test_the_newest_that_a_person_has_said_is_kept() -> None:
    one = touched(NEW, reply(100), 100)
    assert one.last_said == preview(reply(100))
    assert touched(one, reply(90, BEN), 110).last_said == one.last_said
    assert touched(one, row(120), 120).last_said == one.last_said
    assert touched(one, reply(120, BEN, state="queued"), 120).last_said == preview(reply(120, BEN))


def waiting(*steps: Message, since: int = 100) -> int | None:
    """Since when somebody waits after a pause and such rows."""
    conversation = paused(touched(NEW, row(90), 90), pause(since))
    for step in steps:
        conversation = touched(conversation, step, step.received_at)
    return conversation.waiting_since


@pytest.mark.parametrize(
    ("steps", "since"),
    [
        ([], 100),
        ([row(110)], 100),
        ([reply(120)], None),
        ([row(110), reply(120)], None),
        ([reply(120), row(130)], 130),
        ([reply(120), row(130), row(140)], 130),
        ([reply(120), row(140), row(130)], 130),
        ([row(110), reply(120), row(130), reply(140)], None),
        ([reply(120), row(115)], None),
        ([row(130), reply(120)], 130),
        ([reply(95)], 100),
        ([row(120, author="page_inbox")], None),
        ([reply(120, state="failed")], 100),
        ([reply(120, author="bot")], 100),
        ([reply(120), row(130, kind="reaction")], None),
        ([row(95)], 100),
        ([row(120), reply(120)], None),
        ([reply(120), row(120)], None),
        ([reply(120), row(110, received_at=130)], 130),
        ([reply(120), row(130, received_at=115)], None),
        ([row(130), reply(120, attempted_at=140)], None),
    ],
)
def test_waiting_begins_with_the_pause_or_the_first_message_after_an_answer(
    steps: list[Message], since: int | None
) -> None:
    assert waiting(*steps) == since


def test_nobody_waits_in_an_active_conversation() -> None:
    conversation = touched(touched(NEW, row(100), 100), reply(90), 110)
    assert conversation.waiting_since is None
    assert touched(conversation, row(120), 120).waiting_since is None


def test_a_late_row_does_not_let_the_wait_begin_before_the_pause() -> None:
    answered_before = NEW._replace(last_answer_at=30)
    conversation = paused(answered_before, pause(100))
    assert touched(conversation, row(50), 150).waiting_since == 100
    nobody_waits = conversation._replace(waiting_since=None)
    assert touched(nobody_waits, row(50), 150).waiting_since == 100


def test_an_answer_names_the_last_operator() -> None:
    one = answered(NEW, reply(100))
    assert (one.last_answer_at, one.last_operator, one.last_operator_at) == (100, ANA, 100)
    assert answered(one, reply(90, BEN)) == one
    assert answered(one, reply(110, BEN)).last_operator == BEN
    inbox = answered(one, row(120, author="page_inbox"))
    assert (inbox.last_answer_at, inbox.last_operator) == (120, ANA)
    retried = answered(one, reply(90, BEN, attempted_at=110))
    assert (retried.last_answer_at, retried.last_operator, retried.last_operator_at) == (110, BEN, 110)


TIMES = st.integers(1, 40)
ACTORS = st.sampled_from([ANA, BEN, BOT, STOP])
KINDS = st.sampled_from(["text", "attachment", "reaction", "postback", "unknown"])
SAID = st.builds(
    lambda sent, late, kind: row(sent, f"u{sent}.{late}.{kind}", received_at=sent + late, kind=kind),
    TIMES,
    st.integers(0, 20),
    KINDS,
)
SENT = st.builds(
    lambda at, by, state: reply(at, by, state=state),
    TIMES,
    st.sampled_from([ANA, BEN]),
    st.sampled_from(["sent", "queued", "failed"]),
)
INBOX = st.builds(lambda at: row(at, f"i{at}", author="page_inbox", state="sent"), TIMES)
ROWS = SAID | SENT | INBOX


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """A conversation that came about by rows, pauses and resumes."""
    conversation, now = NEW, 0
    for _ in range(draw(st.integers(0, 8))):
        now += draw(st.integers(0, 10))
        step = draw(st.sampled_from(["touch", "touch", "pause", "repause", "resume", "see"]))
        if step == "touch":
            conversation = touched(conversation, draw(ROWS), now)
        elif step == "pause" and conversation.pause is None:
            conversation = paused(conversation, pause(now, by=draw(ACTORS)))
        elif step == "repause":
            conversation = repaused(conversation, now + 5, None, draw(ACTORS))
        elif step == "resume" and conversation.pause is not None:
            conversation = resumed(conversation, now)
        elif step == "see":
            conversation = conversation._replace(seen_at=max(conversation.seen_at or 0, now))
    return conversation


@examples(400)
@given(conversations(), ROWS, TIMES)
def test_touching_twice_is_touching_once(conversation: Conversation, new: Message, now: int) -> None:
    once = touched(conversation, new, now)
    assert touched(once, new, now) == once
    assert touched(once, new, now + 9) == once._replace(last_activity_at=max(once.last_activity_at, now + 9))


@examples(400)
@given(conversations(), ROWS, ROWS, TIMES, TIMES)
def test_touching_again_later_changes_nothing_but_activity(
    conversation: Conversation, first: Message, other: Message, now: int, later: int
) -> None:
    """What a retry does after others went on."""
    both = touched(touched(conversation, first, now), other, now)
    again = touched(both, first, later)
    assert again == both._replace(last_activity_at=max(both.last_activity_at, later), waiting_since=again.waiting_since)
    if again.waiting_since != both.waiting_since:  # an answer older than both left the later of two messages waiting
        assert (both.last_answer_at or 0) < (again.waiting_since or 0) == first.received_at < (both.waiting_since or 0)


def test_of_two_answers_in_one_millisecond_the_last_operator_is_always_the_same() -> None:
    ana, ben = reply(1, ANA), reply(1, BEN)
    one, other = touched(touched(NEW, ana, 1), ben, 1), touched(touched(NEW, ben, 1), ana, 1)
    assert one.last_operator == other.last_operator == touched(one, ana, 1).last_operator


@examples(400)
@given(st.lists(st.sampled_from(["pause", "resume"]), max_size=3), SAID | INBOX, SAID | INBOX, TIMES)
def test_two_rows_may_come_in_either_order(steps: list[str], one: Message, other: Message, now: int) -> None:
    conversation = NEW
    for at, step in enumerate(steps, start=10):
        if step == "pause" and conversation.pause is None:
            conversation = paused(conversation, pause(at))
        elif step == "resume" and conversation.pause is not None:
            conversation = resumed(conversation, at)
    forth = touched(touched(conversation, one, now), other, now)
    back = touched(touched(conversation, other, now), one, now)
    assert forth == back


@examples(400)
@given(conversations(), ROWS, TIMES)
def test_times_and_the_newest_message_never_go_back(conversation: Conversation, new: Message, now: int) -> None:
    after = touched(conversation, new, now)
    assert after.last_activity_at == max(conversation.last_activity_at, now)
    assert after.last_message is not None
    assert after.last_message.order >= (conversation.last_message.order if conversation.last_message else "")
    for name in ("last_user_message_at", "last_received_at", "last_answer_at", "last_operator_at"):
        assert (getattr(after, name) or 0) >= (getattr(conversation, name) or 0)
    assert (after.epoch, after.pause, after.changed_at) == (
        conversation.epoch,
        conversation.pause,
        conversation.changed_at,
    )


@examples(400)
@given(conversations(), ROWS, TIMES)
def test_waiting_means_paused_and_unanswered(conversation: Conversation, new: Message, now: int) -> None:
    after = touched(conversation, new, now)
    if after.waiting_since is not None:
        assert after.pause is not None
        assert after.waiting_since >= after.pause.since
        assert after.waiting_since > (after.last_answer_at or 0) or after.waiting_since == after.pause.since
    if after.pause is not None and new.wants_person and new.received_at > (after.last_answer_at or 0):
        assert after.waiting_since is not None


# --- Transitions


@pytest.mark.parametrize(
    ("now", "until", "holds"),
    [(100, None, True), (10**15, None, True), (199, 200, True), (200, 200, False), (201, 200, False)],
)
def test_a_pause_holds_until_its_end(now: int, until: int | None, holds: bool) -> None:
    conversation = paused(NEW, pause(100, until))
    assert conversation.pause_at(now) == (conversation.pause if holds else None)
    assert NEW.pause_at(now) is None


@examples(200)
@given(conversations(), ACTORS, TIMES)
def test_a_pause_raises_the_epoch_and_lets_the_user_wait(conversation: Conversation, by: Actor, now: int) -> None:
    conversation = conversation._replace(pause=None)
    after = paused(conversation, pause(now, by=by))
    assert (after.epoch, after.pause, after.waiting_since) == (conversation.epoch + 1, pause(now, by=by), now)
    assert (after.changed_at, after.last_activity_at) == (now, max(conversation.last_activity_at, now))
    assert after.last_message == conversation.last_message


@examples(200)
@given(conversations(), TIMES)
def test_a_resume_raises_the_epoch_and_ends_the_wait(conversation: Conversation, now: int) -> None:
    after = resumed(conversation, now)
    assert (after.epoch, after.pause, after.waiting_since) == (conversation.epoch + 1, None, None)
    assert (after.changed_at, after.last_activity_at) == (now, max(conversation.last_activity_at, now))


@pytest.mark.parametrize(
    ("old", "until", "reason", "by", "new"),
    [
        (pause(5, 50, ANA, "a"), None, None, BEN, pause(5, 50, ANA, "a")),
        (pause(5, 50, ANA, "a"), 90, None, BEN, pause(5, 90, ANA, "a")),
        (pause(5, None, ANA, None), 90, "b", BEN, pause(5, 90, ANA, "b")),
        (pause(5, 50, ANA, "a"), 20, "b", BEN, pause(5, 20, ANA, "b")),
        (pause(5, 50, ANA, "a"), 20, "b", BOT, pause(5, 50, ANA, "b")),
        (pause(5, None, ANA, "a"), 20, "b", BOT, pause(5, None, ANA, "b")),
        (pause(5, 50, ANA, "a"), 90, "b", BOT, pause(5, 90, ANA, "b")),
        (pause(5, 50, BOT, "a"), 20, "b", BOT, pause(5, 20, BOT, "b")),
        (pause(5, None, STOP, "s"), None, "b", BEN, pause(5, None, BEN, "b")),
        (pause(5, None, STOP, "s"), None, None, STOP, pause(5, None, STOP, "s")),
        (pause(5, None, SYSTEM, "s"), None, None, BEN, pause(5, None, SYSTEM, "s")),
    ],
)
def test_a_second_pause_changes_end_and_reason_only(
    old: Pause, until: int | None, reason: str | None, by: Actor, new: Pause
) -> None:
    before = paused(NEW, old)
    after = repaused(before, until, reason, by)
    assert after == before._replace(pause=new)
    assert repaused(after, until, reason, by) == after


@pytest.mark.parametrize(
    ("owner", "by", "until"),
    [(ANA, BOT, 50), (Actor("page_inbox", "", ""), BOT, 50), (BOT, BOT, 20), (SYSTEM, BOT, 20), (ANA, BEN, 20)],
)
def test_only_people_make_a_persons_pause_end_earlier(owner: Actor, by: Actor, until: int) -> None:
    again = repaused(paused(NEW, pause(5, 50, owner)), 20, None, by).pause
    assert again is not None
    assert again.until == until


def test_a_second_pause_of_an_active_conversation_is_none() -> None:
    assert repaused(NEW, 5, "x", ANA) == NEW


def test_the_row_of_a_transition_says_who_and_why() -> None:
    on = paused(NEW, pause(100, 900))
    assert transition_row(on, BOT, "why", 100) == Message(
        conversation_id=ID,
        id="t:1",
        author="system",
        by=BOT,
        kind="paused",
        text="why",
        sent_at=100,
        received_at=100,
        details={"epoch": 1, "until": 900},
    )
    off = transition_row(resumed(on, 200), ANA, None, 200)
    assert (off.id, off.kind, off.by, off.text, off.details) == ("t:2", "resumed", ANA, None, {"epoch": 2})
    assert (off.state, off.wants_person, off.is_answer) == (None, False, False)
    endless = transition_row(paused(NEW, pause(100)), ANA, None, 100)
    assert endless.details == {"epoch": 1, "until": None}


def test_being_called_to_an_earlier_pause_takes_nothing_back() -> None:
    assert [called(NEW._replace(called_epoch=before), 3).called_epoch for before in (None, 1, 5)] == [3, 3, 5]


@pytest.mark.parametrize(("due_at", "wants"), [(None, True), (99, True), (100, True), (101, False)])
def test_a_profile_is_asked_for_once_it_is_due(due_at: int | None, wants: bool) -> None:
    assert wants_profile(NEW._replace(profile_due_at=due_at), 100) is wants


@pytest.mark.parametrize(
    ("after", "as_usual", "as_human_agent"),
    [
        (DAY - 1, ("response", DAY), ("response", DAY)),
        (DAY, ("closed", DAY), ("human_agent", 7 * DAY)),
        (7 * DAY - 1, ("closed", DAY), ("human_agent", 7 * DAY)),
        (7 * DAY, ("closed", DAY), ("closed", 7 * DAY)),
    ],
)
def test_a_window_is_open_until_its_end(after: int, as_usual: tuple[str, int], as_human_agent: tuple[str, int]) -> None:
    for human_agent, (type_, lasts) in ((False, as_usual), (True, as_human_agent)):
        assert reply_window(1000, 1000 + after, human_agent) == (type_, 1000 + lasts)


# --- The user's own wish


def wish(at: int, payload: str | None = "HITL_STOP", **changes: Any) -> Message:
    """A tap on a button."""
    details = None if payload is None else {"payload": payload}
    return row(at, **{"kind": "postback", "details": details, **changes})


PAUSED = paused(NEW, pause(100))._replace(epoch=3)


@pytest.mark.parametrize(
    ("conversation", "tap", "ends"),
    [
        (PAUSED, wish(101), True),
        (PAUSED, wish(100), False),
        (PAUSED, wish(99), False),
        (PAUSED, wish(99, "HITL_STOP:3"), True),
        (PAUSED, wish(101, "HITL_STOP:3"), True),
        (PAUSED, wish(101, "HITL_STOP:2"), False),
        (PAUSED, wish(101, "HITL_STOP:4"), False),
        (PAUSED, wish(101, "HITL_STOP:0"), False),
        (PAUSED, wish(101, caused=2), False),
        (PAUSED, wish(101, "HITL_STOP:3", caused=3), False),
        (PAUSED, wish(101, "OTHER"), False),
        (PAUSED, wish(101, None), False),
        (PAUSED, wish(101, kind="text"), False),
        (PAUSED, wish(101, kind="quick_reply"), False),
        (PAUSED, row(101, text="HITL_STOP"), False),
        (PAUSED._replace(pause=None), wish(101), False),
        (PAUSED._replace(pause=None), wish(101, "HITL_STOP:3"), False),
    ],
)
def test_which_tap_ends_a_pause(conversation: Conversation, tap: Message, ends: bool) -> None:
    assert releases(conversation, tap, "HITL_STOP") is ends
    assert not releases(conversation, tap, "ANOTHER_WORD")


def test_a_second_pause_does_not_make_a_release_older() -> None:
    again = repaused(PAUSED, 900, "longer", BEN)
    assert releases(again, wish(101), "HITL_STOP")
