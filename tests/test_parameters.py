"""Parameters: read from SSM in one go, kept for a while, and kept longer while SSM does not answer."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from uuid import uuid4

import boto3
import pytest

from chalicelib import parameters
from chalicelib.errors import Unavailable
from chalicelib.parameters import MAX_AGE, RETRY_AFTER, Decrypted, Parameters


class Ssm:
    """SSM, which may be down, and our time in seconds."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {"a": "1"}
        self.asked, self.seconds, self.down = 0, 0.0, False
        self.parameters = Parameters(self.fetch, lambda: self.seconds)

    def fetch(self) -> Mapping[str, str]:
        self.asked += 1
        if self.down:
            raise OSError("a secret of SSM's")
        return dict(self.values)


def test_they_are_read_once_in_a_while() -> None:
    ssm = Ssm()
    for _ in range(5):
        assert (ssm.parameters["a"], ssm.parameters.get("b", ""), list(ssm.parameters), len(ssm.parameters)) == (
            *("1", ""),
            ["a"],
            1,
        )
    assert ssm.asked == 1
    ssm.values = {"b": "2"}
    ssm.seconds = MAX_AGE - 0.1
    assert dict(ssm.parameters) == {"a": "1"}
    ssm.seconds = MAX_AGE
    assert dict(ssm.parameters) == {"b": "2"}
    assert MAX_AGE <= 30


def test_they_stay_while_ssm_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    ssm = Ssm()
    assert ssm.parameters["a"] == "1"
    ssm.down, ssm.seconds = True, MAX_AGE
    for _ in range(5):
        assert ssm.parameters["a"] == "1"
    assert ssm.asked == 2  # and SSM is left alone for a while
    assert "OSError" in caplog.text
    assert "secret" not in caplog.text
    ssm.seconds += RETRY_AFTER
    ssm.down, ssm.values = False, {"a": "3"}
    assert ssm.parameters["a"] == "3"


def test_without_any_nothing_can_be_said() -> None:
    ssm = Ssm()
    ssm.down = True
    for _ in range(3):
        with pytest.raises(Unavailable, match="SSM"):
            ssm.parameters["a"]
    assert ssm.asked == 1


def test_one_reads_while_the_others_go_on() -> None:
    ssm, reading, read = Ssm(), threading.Event(), threading.Event()

    def slow() -> Mapping[str, str]:
        if ssm.seconds == 0:
            return {"a": "old"}
        reading.set()
        read.wait(10)
        return {"a": "new"}

    shared = Parameters(slow, lambda: ssm.seconds)
    assert shared["a"] == "old"
    ssm.seconds = MAX_AGE
    thread = threading.Thread(target=lambda: shared["a"])
    thread.start()
    assert reading.wait(10)
    assert shared["a"] == "old"
    read.set()
    thread.join()
    assert shared["a"] == "new"


class Sealed:
    """SSM's secrets: a value, and what is stored of it, which each writing makes another."""

    def __init__(self) -> None:
        self.value, self.writings = "1", 0
        self.asked: list[bool] = []
        self.fails = False
        self.late: list[str] = []  # what is given once more before the value

    def write(self, value: str) -> None:
        self.value, self.writings = value, self.writings + 1

    def read(self, decrypt: bool) -> Mapping[str, str]:
        self.asked.append(decrypt)
        if decrypt and self.fails:
            raise OSError
        if not decrypt:
            return {"a": f"sealed {self.writings}"}
        return {"a": self.late.pop() if self.late else self.value}


def test_secrets_are_decrypted_only_when_one_has_changed() -> None:
    ssm = Sealed()
    decrypted = Decrypted(ssm.read)
    for _ in range(5):
        assert decrypted() == {"a": "1"}
    # The first time, once what is stored is known, and once more.
    assert ssm.asked == [True, False, True, False, True, False, False]
    ssm.asked.clear()
    ssm.write("2")
    for _ in range(4):
        assert decrypted() == {"a": "2"}
    assert ssm.asked == [False, True, False, True, False, False]
    ssm.write("2")  # the same again is a writing as well
    assert decrypted() == {"a": "2"}


def test_an_answer_from_before_the_change_does_not_stay() -> None:
    ssm = Sealed()
    decrypted = Decrypted(ssm.read)
    decrypted(), decrypted(), decrypted()
    ssm.write("2")
    ssm.late = ["1"]
    assert [decrypted()["a"] for _ in range(3)] == ["1", "2", "2"]


def test_a_change_that_could_not_be_decrypted_is_found_again() -> None:
    ssm = Sealed()
    decrypted = Decrypted(ssm.read)
    decrypted(), decrypted()
    ssm.write("2")
    ssm.fails = True
    with pytest.raises(OSError):  # noqa: PT011 it has no words
        decrypted()
    ssm.fails = False
    assert decrypted() == {"a": "2"}


def test_a_change_shows_through_powertools(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", moto_url)
    name = f"/test-{uuid4().hex}/app-secret"
    ssm = boto3.client("ssm", endpoint_url=moto_url, region_name="us-east-1")
    seconds = 0.0
    read = parameters.under(name.removesuffix("app-secret"), "us-east-1", lambda: seconds)
    for value in ("1", "2", "3"):
        ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
        assert read["app-secret"] == value
        seconds += MAX_AGE


def test_they_are_those_under_their_path_whatever_their_number(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", moto_url)
    name = f"test-{uuid4().hex}"
    ssm = boto3.client("ssm", endpoint_url=moto_url, region_name="us-east-1")
    expected = {f"tokens/{number}": f"secret {number}" for number in range(25)} | {"app-secret": "s"}
    for key, value in expected.items():
        ssm.put_parameter(Name=f"/{name}/{key}", Value=value, Type="SecureString")
    ssm.put_parameter(Name=f"/{name}-other/app-secret", Value="another's", Type="SecureString")
    assert dict(parameters.under(f"/{name}/", "us-east-1")) == expected


def test_an_ssm_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        parameters.under("/test/", "us-east-1")["app-secret"]  # the tests' environment leads nowhere
