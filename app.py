"""The Chalice app: its middleware, its routes, and the handlers of the queue and of the schedule.

Handlers of events stay in this file: Chalice packages those of a blueprint with a path that never imports it, so that
middleware would not run.
"""

from __future__ import annotations

import logging

from chalice.app import Chalice, CloudWatchEvent, Rate, SQSEvent

from chalicelib import settings, system
from chalicelib.errors import BotFailed
from chalicelib.mailbox import Letter
from chalicelib.routes import BLUEPRINTS
from chalicelib.routes.web import in_one_shape

logger = logging.getLogger(__name__)

CONCURRENT_DELIVERIES = 20
"""Deliveries at the same time, so that a slow bot never takes the webhook's share of Lambda."""

app = Chalice(app_name="chalice-hitl")
for blueprint in BLUEPRINTS:
    app.register_blueprint(blueprint)
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
        logger.info("round: %s", dict(done))
