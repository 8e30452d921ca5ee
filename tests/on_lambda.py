"""One scene as on Lambda, on fakes, in a process of its own: `python -m tests.on_lambda`, for test_telemetry.

It prints what the functions print, then what X-Ray's daemon was sent.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress

from botocore.exceptions import BotoCoreError

from chalicelib import aws, settings, system, telemetry
from chalicelib.conversation import DAY
from chalicelib.errors import BotFailed, Unavailable
from tests.service import SESSION, Service, events

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled={}"
ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "chalice-hitl-dev",
    "LAMBDA_TASK_ROOT": "/var/task",
    "HITL_NAME": "chalice-hitl-dev",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9",
    "_X_AMZN_TRACE_ID": TRACE.format(1),
}


def main() -> None:
    """Play it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        os.environ.update(ENVIRONMENT, AWS_XRAY_DAEMON_ADDRESS=f"127.0.0.1:{daemon.getsockname()[1]}")
        _play()
        sys.stdout.write("--- traces\n")
        daemon.settimeout(0.2)
        with suppress(TimeoutError):
            while True:
                sys.stdout.write(daemon.recv(65_536).decode().partition("\n")[2] + "\n")


def _play() -> None:
    service = Service()
    service.system.telemetry = telemetry.start(settings.current())
    service.bot.handler = lambda delivery, speaker: _ask_aws()
    service.receive(service.said("m1", "secret words"))
    service.bot.errors.append(BotFailed("It did not answer.", retry=True))
    letter = service.mailbox.letters[0]
    with suppress(BotFailed):
        deliver(service)
    service.mailbox.letters.insert(0, letter)
    deliver(service)
    service.post(f"{SESSION}/pause", {"reason": "Ana wants a person"})
    service.client.lambda_.invoke("look_after", service.client.events.generate_cw_event("aws.events", "", {}, []))
    service.receive(service.said("m3", "more secret words"))
    deliver(service)
    service.post(f"{SESSION}/unpause", {"deliver_held": True})
    deliver(service)
    service.store.fail("append", Unavailable("DynamoDB did not answer."))
    assert service.webhook(events(service.said("m4"), service.said("m5", user="300"))).status == 500
    service.post(f"{SESSION}/messages", {"client_id": "c1", "text": "an answer"})
    service.clock.tick(2 * DAY)
    service.post(f"{SESSION}/messages", {"client_id": "c2", "text": "an answer that comes too late"})
    os.environ["_X_AMZN_TRACE_ID"] = TRACE.format(0)
    service.receive(*(service.said(f"n{number}", user=f"{number}") for number in range(100)))


def deliver(service: Service) -> None:
    """Deliver all letters."""
    system.install(service.system)
    while service.mailbox.letters:
        event = service.client.events.generate_sqs_event([service.mailbox.take().body], "chalice-hitl-mailbox.fifo")
        event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "1"
        service.client.lambda_.invoke("deliver", event)


def _ask_aws() -> None:
    """Call AWS where nobody answers."""
    sqs = aws.client("sqs", "us-east-1", retries={"total_max_attempts": 1})
    with suppress(BotoCoreError):
        sqs.get_queue_url(QueueName="x")


if __name__ == "__main__":
    main()
