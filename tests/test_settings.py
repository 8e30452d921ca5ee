"""What a deployment can choose: each setting's default, form and fault, and that no secret is ever shown."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import settings
from chalicelib.errors import Misconfigured
from chalicelib.settings import Page, Settings

TOKEN = "hitl_" + "aB3_-" * 8 + "xyz"
Read = Callable[[Settings], Any]

SECRETS = {
    "HITL_APP_SECRET": "s3cret-of-the-app",
    "HITL_VERIFY_TOKEN": "verify-w0rd",
    "HITL_API_TOKEN": TOKEN,
    "HITL_PAGE_TOKEN": "17=EAAB-t0ken,instagram:18=IGAA-t0ken",
}


@pytest.mark.parametrize(
    ("name", "read", "form"),
    [
        ("HITL_APP_SECRET", lambda s: s.app_secret, "app secret"),
        ("HITL_VERIFY_TOKEN", lambda s: s.verify_token, "any word"),
        ("HITL_API_TOKEN", lambda s: s.api_token, "hitl_ and 43 characters"),
        ("HITL_PAGE_TOKEN", lambda s: s.pages, "<page id>=<Page access token>"),
    ],
)
@pytest.mark.parametrize("env", [{}, None])
def test_what_is_missing_is_named_with_its_form(name: str, read: Read, form: str, env: dict[str, str] | None) -> None:
    with pytest.raises(Misconfigured, match=f"^{name} is not set. Set it to .*") as caught:
        read(Settings({name: ""} if env is None else env))
    assert form in caught.value.message


@pytest.mark.parametrize(
    ("read", "default"),
    [
        (lambda s: s.bot, "python:chalicelib.example_bot:bot"),
        (lambda s: s.release, "HITL_STOP"),
        (lambda s: s.graph_url, "https://graph.facebook.com"),
        (lambda s: s.graph_version, "v25.0"),
        (lambda s: s.retention_days, 365),
        (lambda s: s.name, "chalice-hitl"),
        (lambda s: s.conversations_table, "chalice-hitl-conversations"),
        (lambda s: s.messages_table, "chalice-hitl-messages"),
        (lambda s: s.mailbox_queue, "chalice-hitl-mailbox.fifo"),
        (lambda s: s.region, "us-east-1"),
    ],
)
def test_the_rest_has_defaults(read: Read, default: object) -> None:
    names = ("HITL_BOT", "HITL_RELEASE", "HITL_GRAPH_URL", "HITL_GRAPH_VERSION", "HITL_RETENTION_DAYS", "HITL_NAME")
    assert read(Settings({})) == default
    assert read(Settings(dict.fromkeys(names, ""))) == default


@pytest.mark.parametrize(
    ("name", "value", "read", "expected"),
    [
        ("HITL_APP_SECRET", "abc", lambda s: s.app_secret, "abc"),
        ("HITL_VERIFY_TOKEN", "two words", lambda s: s.verify_token, "two words"),
        ("HITL_API_TOKEN", TOKEN, lambda s: s.api_token, TOKEN),
        ("HITL_BOT", "python:shop.bots:kettle", lambda s: s.bot, "python:shop.bots:kettle"),
        ("HITL_BOT", "https://bot.example/hook?x=1", lambda s: s.bot, "https://bot.example/hook?x=1"),
        ("HITL_BOT", "http://localhost:9000/", lambda s: s.bot, "http://localhost:9000/"),
        ("HITL_BOT", "http://LOCALHOST", lambda s: s.bot, "http://LOCALHOST"),
        ("HITL_BOT", "http://127.0.0.1", lambda s: s.bot, "http://127.0.0.1"),
        ("HITL_BOT", "http://[::1]:9000/x", lambda s: s.bot, "http://[::1]:9000/x"),
        ("HITL_BOT", "lambda:kettle-bot", lambda s: s.bot, "lambda:kettle-bot"),
        ("HITL_BOT", "lambda:arn:aws:lambda:eu-1:1:function:k:$LATEST", lambda s: s.bot[:10], "lambda:arn"),
        ("HITL_RELEASE", "BOT PLEASE", lambda s: s.release, "BOT PLEASE"),
        ("HITL_GRAPH_URL", "http://127.0.0.1:8001/graph/", lambda s: s.graph_url, "http://127.0.0.1:8001/graph"),
        ("HITL_GRAPH_VERSION", "v26.0", lambda s: s.graph_version, "v26.0"),
        ("HITL_RETENTION_DAYS", "0", lambda s: s.retention_days, 0),
        ("HITL_RETENTION_DAYS", "99999", lambda s: s.retention_days, 99999),
        ("HITL_NAME", "Shop-2", lambda s: (s.name, s.mailbox_queue), ("Shop-2", "Shop-2-mailbox.fifo")),
        ("AWS_REGION", "eu-central-1", lambda s: s.region, "eu-central-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1", lambda s: s.region, "eu-west-1"),
    ],
)
def test_what_is_set_is_read(name: str, value: str, read: Read, expected: object) -> None:
    assert read(Settings({name: value})) == expected


@pytest.mark.parametrize(
    ("name", "read", "values"),
    [
        (
            "HITL_API_TOKEN",
            lambda s: s.api_token,
            ["x", TOKEN[:-1], TOKEN + "x", TOKEN + "\n", " " + TOKEN, "HITL" + TOKEN[4:], TOKEN[:-1] + "ü"],
        ),
        (
            "HITL_BOT",
            lambda s: s.bot,
            [
                *("x", "python", "python:shop", "python:shop:", "python::bot", "python:9:x", "python:a b:c"),
                *("lambda:", "lambda:a b", "ftp://bot.example", "https://", "https:///x", "https://a b", "http://["),
                *(
                    "http://bot.example",
                    "http://localhost.bot.example",
                    "http://localhost@bot.example",
                    "http://0.0.0.0",
                ),
                *("http://127.0.0.1.example", "http://bot.example#localhost", "http://[::2]", "https://[x", "HTTP://x"),
            ],
        ),
        ("HITL_RELEASE", lambda s: s.release, [":", "STOP:1", "x" * 901]),
        ("HITL_GRAPH_URL", lambda s: s.graph_url, ["graph.facebook.com", "https://", "ftp://x", "https://a b"]),
        ("HITL_GRAPH_VERSION", lambda s: s.graph_version, ["25", "25.0", "v25", "v25.0.1", "v25.0/../x", "v٢٥.٠"]),
        ("HITL_RETENTION_DAYS", lambda s: s.retention_days, ["-1", "1.5", "a year", "100000", "٣", "1e3"]),
        ("HITL_NAME", lambda s: s.name, ["a b", "a_b", "a.fifo", "x" * 51, "ü", "a\n"]),
        (
            "HITL_PAGE_TOKEN",
            lambda s: s.pages,
            ["x", "17", "17=", "=x", "17=a b", "17=a,", ",17=a", "17=a;18=b c", "whatsapp:17=a", "<id>=a", "17:18=a"],
        ),
    ],
)
def test_what_cannot_be_read_is_named_and_no_secret_repeated(name: str, read: Read, values: list[str]) -> None:
    for value in values:
        with pytest.raises(Misconfigured) as caught:
            read(Settings({name: value}))
        assert caught.value.message.startswith(name), value
        assert "TOKEN" not in name or len(value) < 8 or value not in caught.value.message


def test_pages_are_several_and_of_both_platforms() -> None:
    value = " 17=EAAB=x== , instagram:18=IGAA,messenger:19=EAAC"
    pages = Settings({"HITL_PAGE_TOKEN": value}).pages
    assert pages == (
        Page("messenger", "17", "EAAB=x=="),
        Page("instagram", "18", "IGAA"),
        Page("messenger", "19", "EAAC"),
    )


@pytest.mark.parametrize("show", [repr, str, lambda value: f"{value}"])
def test_secrets_are_never_shown(show: Callable[[object], str]) -> None:
    shown = Settings(SECRETS)
    texts = show(shown) + show(shown.pages) + show(shown.pages[0])
    for secret in ("s3cret", "w0rd", "t0ken", TOKEN):
        assert secret not in texts
    assert "17" in show(shown.pages)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings({}).env = {}  # type: ignore[misc]


def test_the_process_reads_its_own_environment_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Late, because Chalice's test client sets it after `app.py` was imported."""
    current = settings.current()
    assert current.env is os.environ
    assert current is settings.current()
    with pytest.raises(Misconfigured, match="HITL_VERIFY_TOKEN"):
        _ = current.verify_token
    monkeypatch.setenv("HITL_VERIFY_TOKEN", "now it is")
    assert current.verify_token == "now it is"
