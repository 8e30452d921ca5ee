"""What one message costs: calls to AWS, and time against bare botocore making the same writes, on DynamoDB Local."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import boto3

from chalicelib import store as _store
from chalicelib.bots import Delivery, Speaker
from chalicelib.mailbox import Letter
from chalicelib.messenger import Outgoing, Profile
from chalicelib.settings import Settings
from chalicelib.store import Store
from chalicelib.system import System
from chalicelib.webhook import parse
from tests.engines import NotStarted, dynamodb_local

ROUNDS = 300
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "us-east-1"}
SETTINGS = Settings({"HITL_PAGE_TOKEN": "1=token"})


class _Queue:
    """Keeps letters; the calls to SQS are counted, not made."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def post(self, letter: Letter) -> None:
        self.letters.append(letter)

    def postpone(self, receipt: str, tries: int) -> None:
        raise AssertionError("nothing fails here")


class _Messenger:
    """No Meta."""

    def send(self, conversation_id: str, message: Outgoing, metadata: str) -> str:
        raise AssertionError("nobody speaks here")

    def profile(self, conversation_id: str) -> Profile:
        raise AssertionError("nobody asks here")


class _Bot:
    """Takes everything at once."""

    def deliver(self, delivery: Delivery, speaker: Speaker) -> None:
        """Take it."""


class _Counted:
    """A store that counts its calls; every method of these paths is one call to DynamoDB in the usual case."""

    def __init__(self, store: Store, counts: Counter[str]) -> None:
        self._store, self._counts = store, counts

    def __getattr__(self, name: str) -> Any:
        self._counts[name] += 1
        return getattr(self._store, name)


def main() -> int:
    """Run everything and print a table."""
    os.environ.update(ENVIRONMENT)
    try:
        with dynamodb_local() as url:
            os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
            _store.create_tables(SETTINGS)
            _measure()
    except NotStarted as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _measure() -> None:
    queue, counts = _Queue(), Counter[str]()
    store: Any = _Counted(Store(SETTINGS), counts)
    system = System(SETTINGS, store=store, mailbox=queue, messenger=_Messenger(), bot=_Bot())
    received = _median(lambda n: system.reception.receive(parse(_body(n), system.clock()).events))
    calls = {"receive": sum(counts.values()) / ROUNDS + 1}
    counts.clear()
    delivered = _median(lambda n: system.deliveries.deliver(queue.letters[n], 1))
    calls["deliver"] = sum(counts.values()) / ROUNDS
    bare = _median(_bare_writes())
    print(f"{'':10} {'calls':>6} {'ms':>7} {'against bare botocore':>22}")
    print(f"{'receive':10} {calls['receive']:6.1f} {received:7.2f} {received / bare:22.2f}")
    print(f"{'deliver':10} {calls['deliver']:6.1f} {delivered:7.2f}")
    print(f"{'two writes':10} {2:6} {bare:7.2f} {1:22.2f}")


def _bare_writes() -> Callable[[int], object]:
    client = boto3.client("dynamodb")

    def write(number: int) -> None:
        key = {"conversation_id": {"S": f"bare:{number % 50}"}, "id": {"S": f"m:{number}"}}
        item = {**key, "order": {"S": f"{number:013d}"}, "text": {"S": "hello"}, "raw": {"S": "x" * 300}}
        client.put_item(TableName=SETTINGS.messages_table, Item=item, ConditionExpression="attribute_not_exists(id)")
        client.update_item(
            TableName=SETTINGS.conversations_table,
            Key={"id": {"S": f"bare:{number % 50}"}},
            UpdateExpression="SET activity = :a ADD version :one",
            ExpressionAttributeValues={":a": {"S": f"{number:013d}"}, ":one": {"N": "1"}},
        )

    return write


def _body(number: int) -> bytes:
    message = f'{{"mid":"m_{number}","text":"hello {number}"}}'
    item = f'{{"sender":{{"id":"{number % 50}"}},"recipient":{{"id":"1"}},"message":{message}}}'
    return f'{{"object":"page","entry":[{{"id":"1","messaging":[{item}]}}]}}'.encode()


def _median(act: Callable[[int], object]) -> float:
    times = []
    for number in range(ROUNDS):
        start = time.perf_counter()
        act(number)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
