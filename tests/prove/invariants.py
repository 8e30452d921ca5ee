"""What must hold: after any act, and once everything that was begun has come to its end.

Each judges one conversation by its log, by the conversation itself, and by what the witness has seen. What must hold
at the very moment when the bot hears something (the barrier, the order, hearing nothing twice) is in `Witness.hear`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.conversation import SYSTEM, Conversation
from chalicelib.delivery import BOT
from chalicelib.message import QUIET_KINDS, Address, LastMessage, Message, held_key, preview, release_of
from tests.prove.witness import Violation
from tests.prove.world import PLACES, SETTINGS, World


@dataclass(frozen=True)
class Seen:
    """What is judged."""

    world: World
    place: str
    conversation: Conversation
    log: list[Message]


def nothing_is_lost(seen: Seen) -> None:
    """Whatever Meta was told is durable is in the log as it first came, and what is not done is in the mailbox."""
    rows = {row.id: row for row in seen.log}
    for (place, row_id), taken in seen.world.witness.taken.items():
        if place != seen.place:
            continue
        row = rows.get(row_id)
        if row is None:
            raise Violation(f"lost: {row_id} is not in the log")
        if row.text != taken.row.text or row.kind != taken.row.kind:
            raise Violation(f"lost: {row_id} is not in the log as it came")
        if row.is_new and not _is_posted(seen.world, row):
            raise Violation(f"lost: {row_id} waits and no letter leads to it")


def nothing_is_doubled(seen: Seen) -> None:
    """What was said once is in the log once, and Meta is given each send once for each time that a person asked."""
    texts = Counter(row.text for row in seen.log if row.author in ("user", "page_inbox") and row.text)
    twice = [text for text, times in texts.items() if times > 1]
    if twice:
        raise Violation(f"doubled: {twice[0]} is in the log {texts[twice[0]]} times")
    causes = Counter(row.text for row in seen.log if row.kind == "paused" and (row.text or "").startswith("cause"))
    if any(times > 1 for times in causes.values()):
        raise Violation("doubled: one cause has led to two pauses")
    rows = {row.id: row for row in seen.log}
    for (place, row_id), attempts in seen.world.witness.attempts.items():
        if place != seen.place:
            continue
        if row_id not in rows or attempts > rows[row_id].attempt:
            raise Violation(f"doubled: {row_id} was given to Meta {attempts} times")
        asked = 1 + seen.world.witness.asked_again[place, row_id]
        if rows[row_id].by != BOT and attempts > asked:
            raise Violation(f"doubled: {row_id} was given to Meta {attempts} times, and asked for {asked} times")


def transitions_are_logged(seen: Seen) -> None:
    """Epochs are what the log's transitions say: each has its row, a pause and a resume in turn, newest state last."""
    rows = [row for row in seen.log if row.id.startswith("t:")]
    rows.sort(key=lambda row: int(row.id[2:]))
    expected = [(f"t:{epoch}", "paused" if epoch % 2 else "resumed") for epoch in range(1, seen.conversation.epoch + 1)]
    if [(row.id, row.kind) for row in rows] != expected:
        raise Violation(f"transitions: epoch {seen.conversation.epoch}, but {[row.id for row in rows]}")
    if (seen.conversation.pause is not None) != (seen.conversation.epoch % 2 == 1):
        raise Violation("transitions: the conversation is not in the state of its last transition")
    if seen.conversation.pause is not None and seen.conversation.pause.since != rows[-1].received_at:
        raise Violation("transitions: the pause is not that of its row")


def nothing_goes_back(seen: Seen) -> None:
    """Versions, epochs, activity and marks only rise, and each write of a conversation raises its version."""
    before, now = seen.world.witness.before.get(seen.place), seen.conversation
    seen.world.witness.before[seen.place] = now
    if before is None or before == now:
        return
    if now.version <= before.version:
        raise Violation("backwards: a write has not raised the version")
    for name in ("epoch", "last_activity_at", "seen_at", "delivered_at", "read_at", "last_user_message_at"):
        if (getattr(now, name) or 0) < (getattr(before, name) or 0):
            raise Violation(f"backwards: {name}")


def outcomes_stay(seen: Seen) -> None:
    """What was delivered, held or sent stays so; a cause keeps its mark, and an attempt is never taken back."""
    for row in seen.log:
        before = seen.world.witness.rows.get((seen.place, row.id), row)
        seen.world.witness.rows[seen.place, row.id] = row
        may_drain = before.state == "held" and row.state == "delivered"
        if before.state in ("delivered", "held", "sent") and row.state != before.state and not may_drain:
            raise Violation(f"backwards: {row.id} was {before.state} and is {row.state}")
        if row.attempt < before.attempt or (row.caused or 0) < (before.caused or 0):
            raise Violation(f"backwards: {row.id} forgets an attempt or what it caused")
        if (row.text, row.sent_at, row.received_at) != (before.text, before.sent_at, before.received_at):
            raise Violation(f"doubled: {row.id} was written over")


def marks_are_kept(seen: Seen) -> None:
    """What was seen, delivered and read stays so."""
    for (place, name), at in seen.world.witness.marks.items():
        if place == seen.place and (getattr(seen.conversation, name) or 0) < at:
            raise Violation(f"backwards: {name} is before what was marked")


def held_is_held(seen: Seen) -> None:
    """A row is held under a pause of the log, delivered only if the bot heard it, and counted under its epoch."""
    heard = {each.row_id for each in seen.world.witness.hearings if each.place == seen.place}
    held = Counter(row.held_under for row in seen.log if row.state == "held")
    for row in seen.log:
        if row.author == "user" and row.state == "delivered" and row.id not in heard:
            raise Violation(f"lost: {row.id} counts as delivered and the bot never heard it")
        if (row.state == "held") != (row.held_under is not None):
            raise Violation(f"held: {row.id} is {row.state} under {row.held_under}")
    for epoch, count in held.items():
        if seen.world.store.held_count(seen.place, epoch or 0) != count:
            raise Violation("held: the count is not that of the log")


def heard_in_active_epochs(seen: Seen) -> None:
    """What the bot hears belongs to an epoch in which it may speak."""
    for hearing in seen.world.witness.hearings:
        if hearing.place == seen.place and hearing.epoch % 2:
            raise Violation(f"barrier: {hearing.row_id} reached the bot in the epoch of a pause")


def sends_are_settled(seen: Seen) -> None:
    """What is sent was taken by Meta and has its mid; what Meta refused is not sent, what it echoed is."""
    accepted = {(each.row_id, each.mid) for each in seen.world.witness.accepted if each.place == seen.place}
    taken = {row_id for row_id, _ in accepted}
    for row in seen.log:
        if not row.id.startswith("s:"):
            continue
        if row.state == "sent" and row.id not in taken:
            raise Violation(f"sends: {row.id} counts as sent, and Meta never took it")
        if row.state != "sent" and (seen.place, row.id) in seen.world.witness.confirmed:
            raise Violation(f"sends: {row.id} is {row.state} after its echo was taken")
        if row.state == "sent" and row.mid is None:
            raise Violation(f"sends: {row.id} is sent and has no mid")


def one_answers_what_was_seen(seen: Seen) -> None:
    """Of several operators who answer the same, having seen the same, one does."""
    for (place, seen_id), replies in seen.world.witness.replies.items():
        if place == seen.place and len(set(replies.values())) > 1:
            raise Violation(f"voice: {sorted(replies)} answer past each other, having seen {seen_id}")


def the_past_undoes_nothing(seen: Seen) -> None:
    """What the user or the inbox said before a transition does not lead to the next one, unless it names the pause."""
    rows = {row.id: row for row in seen.log}
    for row in seen.log:
        before = None if row.caused is None else rows.get(f"t:{row.caused - 1}")
        if row.caused is None or before is None or row.sent_at > before.sent_at:
            continue
        is_release, epoch = release_of((row.details or {}).get("payload"), SETTINGS.release)
        if row.author == "page_inbox" or (is_release and row.caused % 2 == 0 and epoch != row.caused - 1):
            raise Violation(f"past: {row.id} was said before {before.id} and has led to t:{row.caused}")


def the_bot_ends_its_own_turns(seen: Seen) -> None:
    """A handler, however late, resumes the turn that it was given, and nobody else's pause."""
    for row in seen.log:
        is_its = row.kind == "resumed" and row.by == BOT
        if is_its and (seen.place, int(row.id[2:]) - 1) not in seen.world.witness.turns:
            raise Violation(f"turn: a handler has made {row.id}, and was never given that turn")


def each_pause_calls_once(seen: Seen) -> None:
    """Operators hear of a pause once, unless who called them died before that was noted."""
    calls = sum(each.place == seen.place and each.answered for each in seen.world.witness.callings)
    by = [row.by.type for row in seen.log if row.kind == "paused" and row.by is not None]
    if calls > len(by) - by.count("operator") - by.count("page_inbox"):
        raise Violation(f"called: the operators hear of the same again, {calls} times")


def the_operators_were_called(seen: Seen) -> None:
    """At rest, they have heard of the pause that holds, if the bot or its failure has made it."""
    conversation = seen.conversation
    pause = conversation.pause_at(seen.world.clock())
    if pause is None or not (pause.by.type == "bot" or pause.by == SYSTEM):
        return
    heard = any(each.place == seen.place for each in seen.world.witness.callings)
    if conversation.called_epoch != conversation.epoch or not heard:
        raise Violation(f"called: nobody hears of the pause of epoch {conversation.epoch}")


def the_bot_knows_its_own_pauses(seen: Seen) -> None:
    """The bot is told of no pause of its own."""
    by_bot = {row.id for row in seen.log if row.kind == "paused" and row.by is not None and row.by.type == "bot"}
    for telling in seen.world.witness.tellings:
        if telling.place == seen.place and telling.row_id in by_bot:
            raise Violation(f"told: the bot hears of its own pause {telling.row_id}")


def the_bot_was_told(seen: Seen) -> None:
    """At rest, the bot knows of the pause that holds, and nothing that was asked for is still held."""
    conversation = seen.conversation
    if conversation.pause is not None and conversation.told_epoch != conversation.epoch:
        raise Violation(f"told: the bot never hears of {conversation.epoch}")
    if conversation.pause is None and conversation.draining is not None:
        raise Violation("held: a drain has no end")
    epoch, start = seen.world.witness.asked_for.get(seen.place, (-1, ""))
    left = [row.id for row in seen.log if row.held_under is not None and held_key(row.held_under, row.order) >= start]
    if epoch == conversation.epoch and left:
        raise Violation(f"lost: {left[0]} was to be delivered and is still held")


def everything_is_done(seen: Seen) -> None:
    """At rest, nothing waits: every event of a user is with the bot or held."""
    for row in seen.log:
        if row.is_new:
            raise Violation(f"lost: {row.id} is neither with the bot nor held")


def sends_have_one_row(seen: Seen) -> None:
    """At rest, a send and its echo are one row, unless nobody could have known that they belong together."""
    for accepted in seen.world.witness.accepted:
        if accepted.place != seen.place or (seen.place, accepted.row_id) in seen.world.witness.untold:
            continue
        row = seen.world.store.row(seen.place, accepted.row_id)
        if row is None:
            raise Violation(f"lost: the send {accepted.row_id} has no row")
        if row.mid == accepted.mid and row.state == "sent":
            found = seen.world.store.row(seen.place, f"m:{accepted.mid}")
            if found != row:
                raise Violation(f"doubled: the echo of {accepted.row_id} is a row of its own")


def conversation_follows_from_log(seen: Seen) -> None:
    """At rest, the conversation says what its log says."""
    conversation, log = seen.conversation, seen.log
    wanting = [row for row in log if row.wants_person]
    _equal("last_user_message_at", conversation.last_user_message_at, _latest(row.sent_at for row in wanting))
    _equal("last_received_at", conversation.last_received_at, _latest(row.received_at for row in wanting))
    _equal("unread", conversation.unread, any(row.received_at > (conversation.seen_at or 0) for row in wanting))
    talk = [row for row in log if not row.id.startswith("t:") and row.kind not in QUIET_KINDS]
    sure = [row for row in talk if row.state != "refused" and not _is_untold(seen, row)]
    least = max((row.order for row in sure), default="")
    if conversation.last_message not in [preview(row) for row in talk if row.order >= least] + [_newest(sure)]:
        raise Violation(f"follows: last_message is {conversation.last_message}, the log says {_newest(talk)}")
    newest = max((row.received_at for row in sure), default=0)
    if conversation.last_activity_at < newest:
        raise Violation("follows: last_activity_at is before what was logged")
    answers = [row for row in log if row.is_answer]
    latest = _latest(row.given_at for row in answers) or 0
    if (conversation.last_answer_at or 0) != latest:
        raise Violation(f"follows: last_answer_at is {conversation.last_answer_at}, the log says {latest}")
    operators = [row for row in answers if row.author == "operator"]
    _equal("last_operator_at", conversation.last_operator_at, _latest(row.given_at for row in operators))
    _waiting_follows(conversation, wanting, latest, log)


def _is_untold(seen: Seen, row: Message) -> bool:
    return (row.conversation_id, row.id) in seen.world.witness.untold and row.state != "sent"


def _waiting_follows(conversation: Conversation, wanting: list[Message], answered: int, log: list[Message]) -> None:
    pause = conversation.pause
    if pause is None:
        _equal("waiting_since", conversation.waiting_since, None)
        return
    unanswered = [row.received_at for row in wanting if row.received_at > answered]
    since = [max(at, pause.since) for at in unanswered]
    # The wait for a person who began it by answering begins with that.
    causes = [row.given_at for row in log if row.by_person and row.caused == conversation.epoch]
    began = min([pause.since, *causes])
    since += [began, pause.since] if began > answered else []
    since += unanswered if causes else []
    if (conversation.waiting_since is not None) != bool(since):
        raise Violation(f"follows: waiting_since is {conversation.waiting_since}, the log says {sorted(since)}")
    if since and not min(since) <= (conversation.waiting_since or 0) <= max(since):
        raise Violation(
            f"follows: waiting_since is {conversation.waiting_since}, the log says {sorted(since)}, {pause}"
        )


def lists_follow_from_conversations(world: World, conversations: list[Conversation]) -> None:
    """At rest, every list and count is what the conversations say."""
    now, store = world.clock(), world.store
    mine = {each.id for each in conversations}
    paused = [each for each in conversations if each.pause_at(now) is not None]
    waiting = sorted((each.waiting_since or 0, each.id) for each in paused if each.waiting_since is not None)
    newest = sorted(((each.last_activity_at, each.id) for each in conversations), reverse=True)
    expected = {
        "all": [id_ for _, id_ in newest],
        "active": [id_ for _, id_ in newest if id_ not in {each.id for each in paused}],
        "waiting": [id_ for _, id_ in waiting],
    }
    for status, ids in expected.items():
        page = store.list(status, now, 100)  # type: ignore[arg-type]
        _equal(f"the list {status}", [each.id for each in page.conversations if each.id in mine], ids)
    page = store.list("paused", now, 100)
    _equal("the list paused", sorted(each.id for each in page.conversations), sorted(each.id for each in paused))
    _equal("the count of who waits", store.waiting_count(now), len(waiting))


ALWAYS: tuple[Callable[[Seen], None], ...] = (
    nothing_is_lost,
    nothing_is_doubled,
    transitions_are_logged,
    nothing_goes_back,
    outcomes_stay,
    marks_are_kept,
    held_is_held,
    heard_in_active_epochs,
    sends_are_settled,
    one_answers_what_was_seen,
    the_past_undoes_nothing,
    the_bot_ends_its_own_turns,
    each_pause_calls_once,
    the_bot_knows_its_own_pauses,
)
AT_REST: tuple[Callable[[Seen], None], ...] = (
    everything_is_done,
    the_bot_was_told,
    the_operators_were_called,
    sends_have_one_row,
    conversation_follows_from_log,
)


def check(world: World, *, at_rest: bool = False) -> None:
    """Raise Violation where something does not hold."""
    stop, before = world.store.stop(), world.witness.stop
    if stop != before and stop.version <= before.version:
        raise Violation("backwards: the stop's version")
    world.witness.stop = stop
    conversations = []
    for place in PLACES:
        conversation, log = world.conversation(place), world.log(place)
        if conversation is None:
            if at_rest and log:
                raise Violation("lost: a log without a conversation")
            conversation = Conversation(id=place)
        else:
            conversations.append(conversation)
        for holds in ALWAYS + (AT_REST if at_rest else ()):
            holds(Seen(world, place, conversation, log))
    if at_rest:
        broke_at, page = world.witness.broke_at, Address.parse(PLACES[0]).page
        if broke_at is not None and world.witness.worked_at < broke_at and not world.store.disconnections([page]):
            raise Violation("page: it is not marked, and nothing has worked since its token was rejected")
        lists_follow_from_conversations(world, conversations)


def _newest(rows: list[Message]) -> LastMessage | None:
    return preview(max(rows, key=lambda row: row.order)) if rows else None


def _is_posted(world: World, row: Message) -> bool:
    for post in world.queue.posts:
        letter = json.loads(post.body)
        if (letter["conversation"], letter["message"]) == (row.conversation_id, row.id):
            return True
    return False


def _equal(name: str, found: object, expected: object) -> None:
    if found != expected:
        raise Violation(f"follows: {name} is {found}, the log says {expected}")


def _latest(times: object) -> int | None:
    return max(times, default=None)  # type: ignore[call-overload, no-any-return]
