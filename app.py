"""The Chalice app: its middleware, its routes, and the handler of the queue.

Handlers of events stay in this file: Chalice packages those of a blueprint with a path that never imports it, so that
middleware would not run.
"""

from __future__ import annotations

from chalice.app import Chalice, SQSEvent

from chalicelib import settings, system
from chalicelib.errors import BotFailed
from chalicelib.mailbox import Letter
from chalicelib.routes import BLUEPRINTS
from chalicelib.routes.web import in_one_shape

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
