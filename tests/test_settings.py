"""What a deployment can choose: each setting's default, form and fault, and that no secret is ever shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import settings
from chalicelib.errors import Misconfigured
from chalicelib.parameters import Parameters
from chalicelib.settings import Page, Settings, SignIn

Read = Callable[[Settings], Any]

PARAMETERS = {
    "app-secret": "s3cret-of-the-app an0ther",
    "verify-token": "verify-w0rd",
    "pages/messenger/17": "EAAB-t0ken",
    "pages/instagram/18": "IGAA-t0ken",
    "sign-in": '{"issuer": "https://id.example", "client_id": "cl1ent"}',
    "tokens/1": "has-h",
}


@pytest.mark.parametrize(
    ("name", "read", "form"),
    [
        ("app-secret", lambda s: s.app_secret, "app secret"),
        ("app-secret", lambda s: s.app_secrets, "app secret"),
        ("verify-token", lambda s: s.verify_token, "any word"),
        ("pages/messenger/<page id>", lambda s: s.pages, "access token"),
        ("sign-in", lambda s: s.sign_in, '"issuer"'),
    ],
)
@pytest.mark.parametrize("value", [None, "", "  \n"])
def test_a_secret_that_is_missing_is_named_with_its_form(name: str, read: Read, form: str, value: str | None) -> None:
    env = {"HITL_NAME": "shop", "HITL_APP_SECRET": "x", "HITL_VERIFY_TOKEN": "x", "HITL_PAGE_TOKEN": "1=x"}
    with pytest.raises(Misconfigured) as caught:
        read(Settings(env, {} if value is None else {name.replace("<page id>", "17"): value}))
    assert caught.value.message.startswith(f"The parameter /shop/{name} is not set. Set it to ")
    assert form in caught.value.message


def test_secrets_are_read_from_parameters() -> None:
    settings = Settings({}, PARAMETERS)
    assert settings.app_secrets == ("s3cret-of-the-app", "an0ther")
    assert settings.app_secret == "s3cret-of-the-app"
    assert settings.verify_token == "verify-w0rd"
    assert settings.tokens == {"1": "has-h"}
    assert settings.pages == (Page("instagram", "18", "IGAA-t0ken"), Page("messenger", "17", "EAAB-t0ken"))
    assert settings.pages[0].name == "instagram:18"


@pytest.mark.parametrize("name", ["pages/whatsapp/1", "pages/messenger/", "pages/messenger/1/2", "pages/1", "pages"])
def test_what_is_no_page_is_none(name: str) -> None:
    assert len(Settings({}, {**PARAMETERS, name: "x"}).pages) == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"issuer": "https://id.example/x", "client_id": "c"}', SignIn("https://id.example/x", "c")),
        ('{"issuer": "http://localhost:8000/oidc", "client_id": "c"}', SignIn("http://localhost:8000/oidc", "c")),
        (
            '{"issuer": "https://i", "client_id": "c", "token": "id_token", "audience": "a", "group": "g"}',
            SignIn("https://i", "c", "id_token", "a", "g"),
        ),
    ],
)
def test_how_operators_sign_in_is_read(value: str, expected: SignIn) -> None:
    assert Settings({}, {"sign-in": value}).sign_in == expected


@pytest.mark.parametrize(
    "value",
    [
        *("x", "[]", "5", "null", "{}", '{"issuer": "https://i"}', '{"client_id": "c"}', "[" * 100_000),
        *('{"issuer": "http://id.example", "client_id": "c"}', '{"issuer": "https://i", "client_id": ""}'),
        '{"issuer": "https://i", "client_id": "c", "token": "refresh_token"}',
        '{"issuer": "https://i", "client_id": "c", "grop": "g"}',
        '{"issuer": "https://i", "client_id": ["c"]}',
    ],
)
def test_a_sign_in_that_cannot_be_read_is_named(value: str) -> None:
    with pytest.raises(Misconfigured, match=r"^The parameter /chalice-hitl/sign-in cannot be read"):
        _ = Settings({}, {"sign-in": value}).sign_in


@pytest.mark.parametrize(
    ("read", "default"),
    [
        (lambda s: s.bot, "python:chalicelib.example_bot:bot"),
        (lambda s: s.release, "HITL_STOP"),
        (lambda s: s.graph_url, "https://graph.facebook.com"),
        (lambda s: s.graph_version, "v25.0"),
        (lambda s: s.retention_days, 365),
        (lambda s: (s.alert_topic, s.alert_webhook, s.dashboard_url), ("", "", "")),
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
        ("HITL_BOT", "python:shop.bots:kettle", lambda s: s.bot, "python:shop.bots:kettle"),
        ("HITL_BOT", "https://bot.example/hook?x=1", lambda s: s.bot, "https://bot.example/hook?x=1"),
        ("HITL_BOT", "http://localhost:9000/", lambda s: s.bot, "http://localhost:9000/"),
        ("HITL_BOT", "http://LOCALHOST", lambda s: s.bot, "http://LOCALHOST"),
        ("HITL_BOT", "http://127.0.0.1", lambda s: s.bot, "http://127.0.0.1"),
        ("HITL_BOT", "http://[::1]:9000/x", lambda s: s.bot, "http://[::1]:9000/x"),
        ("HITL_BOT", "lambda:kettle-bot", lambda s: s.bot, "lambda:kettle-bot"),
        ("HITL_BOT", "lambda:kettle_bot:live", lambda s: s.bot, "lambda:kettle_bot:live"),
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
            "HITL_BOT",
            lambda s: s.bot,
            [
                *("x", "python", "python:shop", "python:shop:", "python::bot", "python:9:x", "python:a b:c"),
                *("lambda:", "lambda:a b", "lambda:arn:aws:lambda:eu-west-1:1:kettle", "lambda:kettle:live:old"),
                *("lambda:function:kettle", "lambda:123456789012:function:kettle", "lambda:123456789012:kettle"),
                *("lambda:eu-west-1:kettle", "lambda:us-gov-west-1:123456789012:function:kettle", "lambda:kettle:"),
                *("ftp://bot.example", "https://", "https:///x", "https://a b", "http://["),
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
        ("HITL_PAUSE_MINUTES", lambda s: s.pause_length, ["0", "-1", "1.5", "an hour", "1000000", "٣", " "]),
        ("HITL_HUMAN_AGENT", lambda s: s.human_agent, ["true", "1", "Yes", "yes\n"]),
        ("HITL_TAKEOVER_APP_IDS", lambda s: s.takeover_app_ids, ["x", "1;2", "-1"]),
        ("HITL_GRAPH_URL", lambda s: s.graph_url, ["graph.facebook.com", "https://", "ftp://x", "https://a b"]),
        ("HITL_GRAPH_VERSION", lambda s: s.graph_version, ["25", "25.0", "v25", "v25.0.1", "v25.0/../x", "v٢٥.٠"]),
        ("HITL_RETENTION_DAYS", lambda s: s.retention_days, ["-1", "1.5", "a year", "100000", "٣", "1e3"]),
        ("HITL_NAME", lambda s: s.name, ["a b", "a_b", "a.fifo", "x" * 51, "ü", "a\n"]),
    ],
)
def test_what_cannot_be_read_is_named(name: str, read: Read, values: list[str]) -> None:
    for value in values:
        with pytest.raises(Misconfigured) as caught:
            read(Settings({name: value}))
        assert caught.value.message.startswith(name), value


@pytest.mark.parametrize(
    ("name", "read", "values"),
    [
        ("alert-webhook", lambda s: s.alert_webhook, ["", "https://chat.example/T0/x?y=1", "http://localhost:9000/x"]),
        ("alert-topic", lambda s: s.alert_topic, ["", "arn:aws-cn:sns:eu-1:123456789012:a_-B"]),
        ("dashboard-url", lambda s: s.dashboard_url, ["", "https://desk.example/hitl", "http://localhost:8000"]),
    ],
)
def test_how_operators_are_called_is_in_parameters_that_may_be_missing(
    name: str, read: Read, values: list[str]
) -> None:
    assert [read(Settings({}, {name: value})) for value in values] == values


def test_a_slash_at_the_end_of_the_dashboards_url_is_left_out() -> None:
    assert Settings({}, {"dashboard-url": "https://desk.example/"}).dashboard_url == "https://desk.example"


@pytest.mark.parametrize(
    ("name", "read", "values"),
    [
        ("alert-webhook", lambda s: s.alert_webhook, ["chat.example", "http://chat.example/s3cret", "https://a b"]),
        ("alert-topic", lambda s: s.alert_topic, ["calls", "arn:aws:sqs:eu-1:123456789012:x", "arn:aws:sns:eu-1:1:x"]),
        ("dashboard-url", lambda s: s.dashboard_url, ["desk.example", "https://", "https://a/?b", "https://a/#b"]),
    ],
)
def test_what_of_it_cannot_be_read_is_named_and_not_repeated(name: str, read: Read, values: list[str]) -> None:
    for value in values:
        with pytest.raises(Misconfigured, match=name) as caught:
            read(Settings({}, {name: value}))
        assert f" {value}" not in caught.value.message.replace("https:// URL", "")


@pytest.mark.parametrize("show", [repr, str, lambda value: f"{value}"])
def test_secrets_are_never_shown(show: Callable[[object], str]) -> None:
    shown = Settings({"X": "s3cret"}, Parameters(lambda: PARAMETERS))
    texts = show(shown) + show(shown.parameters) + show(shown.pages) + show(shown.pages[1])
    for secret in ("s3cret", "w0rd", "t0ken", "has-h"):
        assert secret not in texts
    assert "17" in show(shown.pages)


def test_pauses_last_a_day_a_time_of_ones_own_or_for_ever() -> None:
    lengths = [Settings(env).pause_length for env in ({}, {"HITL_PAUSE_MINUTES": "5"}, {"HITL_PAUSE_MINUTES": ""})]
    assert lengths == [24 * 3_600_000, 300_000, None]


def test_who_takes_over_and_for_how_long() -> None:
    assert Settings({}).takeover_app_ids == frozenset()
    assert Settings({"HITL_TAKEOVER_APP_IDS": " 1, 22,"}).takeover_app_ids == {"1", "22"}
    assert [Settings({"HITL_HUMAN_AGENT": value}).human_agent for value in ("", "no", "yes")] == [False, False, True]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Settings({}).env = {}  # type: ignore[misc]


def test_the_process_reads_its_own_environment_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Late, because Chalice's test client sets it after `app.py` was imported."""
    current = settings.current()
    assert current.env is os.environ
    assert current is settings.current()
    monkeypatch.setenv("HITL_RELEASE", "BACK")
    assert current.release == "BACK"
