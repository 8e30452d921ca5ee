"""Conversations for bots and operators: lists, history, pause and resume, replies, the Pages and the global stop.

The paths say `sessions`, as the API of botpress-hitl does.
"""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib import system
from chalicelib.auth import NO_SUCH_CONVERSATION
from chalicelib.conversation import Conversation
from chalicelib.errors import NotFound
from chalicelib.message import Address
from chalicelib.routes import shapes
from chalicelib.routes.bodies import MAX_REASON, ListParameters, Paging, PauseBody, ReplyBody
from chalicelib.routes.fields import Fields, check, moment
from chalicelib.routes.web import answer, bound_to, call_of, check_every_page, conversation_id, serve

routes = Blueprint(__name__)

SESSIONS = "/botpress-hitl/sessions"
SESSION = SESSIONS + "/{session}"
SINCE_OVERLAP = 10_000
"""Milliseconds that a mark lies before its query's start: writes take so long at most to show in every index."""
MAX_ANSWER = 2_000_000
"""Bytes of a page of history. Lambda's answers may have 6 MB, in which some characters count three times."""


@serve(routes, "GET", SESSIONS)
def list_sessions() -> Response:
    """A page of a list, or with `since` what has changed after a mark."""
    from concurrent.futures import ThreadPoolExecutor  # only lists need threads

    call, parts = call_of(routes), system.current()
    check_every_page()
    now = parts.clock()
    asked = ListParameters.of(call.parameters("status", "q", "limit", "cursor", "since"))
    limit, cursor = asked.paging.limit, asked.paging.cursor
    with ThreadPoolExecutor(1) as beside:  # so that who waits is counted while the page is read, and not after it
        waiting = beside.submit(parts.store.waiting_count, now)
        if asked.since is not None:
            listing = parts.store.changed_since(asked.since, limit, cursor)
        else:
            listing = parts.store.list(asked.status, now, limit, cursor, asked.query)
    found = {
        "sessions": [_shown(conversation, now) for conversation in listing.conversations],
        "cursor": listing.cursor,
        "since": shapes.time(now - SINCE_OVERLAP),
        "waiting": waiting.result(),
    }
    return answer({**found, "searched_to": shapes.time(listing.searched_to or None)} if asked.query else found)


@serve(routes, "GET", SESSION)
def get_session(session: str) -> Response:
    """One conversation, with how many messages are held in its pause."""
    parts = system.current()
    conversation = _existing(conversation_id(session))
    now = parts.clock()
    is_paused = conversation.pause_at(now) is not None
    held = parts.store.held_count(conversation.id, conversation.epoch) if is_paused else 0
    return answer({**_shown(conversation, now), "held": held})


@serve(routes, "POST", SESSION + "/pause")
def pause(session: str) -> Response:
    """Silence the bot."""
    call, parts = call_of(routes), system.current()
    by = call.caller()
    body = PauseBody.of(call.json())
    paused = parts.handoff.pause(conversation_id(session), by, body.reason, body.minutes, body.message_id)
    return answer(_shown(paused, parts.clock()))


@serve(routes, "POST", SESSION + "/unpause")
def unpause(session: str) -> Response:
    """Give the conversation back to the bot, with what was held meanwhile or without."""
    call, parts = call_of(routes), system.current()
    by = call.caller()
    fields = Fields(call.json(), ("deliver_held",))
    deliver_held = fields.truth("deliver_held")
    fields.check()
    resumed = parts.handoff.resume(conversation_id(session), by, deliver_held=deliver_held)
    return answer(_shown(resumed, parts.clock()))


@serve(routes, "GET", SESSION + "/messages")
def list_messages(session: str) -> Response:
    """A page of the history, newest first; shorter than asked for where it would not fit into an answer."""
    call, parts = call_of(routes), system.current()
    faults: list[str] = []
    paging = Paging.of(call.parameters("limit", "cursor"), faults)
    check(faults)
    conversation = _existing(conversation_id(session))
    now, limit = parts.clock(), paging.limit
    while True:
        history = parts.store.history(conversation.id, limit, paging.cursor)
        messages = [shapes.message(message, now, conversation) for message in history.messages]
        page = answer({"messages": messages, "cursor": history.cursor})
        if limit == 1 or len(page.body.encode()) <= MAX_ANSWER:
            return page
        limit //= 2


@serve(routes, "POST", SESSION + "/messages")
def send_message(session: str) -> Response:
    """Send to the user, once for each client id; 409 with the reason where it may not be said now."""
    call, parts = call_of(routes), system.current()
    by, id_ = call.caller(), conversation_id(session)
    body = ReplyBody.of(call.json())
    sent = parts.replies.send(
        id_, body.client_id, body.message, by, epoch=body.epoch, seen_id=body.seen_id, retry=body.retry
    )
    shown = shapes.message(sent, parts.clock(), None)
    if sent.state != "refused" or sent.failure is None:
        return answer(shown)
    said = parts.admission.said_since(_existing(id_), by, body.seen_id)
    row = None if said is None else parts.store.row(id_, said.id)
    more = {} if row is None else {"said": shapes.message(row, parts.clock(), None)}
    return answer({"code": sent.failure.code, "message": sent.failure.message, "refused": shown, **more}, 409)


@serve(routes, "POST", SESSION + "/seen")
def mark_seen(session: str) -> Response:
    """Mark what has come until now, or until `at`, as seen."""
    call, parts = call_of(routes), system.current()
    fields = Fields(call.json(), ("at",))
    at = moment(fields.text("at", 40), fields.faults, "at")
    fields.check()
    id_, now = conversation_id(session), parts.clock()
    parts.store.seen(id_, now if at is None else min(at, now))
    return answer(_shown(_existing(id_), now))


@serve(routes, "GET", "/botpress-hitl/pages")
def get_pages() -> Response:
    """Every Page that is configured, and whether Meta still takes its access token; to a bot its own."""
    parts, bound = system.current(), bound_to()
    pages = [Address(page.platform, page.id, "") for page in parts.settings.pages if bound in (None, page.name)]
    marks = parts.store.disconnections([page.page for page in pages])
    return answer({"pages": [shapes.page(page, marks.get(page.page)) for page in pages]})


@serve(routes, "GET", "/botpress-hitl/bot")
def get_bot() -> Response:
    """Whether the global stop is set."""
    return answer(shapes.stop(system.current().store.stop()))


@serve(routes, "PUT", "/botpress-hitl/bot")
def put_bot() -> Response:
    """Set or lift the global stop."""
    call, parts = call_of(routes), system.current()
    by = call.caller()
    fields = Fields(call.json(), ("paused", "reason"))
    paused, reason = fields.truth("paused", required=True), fields.text("reason", MAX_REASON)
    fields.check()
    stop = parts.handoff.set_stop(paused, by, reason)
    if not stop.paused:
        parts.handoff.end_stop_pauses()
    return answer(shapes.stop(stop))


def _shown(conversation: Conversation, now: int) -> dict[str, Any]:
    return shapes.conversation(conversation, now, human_agent=system.current().settings.human_agent)


def _existing(conversation_id_: str) -> Conversation:
    conversation = system.current().store.conversation(conversation_id_)
    if conversation is None:
        raise NotFound(NO_SUCH_CONVERSATION)
    return conversation
