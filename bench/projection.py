"""Whether `by_time` should hold whole rows or keys only.

Two tables, alike but for the projection of that index, get the same rows from our store, which are then marked as
delivered, and are read in pages of 100 by the same query. Capacity units are DynamoDB Local's, for a text and for an
event with a long attachment URL. The time of a page is not compared: DynamoDB Local has rows and index in one process.

**It holds all.** Keys only saves one write unit of seven for a text that is received and delivered, and a third for a
long event. But DynamoDB then fetches each row of a page by itself, a read unit each. A write unit costs as much as
five read units, so keys only would be cheaper where fewer than one page is read for some 18 texts; a dashboard that
looks every few seconds reads more than that. And a page is what a person waits for, while nobody waits for the mark.
"""

from __future__ import annotations

from typing import Any

from botocore.session import get_session

from bench import stock
from bench.harness import Act, Bench, Figure, renamed
from chalicelib.store import Store, create_tables

TITLE = "What `by_time` holds"
EVENTS = {"a text": 0, "a long event": 1500}
"""Rows, by how many bytes their event has beyond a text's."""
ID, PAGE = "messenger:100:1", 100


def measure(bench: Bench) -> list[Figure]:
    """Write and read both."""
    client = get_session().create_client("dynamodb")
    figures = []
    for number, (name, more) in enumerate(EVENTS.items()):
        stores = _stores(bench, client, number)
        units = [_written(bench, store, more) for store in stores.values()]
        acts = [_reading(client, table) for table in stores]
        bench.recorder.taken()
        for index, act in enumerate(acts):
            act()
            units[index].append(sum(call.units for call in bench.recorder.taken()))
        for words, unit, whole, keys in zip(
            ("logged", "marked", "a page"), ("write", "write", "read"), *units, strict=True
        ):
            figures.append(Figure(f"{name}, {words}: all", whole, f"{unit} units", None, f"keys only {keys:g}"))
    return figures


def _stores(bench: Bench, client: Any, number: int) -> dict[str, Store]:
    """Two stores by the name of their table of messages: one with the index as it is, one with keys only."""
    whole, keys = bench.settings(f"whole{number}"), bench.settings(f"keys{number}")
    bench.recorder.taken()
    create_tables(whole)
    for call in renamed(bench.recorder.taken(), f"whole{number}", f"keys{number}"):
        if call.operation == "CreateTable":
            for index in call.params.get("LocalSecondaryIndexes", []):
                index["Projection"] = {"ProjectionType": "KEYS_ONLY"}
            client.create_table(**call.params)
    return {settings.messages_table: Store(settings) for settings in (whole, keys)}


def _written(bench: Bench, store: Store, more: int) -> list[float]:
    """The units of logging a row and of marking it; all rows of a page are written alike."""
    units: list[float] = []
    for number in range(PAGE):
        row = stock.message(ID, number)
        row = row._replace(state="received", raw=f"{row.raw}{'x' * more}")
        bench.recorder.taken()
        store.append(row)
        store.change(row, row._replace(state="delivered"))
        units = [call.units for call in bench.recorder.taken()]
    return units


def _reading(client: Any, table: str) -> Act:
    query = {
        "TableName": table,
        "IndexName": "by_time",
        "KeyConditionExpression": "conversation_id = :id",
        "ExpressionAttributeValues": {":id": {"S": ID}},
        "ScanIndexForward": False,
        "ConsistentRead": True,
        "Select": "ALL_ATTRIBUTES",
        "Limit": PAGE,
        "ReturnConsumedCapacity": "TOTAL",
    }

    def read() -> None:
        assert len(client.query(**query)["Items"]) == PAGE

    return read
