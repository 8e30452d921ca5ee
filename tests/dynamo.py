"""DynamoDB in memory, beneath PynamoDB: requests as botocore would send them, and the answers it would read.

It sits this deep because the store's promises live in its requests: a condition, `ConsistentRead`, a transaction. A
fake of the store would promise by itself what the store has to ask for, and no missing condition could ever show. So
this one keeps no promise of its own: it evaluates the expressions that it is sent, keeps the older versions of every
item, and answers whoever does not ask for a consistent read with one of them, where `age` says so.

`tests/test_store.py` and `tests/test_lists.py` hold the store on top of it to the contract that the real engines keep.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Item = dict[str, dict[str, Any]]
Request = Mapping[str, Any]
Answer = tuple[int, dict[str, Any]]
"""The HTTP status and the answer, as botocore's own parser would give it."""

MAX_ITEM = 400 * 1024
KEYS = {"conversations": ("id",), "messages": ("conversation_id", "id")}
INDEXES = {
    "recent": ("shard", "activity"),
    "paused": ("paused_shard", "queue"),
    "by_time": ("conversation_id", "order"),
    "by_held": ("conversation_id", "held_key"),
}
LOCAL_INDEXES = ("by_time", "by_held")
_TOKEN = re.compile(r"#\w+|:\w+|\w+|<=|>=|<>|[=<>(),]")
_CLAUSE = re.compile(r"\b(SET|REMOVE|ADD)\b")
_SET = re.compile(r"(#\w+) = (?:if_not_exists \((#\w+), (:\w+)\)|(:\w+))")


@dataclass(frozen=True)
class Write:
    """A condition that is being judged: of which operation on which table, and what it would write."""

    operation: str
    table: str
    request: Request

    @property
    def id(self) -> str:
        """The id of the row or conversation that is written."""
        return str((self.request.get("Item") or self.request["Key"])["id"]["S"])


class Refused(Exception):
    """DynamoDB's error answer."""

    def __init__(self, code: str, reasons: list[str] | None = None) -> None:
        super().__init__(code)
        self.code, self.reasons = code, reasons

    @property
    def answer(self) -> Answer:
        """The error as botocore reads it."""
        reasons = {} if self.reasons is None else {"CancellationReasons": [{"Code": each} for each in self.reasons]}
        return 400, {"Error": {"Code": self.code, "Message": self.code}, **reasons, **_metadata(400)}


@dataclass
class FakeDynamo:
    """The two tables, with every version of every item.

    `age` says, for each read that is not asked to be consistent, how many versions back it looks. `ignores` says of
    a write and an attribute whether comparing that attribute is taken as true: it removes a guard from the store.
    """

    age: Callable[[], int] = lambda: 0
    ignores: Callable[[Write, str], bool] = lambda write, attribute: False
    _tables: dict[str, dict[tuple[str, ...], list[Item | None]]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, operation: str, request: Request) -> Answer:
        """Perform an operation, whole and alone."""
        with self._lock:
            try:
                return 200, {**getattr(self, f"_{operation}")(request), **_metadata(200)}
            except Refused as refused:
                return refused.answer

    def _GetItem(self, request: Request) -> dict[str, Any]:  # noqa: N802 named as DynamoDB names it
        item = self._read(_table(request), _key(_table(request), request["Key"]), request)
        return {} if item is None else {"Item": item}

    def _BatchGetItem(self, request: Request) -> dict[str, Any]:  # noqa: N802 the same
        found = {}
        for name, asked in request["RequestItems"].items():
            table = name.rpartition("-")[2]
            items = [self._read(table, _key(table, key), asked) for key in asked["Keys"]]
            found[name] = [item for item in items if item is not None]
        return {"Responses": found, "UnprocessedKeys": {}}

    def _PutItem(self, request: Request) -> dict[str, Any]:  # noqa: N802 the same
        self._check("PutItem", request)
        self._put(_table(request), request["Item"])
        return {}

    def _UpdateItem(self, request: Request) -> dict[str, Any]:  # noqa: N802 the same
        self._check("UpdateItem", request)
        self._update(request)
        return {"Attributes": self._newest(_table(request), _key(_table(request), request["Key"]))}

    def _TransactWriteItems(self, request: Request) -> dict[str, Any]:  # noqa: N802 the same
        writes = [next(iter(each.items())) for each in request["TransactItems"]]
        reasons = []
        for verb, write in writes:
            try:
                self._check(f"Transact{verb}", write)
                if verb == "Put":
                    _limit(write["Item"])
                reasons.append("None")
            except Refused as refused:
                reasons.append(refused.code.removesuffix("Exception").replace("Validation", "ValidationError"))
        if any(reason != "None" for reason in reasons):
            raise Refused("TransactionCanceledException", reasons)
        for verb, write in writes:
            if verb == "Put":
                self._put(_table(write), write["Item"])
            else:
                self._update(write)
        return {}

    def _Query(self, request: Request) -> dict[str, Any]:  # noqa: N802 the same
        table, index = _table(request), request.get("IndexName")
        if request.get("ConsistentRead") and index not in (*LOCAL_INDEXES, None):
            raise Refused("ValidationException")
        names, order = INDEXES[index] if index else (KEYS[table][0], KEYS[table][-1])
        rows = [item for item in self._seen(table, request) if names in item and order in item]
        rows = [item for item in rows if self._holds(request, "KeyConditionExpression", item)]

        def place(item: Item) -> tuple[Any, ...]:
            return _value(item[order]), *_key(table, item)

        rows.sort(key=place, reverse=not request.get("ScanIndexForward", True))
        start = request.get("ExclusiveStartKey")
        if start is not None:
            behind = place(start)
            forward = request.get("ScanIndexForward", True)
            rows = [item for item in rows if (place(item) > behind if forward else place(item) < behind)]
        page = rows[: request.get("Limit", len(rows))]
        found = [item for item in page if self._holds(request, "FilterExpression", item)]
        last = {}
        if len(page) < len(rows):
            last = {"LastEvaluatedKey": {name: page[-1][name] for name in {*KEYS[table], names, order}}}
        counted = request.get("Select") == "COUNT"
        return {"Count": len(found), "ScannedCount": len(page), **({} if counted else {"Items": found}), **last}

    def _holds(self, request: Request, name: str, item: Item) -> bool:
        text = request.get(name)
        return text is None or _Condition(text, request, item, lambda attribute: False).holds()

    def _check(self, operation: str, request: Request) -> None:
        table = _table(request)
        write = Write(operation, table, request)
        item = self._newest(table, _key(table, request.get("Item") or request["Key"])) or {}
        text = request.get("ConditionExpression")
        if text and not _Condition(text, request, item, lambda attribute: self.ignores(write, attribute)).holds():
            raise Refused("ConditionalCheckFailedException")

    def _put(self, table: str, item: Item) -> None:
        _limit(item)
        self._tables.setdefault(table, {}).setdefault(_key(table, item), [None]).append(dict(item))

    def _update(self, request: Request) -> None:
        table, names, values = _table(request), request["ExpressionAttributeNames"], _values(request)
        item = dict(self._newest(table, _key(table, request["Key"])) or request["Key"])
        before = dict(item)
        _, *parts = _CLAUSE.split(request["UpdateExpression"])
        for verb, text in zip(parts[::2], parts[1::2], strict=True):
            if verb == "SET":
                for name, default_of, default, value in _SET.findall(text):
                    old = before.get(names[default_of]) if default_of else None
                    item[names[name]] = old or values[default or value]
            elif verb == "REMOVE":
                for name in _TOKEN.findall(text.replace(",", " ")):
                    item.pop(names[name], None)
            else:
                for name, value in (each.split() for each in text.split(",")):
                    old = before.get(names[name], {"N": "0"})
                    item[names[name]] = {"N": str(int(old["N"]) + int(values[value]["N"]))}
        self._put(table, item)

    def _newest(self, table: str, key: tuple[str, ...]) -> Item | None:
        return self._tables.get(table, {}).get(key, [None])[-1]

    def _read(self, table: str, key: tuple[str, ...], request: Request) -> Item | None:
        return self._version(self._tables.get(table, {}).get(key, [None]), request)

    def _seen(self, table: str, request: Request) -> Iterator[Item]:
        for versions in self._tables.get(table, {}).values():
            item = self._version(versions, request)
            if item is not None:
                yield item

    def _version(self, versions: list[Item | None], request: Request) -> Item | None:
        if request.get("ConsistentRead"):
            return versions[-1]
        return versions[max(0, len(versions) - 1 - self.age())]


class _Condition:
    """A condition expression, judged for one item."""

    def __init__(self, text: str, request: Request, item: Item, ignores: Callable[[str], bool]) -> None:
        self._tokens = _TOKEN.findall(text)
        self._names: Mapping[str, str] = request.get("ExpressionAttributeNames", {})
        self._values = _values(request)
        self._item = item
        self._ignores = ignores
        self._at = 0

    def holds(self) -> bool:
        """Whether the item meets it."""
        result = self._either()
        if self._at != len(self._tokens):
            raise Refused("ValidationException")
        return result

    def _either(self) -> bool:
        result = self._both()
        while self._next_is("OR"):
            other = self._both()
            result = result or other
        return result

    def _both(self) -> bool:
        result = self._one()
        while self._next_is("AND"):
            other = self._one()
            result = result and other
        return result

    def _one(self) -> bool:
        if self._next_is("("):
            result = self._either()
            self._take(")")
            return result
        word = self._tokens[self._at]
        if word in ("attribute_exists", "attribute_not_exists", "begins_with"):
            return self._function(word)
        left = self._take()
        operator = self._take()
        right = self._take()
        if operator != "BETWEEN":
            return self._compare(left, operator, right)
        self._take("AND")
        high = self._take()
        return self._compare(left, ">=", right) and self._compare(left, "<=", high)

    def _function(self, word: str) -> bool:
        self._take(word)
        self._take("(")
        name = self._names[self._take()]
        argument = self._values[self._take()] if self._next_is(",") else None
        self._take(")")
        if self._ignores(name):
            return True
        if argument is not None:
            return name in self._item and str(_value(self._item[name])).startswith(argument["S"])
        return (name in self._item) == (word == "attribute_exists")

    def _compare(self, left: str, operator: str, right: str) -> bool:
        names = [self._names[side] for side in (left, right) if side.startswith("#")]
        if any(self._ignores(name) for name in names):
            return True
        a, b = self._operand(left), self._operand(right)
        if a is None or b is None:
            return False
        return bool({"=": a == b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator])

    def _operand(self, token: str) -> Any:
        found = self._values.get(token) if token.startswith(":") else self._item.get(self._names[token])
        return None if found is None else _value(found)

    def _next_is(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return True
        return False

    def _take(self, expected: str | None = None) -> str:
        token: str = self._tokens[self._at]
        if expected not in (None, token):
            raise Refused("ValidationException")
        self._at += 1
        return token


def _table(request: Request) -> str:
    return str(request["TableName"]).rpartition("-")[2]


def _key(table: str, item: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(item[name]["S"] for name in KEYS[table])


def _values(request: Request) -> Mapping[str, dict[str, Any]]:
    values: Mapping[str, dict[str, Any]] = request.get("ExpressionAttributeValues", {})
    return values


def _value(attribute: Mapping[str, Any]) -> Any:
    """What orders it: texts by their code points, as their UTF-8 bytes would be; numbers by size."""
    return int(attribute["N"]) if "N" in attribute else next(iter(attribute.values()))


def _limit(item: Item) -> None:
    size = sum(len(name) + len(str(_value(value)).encode()) for name, value in item.items())
    if size > MAX_ITEM:
        raise Refused("ValidationException")


def _metadata(status: int) -> dict[str, Any]:
    return {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RequestId": "fake"}}
