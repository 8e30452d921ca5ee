"""Meta's webhook, and the health check."""

from __future__ import annotations

import hmac
import logging

from chalice.app import Blueprint, Response

from chalicelib import VERSION, system
from chalicelib.errors import Forbidden
from chalicelib.routes.web import answer, call_of, serve

logger = logging.getLogger(__name__)
routes = Blueprint(__name__)


@serve(routes, "GET", "/webhook")
def verify() -> Response:
    """Answer Meta's verification with its challenge; 403 unless mode and token are right."""
    call = call_of(routes)
    known = system.current().settings.verify_token.encode()
    token = (call.parameter("hub.verify_token") or "").encode("utf-8", "replace")
    if call.parameter("hub.mode") != "subscribe" or not hmac.compare_digest(token, known):
        raise Forbidden("The verify token is not the one that is set here.")
    return Response(call.parameter("hub.challenge") or "", {"Content-Type": "text/plain"})


@serve(routes, "POST", "/webhook")
def receive() -> Response:
    """Take a signed body in: 200 once all of it is durable or quarantined, 500 where a retry may succeed."""
    from chalicelib.webhook import check_signature, parse  # takes long to load, and no other route needs it

    call, parts = call_of(routes), system.current()
    body = call.raw_body
    check_signature(body, call.header("x-hub-signature-256"), parts.settings.app_secrets)
    batch = parse(body, parts.clock())
    tally = parts.reception.receive(batch.events, call.correlation_id)
    counts = {**tally.counts, **{f"ignored_{why}": n for why, n in batch.ignored.items() if n}}
    logger.info("webhook", extra={"counts": counts})
    if tally.failed:
        return answer({"code": "not_durable", "message": "Not everything is stored yet. Send it again."}, 500)
    return Response("EVENT_RECEIVED", {"Content-Type": "text/plain"})


@serve(routes, "GET", "/health")
def health() -> Response:
    """It runs, and in which version."""
    return answer({"status": "ok", "version": VERSION})
