"""The Chalice app: its middleware, its routes, and the handlers of the queue and of the schedule.

Handlers of events stay in this file: Chalice packages those of a blueprint with a path that never imports it, so that
middleware would not run.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from typing import Any

gc.disable()  # what is imported stays: to look for garbage in it takes a tenth of a cold start

from chalice.app import Chalice, CloudWatchEvent, Rate, Request, SQSEvent

from chalicelib import settings, system
from chalicelib.errors import BotFailed, Misconfigured, describe
from chalicelib.mailbox import Letter
from chalicelib.routes import BLUEPRINTS
from chalicelib.routes.web import correlation_id, in_one_shape

logger = logging.getLogger(__name__)

CONCURRENT_DELIVERIES = 20
"""Deliveries at the same time, so that a slow bot never takes the webhook's share of Lambda."""

app = Chalice(app_name="chalice-hitl")
for blueprint in BLUEPRINTS:
    app.register_blueprint(blueprint)


@app.middleware("all")
def watched(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Let log and trace say which invocation this was, and what was counted in it be told at its end."""
    try:
        telemetry = system.current().telemetry
    except Misconfigured:
        return get_response(event)  # which meets it too, and says so in our shape
    try:
        with telemetry.about("handler", **_ids(event)):
            return _answered(event, get_response)
    finally:
        telemetry.flush()


def _answered(event: Any, get_response: Callable[[Any], Any]) -> Any:
    try:
        return get_response(event)
    except BotFailed:
        raise  # which is told already
    except Exception as error:
        logger.error("Failed: %s", describe(error))
        raise


def _ids(event: Any) -> dict[str, str | None]:
    """The invocation's ids: of the request, where it is one; and Lambda's own, as in its START and REPORT lines."""
    is_request = isinstance(event, Request)
    context = getattr(event, "lambda_context" if is_request else "context", None)  # what is no request is None here
    lambda_id = getattr(context, "aws_request_id", None)
    return {"correlation_id": correlation_id(event) if is_request else lambda_id, "function_request_id": lambda_id}


app.register_middleware(in_one_shape, "http")


@app.on_sqs_message(queue=settings.current().mailbox_queue, batch_size=1, maximum_concurrency=CONCURRENT_DELIVERIES)
def deliver(event: SQSEvent) -> None:
    """Deliver one letter. What raises comes again: soon after a crash, later and later where the bot failed."""
    parts = system.current()
    for record in event:
        tries = int(record.to_dict()["attributes"]["ApproximateReceiveCount"])
        try:
            parts.deliveries.deliver(Letter.of(record.body), tries)
        except BotFailed:
            parts.mailbox.postpone(record.receipt_handle, tries)
            raise


@app.schedule(Rate(1, unit=Rate.MINUTES))
def look_after(event: CloudWatchEvent) -> None:  # noqa: ARG001 Chalice passes it by position
    """Make a round: end pauses, tell the bot, go on with what was held."""
    done = system.current().rounds.make()
    if done:
        logger.info("round", extra={"counts": dict(done)})


gc.freeze()  # nor is it looked through later
gc.enable()
