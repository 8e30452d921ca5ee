"""Tables with much in them, written past the use cases because there a hundred thousand would take an hour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from botocore.session import get_session

from bench.environment import PAGE
from chalicelib.conversation import Conversation, Pause
from chalicelib.message import Actor, LastMessage, Message
from chalicelib.settings import Settings
from chalicelib.tables import bind, conversation_attributes, message_attributes

START = 1_790_000_000_000
ANA = Actor("operator", "ana", "Ana")
TEXT = "When do you open tomorrow, and is there a place to park?"


def conversations(settings: Settings, size: int, waiting: int, answered: int) -> None:
    """So many conversations, a second between them; those that are paused lie evenly among them."""
    model, _, _ = bind(settings)
    every = size // (waiting + answered)

    def one(number: int) -> Conversation:
        at = START + number * 1000
        pause = (
            Pause(at, None, ANA, "asked for a person")
            if number % every == 0 and number < every * (waiting + answered)
            else None
        )
        waits = pause is not None and number // every % (waiting + answered) < waiting
        last = LastMessage(f"{at:013d}#m:m_{number}", "user", None, TEXT, at)
        return Conversation(
            id=f"messenger:{PAGE}:{number}",
            version=7,
            epoch=1 if pause else 0,
            pause=pause,
            waiting_since=at if waits else None,
            last_activity_at=at,
            last_message=last,
            last_user_message_at=at,
            last_received_at=at,
            name=f"Customer Number {number}",
            picture_url=f"https://platform-lookaside.example/psid={number}&width=1024&ext=1790000000&hash=Aa{number}",
        )

    items = (model(**conversation_attributes(one(number))).serialize() for number in range(size))
    _write(settings.conversations_table, items)


def history(settings: Settings, conversation_id: str, size: int) -> None:
    """A conversation with so many messages."""
    conversations_model, model, _ = bind(settings)
    conversation = Conversation(id=conversation_id, version=1, last_activity_at=START)
    conversations_model(**conversation_attributes(conversation)).save()
    items = (model(**message_attributes(message(conversation_id, number), 0)).serialize() for number in range(size))
    _write(settings.messages_table, items)


def message(conversation_id: str, number: int) -> Message:
    """A delivered text, with its raw event as Meta sends it."""
    at = START + number * 1000
    mid = f"m_{number:012d}" + "A" * 90
    user = conversation_id.rpartition(":")[2]
    raw = (
        f'{{"sender":{{"id":"{user}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":{at},'
        f'"message":{{"mid":"{mid}","text":"{TEXT}"}}}}'
    )
    return Message(
        conversation_id=conversation_id,
        id=f"m:{mid}",
        author="user",
        kind="text",
        sent_at=at,
        received_at=at + 300,
        text=TEXT,
        raw=raw,
        state="delivered",
    )


def _write(table: str, items: Iterable[dict[str, Any]]) -> None:
    client = get_session().create_client("dynamodb")

    def put(batch: tuple[dict[str, Any], ...]) -> None:
        answer = client.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}} for item in batch]})
        assert not answer["UnprocessedItems"]

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(put, _batches(items)):
            pass


def _batches(items: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], ...]]:
    rest = iter(items)
    while batch := tuple(islice(rest, 25)):
        yield batch
