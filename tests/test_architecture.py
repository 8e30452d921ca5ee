"""Imports point down only, and each kind of outside world has its one place. docs/architecture.md says why.

A new module of chalicelib needs a layer here, and in docs/architecture.md, before this passes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LAYERS = (
    {"app"},
    {"routes", "auth"},
    {"system"},
    {
        *("handoff", "handovers", "admission", "replies", "relay"),
        *("reception", "delivery", "rounds", "errands", "connection"),
    },
    {"ports"},
    {
        *("store", "lists", "tables"),
        "mailbox",
        "identity",
        *("messenger", "refusals"),
        *("bots", "talk", "example_bot"),
        "alerts",
        "telemetry",
    },
    {"conversation", "message", "turns", "events", *("webhook", "payload", "document")},
    {"errors", "settings", "parameters", "aws"},
)
"""From the top down: a module may import from the layers below its own. Modules in one line belong together."""

SIDEWAYS = {
    "routes": {"auth"},
    "reception": {"handoff", "replies"},
    "delivery": {"errands", "handoff", "handovers", "replies"},
    "rounds": {"errands", "handoff"},
    "replies": {"admission", "handoff"},
    "admission": {"handoff"},
    "relay": {"admission", "handoff", "replies"},
    "errands": {"handoff"},
    "store": {"lists", "tables"},
    "lists": {"tables"},
    "messenger": {"refusals"},
    "bots": {"talk", "messenger"},
    "talk": {"messenger"},
    "example_bot": {"talk", "bots"},
    "webhook": {"document", "events", "payload"},
    "payload": {"document", "events", "message"},
    "events": {"message"},
    "turns": {"conversation", "message"},
    "conversation": {"message"},
    "settings": {"errors", "parameters"},
    "parameters": {"aws", "errors"},
}
"""What a module may import from its own layer. No two modules stand under each other here: there are no cycles."""

STORE = {"store", "lists", "tables"}
HTTP = {"messenger", "bots", "alerts", "identity"}
PLACES = {
    "chalice": {"app", "routes"},
    "pynamodb": STORE,
    "boto3": set[str](),
    "botocore": {"alerts", "aws", "mailbox", "bots"} | STORE,
    "aws_lambda_powertools": {"parameters", "telemetry"},
    "aws_xray_sdk": set[str](),
    "joserfc": {"identity"},
    "urllib3": HTTP,
    "requests": HTTP,
    "httpx": HTTP,
    "aiohttp": HTTP,
    "http.client": HTTP,
    "urllib.request": HTTP,
    "socket": set[str](),
    "local": set[str](),
    "tests": set[str](),
    "bench": set[str](),
}
"""Which modules may import what; what is not listed is free."""

PURE = {"conversation", "message", "turns", "events", "webhook", "payload", "document"}
"""These are given the time and never look at a clock."""
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter"}

ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv"}

HANDLERS = {
    *("on_sqs_message", "on_sns_message", "on_s3_event", "on_cw_event", "on_kinesis_record", "on_dynamodb_record"),
    *("schedule", "lambda_function"),
}
"""Chalice packages a blueprint's event handlers so that app.py is never imported, and middleware never runs."""


def faults(module: str, source: str) -> list[str]:
    """Say what a module, named without `chalicelib.`, does that it must not; a package's files go by its name."""
    room = module.split(".", maxsplit=1)[0]
    if not any(room in layer for layer in LAYERS):
        return [f"{module} has no layer: give it one in tests/test_architecture.py and docs/architecture.md"]
    tree = ast.parse(source)
    found = [fault for name in imports(tree) if (fault := _import_fault(room, name))]
    if room != "settings":
        found += [f"{module} reads the environment; settings does that" for _ in _attributes(tree, "os", ENVIRONMENT)]
    if room in PURE:
        clocks = (*_attributes(tree, "time", CLOCKS), *_attributes(tree, "datetime", CLOCKS))
        found += [f"{module} looks at a clock; it is to be given the time" for _ in clocks]
    if room != "app":
        handlers = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in HANDLERS]
        found += [f"{module} uses {name}; event handlers belong in app.py" for name in handlers]
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    """Give each imported module or name in full, wherever in the source it is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def _import_fault(room: str, name: str) -> str | None:
    if name.startswith("."):
        return f"{room} imports {name}; write imports in full"
    if name in {f"os.{part}" for part in ENVIRONMENT}:
        return f"{room} imports {name}; tests replace os.environ, so it is looked up when it is read"
    if room in PURE and name.split(".", maxsplit=1)[0] == "time":
        return f"{room} imports {name}; it is to be given the time"
    if name.split(".", maxsplit=1)[0] == "chalicelib" or name == "app":
        return _direction_fault(room, name.split(".")[1] if "." in name else name)
    for package, rooms in PLACES.items():
        if (name == package or name.startswith(f"{package}.")) and room not in rooms:
            return f"{room} imports {package}; only {', '.join(sorted(rooms)) or 'nothing in chalicelib'} may"
    return None


def _direction_fault(room: str, target: str) -> str | None:
    above = LAYERS[: _layer(room) + 1]
    if target == room or target in SIDEWAYS.get(room, ()) or not any(target in layer for layer in above):
        return None  # a module without a layer is a fault of its own, any other name is the package's
    return f"{room} imports {target}, which is not below it"


def _layer(room: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if room in layer)


def _attributes(tree: ast.AST, owner: str, names: set[str]) -> Iterator[ast.Attribute]:
    """Find `owner.name`, and `x.owner.name`, for each of the names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in names:
            value = node.value
            if (isinstance(value, ast.Name) and value.id == owner) or (
                isinstance(value, ast.Attribute) and value.attr == owner
            ):
                yield node


def modules() -> list[tuple[str, Path]]:
    """List all modules of ours by their names, without `chalicelib.`."""
    library = ROOT / "chalicelib"
    found = [
        (".".join(path.relative_to(library).with_suffix("").parts).removesuffix(".__init__"), path)
        for path in sorted(library.rglob("*.py"))
        if path != library / "__init__.py"
    ]
    return [("app", ROOT / "app.py"), *found] if (ROOT / "app.py").exists() else found


@pytest.mark.parametrize(("name", "path"), modules())
def test_imports_point_down_only(name: str, path: Path) -> None:
    assert faults(name, path.read_text(encoding="utf-8")) == []


def test_nothing_may_go_both_ways_within_a_layer() -> None:
    seen: set[str] = set()

    def visit(room: str, way: tuple[str, ...]) -> None:
        assert room not in way, f"{' → '.join((*way, room))} is a cycle"
        seen.add(room)
        for target in SIDEWAYS.get(room, ()):
            assert _layer(target) == _layer(room), f"{room} → {target} is not sideways"
            visit(target, (*way, room))

    for room in SIDEWAYS:
        visit(room, ())
    assert set(SIDEWAYS) <= seen


GOOD: list[tuple[str, str]] = [
    ("app", "from chalice import Chalice\nfrom chalicelib import routes\n@app.schedule('x')\ndef f(event): ..."),
    ("routes", "from chalice import Blueprint\nfrom chalicelib.handoff import Handoff"),
    ("routes.sessions", "from chalicelib.routes.answers import answer"),
    ("handoff", "import time\nfrom chalicelib import bots\nnow = time.time()"),
    ("bots", "import botocore, urllib3\nfrom chalicelib.messenger import Outgoing"),
    ("settings", "import os\nprint(os.environ['X'])\nfrom chalicelib.errors import Misconfigured"),
    ("routes.webhook", "from chalicelib import VERSION, system\nfrom chalicelib.auth import caller"),
    ("events", "from datetime import UTC, datetime\nx = datetime.fromtimestamp(0, UTC)\nfrom http import HTTPStatus"),
]

BAD: list[tuple[str, str, str]] = [
    ("handoff", "from chalicelib.routes import api", "not below it"),
    ("handoff", "from chalicelib import routes", "not below it"),
    ("handoff", "import chalicelib.routes", "not below it"),
    ("handoff", "import app", "not below it"),
    ("handoff", "def f():\n    from chalicelib.app import app", "not below it"),
    ("store", "from chalicelib.mailbox import Mailbox", "not below it"),
    ("messenger", "from chalicelib.bots import Bot", "not below it"),
    ("conversation", "from chalicelib.events import Event", "not below it"),
    ("errors", "from chalicelib.settings import Settings", "not below it"),
    ("handoff", "from .store import Store", "in full"),
    ("handoff", "from . import store", "in full"),
    ("helpers", "", "has no layer"),
    ("handoff", "from chalice import Response", "only app, routes may"),
    ("handoff", "import chalice.app", "only app, routes may"),
    ("mailbox", "from pynamodb.models import Model", "only lists, store, tables may"),
    ("store", "import boto3", "nothing in chalicelib may"),
    ("handoff", "from botocore.exceptions import ClientError", "only alerts, aws, bots, lists, mailbox, store, "),
    ("store", "import urllib3", "only alerts, bots, identity, messenger may"),
    ("store", "from http import client", "only alerts, bots, identity, messenger may"),
    ("store", "from urllib import request", "only alerts, bots, identity, messenger may"),
    ("handoff", "import requests", "only alerts, bots, identity, messenger may"),
    ("store", "from httpx import Client", "only alerts, bots, identity, messenger may"),
    ("handoff", "import local.queue", "nothing in chalicelib may"),
    ("handoff", "from tests.fakes import Store", "nothing in chalicelib may"),
    ("store", "import os\nx = os.environ.get('X')", "reads the environment"),
    ("store", "import os\nx = os.getenv('X')", "reads the environment"),
    ("settings", "from os import environ", "looked up when it is read"),
    ("store", "from os import getenv", "looked up when it is read"),
    ("conversation", "import time\nx = time.time()", "given the time"),
    ("conversation", "from time import time", "given the time"),
    ("events", "from datetime import UTC, datetime\nx = datetime.now(UTC)", "looks at a clock"),
    ("events", "import datetime\nx = datetime.datetime.now()", "looks at a clock"),
    ("routes", "@api.on_sqs_message(queue='x')\ndef f(event): ...", "belong in app.py"),
]


@pytest.mark.parametrize(("name", "source"), GOOD)
def test_what_is_allowed_is_let_pass(name: str, source: str) -> None:
    assert faults(name, source) == []


@pytest.mark.parametrize(("name", "source", "fault"), BAD)
def test_what_is_forbidden_is_found(name: str, source: str, fault: str) -> None:
    assert any(fault in found for found in faults(name, source))
