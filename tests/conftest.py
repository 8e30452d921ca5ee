"""What all tests share: an environment that leads nowhere, and the engines, each started once.

No test may reach the real AWS or Meta, whatever its author forgot and whatever keys the developer has. So the
environment is replaced before any module of ours is imported: credentials that open nothing, no configuration files,
an endpoint at which nobody listens, and none of our own settings. And this process cannot even look up or connect to
another machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.engines import NotStarted, dynamodb_local, moto

if TYPE_CHECKING:
    from chalicelib.ports import StorePort
    from tests.stores import NewStore

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # the discard port: a client that was given no engine is refused
    "NO_PROXY": "*",
}
LOOPBACK = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "", None)


class ReachedOut(BaseException):
    """A test tried to reach another machine; no `except Exception` of the code under test hides it."""


def pytest_configure() -> None:
    """Replace the environment and shut the network before test modules are imported."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "HITL_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(ENVIRONMENT)
    sys.addaudithook(_stay_home)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the run on the emulated AWS, which takes longest and mostly waits: another worker does the rest."""
    items.sort(key=lambda item: "test_deployed.py" not in item.nodeid)


def _stay_home(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # else it is a path on this machine
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host not in LOOPBACK:
        raise ReachedOut(f"A test tried to reach {host}. Give the code under test a fake or a server of this machine.")


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Give moto's URL: DynamoDB and SQS, empty at first and shared by all tests, so use names of your own."""
    try:
        with moto() as url:
            yield url
    except NotStarted as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def dynamodb_local_url() -> Iterator[str]:
    """Give DynamoDB Local's URL, empty at first and shared by all tests, so use names of your own."""
    try:
        with dynamodb_local() as url:
            yield url
    except NotStarted as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session", params=["moto_url", "dynamodb_local_url"])
def dynamodb_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of each engine that plays DynamoDB, in turn."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(scope="session", params=["fake", "fake_dynamo", "moto_url", "dynamodb_local_url"])
def new_store(request: pytest.FixtureRequest) -> NewStore:
    """Give what opens an empty store: the fake, and the real one on a fake of DynamoDB and on each engine, in turn."""
    from tests.fake_store import FakeStore
    from tests.stores import on_fake_dynamo, opened

    fakes: dict[str, NewStore] = {"fake": FakeStore, "fake_dynamo": on_fake_dynamo}
    return fakes.get(request.param) or partial(opened, request.getfixturevalue(request.param))


@pytest.fixture(scope="session")
def store(new_store: NewStore) -> StorePort:
    """Give a store that all tests share, so use ids of your own."""
    return new_store()
