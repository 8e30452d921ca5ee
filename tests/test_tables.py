"""How rows turn into DynamoDB's items: what expires when, and what no item can hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from chalicelib.conversation import Conversation, Pause
from chalicelib.errors import Unavailable
from chalicelib.settings import Settings
from chalicelib.store import Store, create_tables
from chalicelib.tables import SHARDS, message_attributes, shard_of
from tests.samples import ANA, NOW, new_id, said, sent, talk
from tests.stores import opened, own_settings

DAYS = 30


class Tables:
    """A store, and its tables as DynamoDB has them."""

    def __init__(self, url: str) -> None:
        self.settings = own_settings(HITL_RETENTION_DAYS=str(DAYS))
        self.store = opened(url, self.settings)
        self.client: Any = boto3.client("dynamodb", endpoint_url=url)

    def item(self, conversation_id: str, row_id: str) -> dict[str, Any]:
        """A row as it is kept."""
        key = {"conversation_id": {"S": conversation_id}, "id": {"S": row_id}}
        found: dict[str, Any] = self.client.get_item(TableName=self.settings.messages_table, Key=key)["Item"]
        return found


@pytest.fixture(scope="module")
def tables(dynamodb_url: str) -> Tables:
    return Tables(dynamodb_url)


def test_every_way_of_writing_a_row_says_when_it_expires(tables: Tables) -> None:
    row = sent(new_id(), mid="1", state="received")
    transition = said(row.conversation_id, id="t:1", author="system")
    tables.store.append(row)
    tables.store.alias(row)
    tables.store.transition(Conversation(id=row.conversation_id), talk(row.conversation_id), transition, (row, row))
    tables.store.change(row, row)
    expected = {"N": str(row.received_at // 1000 + DAYS * 86_400)}
    assert [tables.item(row.conversation_id, id_)["expires_at"] for id_ in (row.id, "m:1", "t:1")] == [expected] * 3


def test_without_a_retention_nothing_expires() -> None:
    assert message_attributes(said(new_id()), 0)["expires_at"] is None
    assert message_attributes(said(new_id(), received_at=NOW), 1)["expires_at"] == datetime(
        2023, 11, 15, 22, 13, 20, tzinfo=UTC
    )


def test_tables_are_made_once_and_rows_expire_by_themselves(
    tables: Tables, dynamodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    create_tables(tables.settings)
    expiry = tables.client.describe_time_to_live(TableName=tables.settings.messages_table)["TimeToLiveDescription"]
    assert expiry == {"AttributeName": "expires_at", "TimeToLiveStatus": "ENABLED"}
    described = tables.client.describe_table(TableName=tables.settings.conversations_table)["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_half_of_a_surrogate_pair_is_replaced(tables: Tables) -> None:
    half, whole = "a\ud83d", "a\ufffd"
    row = said(new_id(), text=half, raw=half)
    tables.store.append(row)
    found = tables.store.row(row.conversation_id, row.id)
    assert found is not None
    assert (found.text, found.raw) == (whole, whole)
    pause = Pause(NOW, None, ANA, half)
    conversation = talk(row.conversation_id, name=half, picture_url=half, pause=pause)
    tables.store.save(Conversation(id=conversation.id), conversation)
    kept = tables.store.conversation(conversation.id)
    assert kept is not None
    assert kept.pause is not None
    assert (kept.name, kept.picture_url, kept.pause.reason) == (whole, whole, whole)


def test_a_missing_table_is_said(dynamodb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    with pytest.raises(Unavailable, match="Create the tables first"):
        Store(Settings({"HITL_NAME": "missing"})).append(said(new_id()))


def test_conversations_are_spread_over_all_partitions() -> None:
    shards = [shard_of(f"messenger:1:{number}") for number in range(1000)]
    assert all(shards.count(number) > 150 for number in range(SHARDS))
    assert shard_of("messenger:1:1") == 2  # with another hash the lists would lose everything that is in them
