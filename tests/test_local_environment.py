"""What a run makes up, what it refuses, and what it sets for its parts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.auth import PERMISSIONS, api_token
from chalicelib.errors import Misconfigured
from chalicelib.settings import SignIn
from local.environment import SECRETS, apply, plan

TOKEN = "hitl_" + "aB3_-" * 8 + "xyz"


def test_what_is_missing_is_made_up_so_that_every_setting_can_be_read() -> None:
    run = plan({})
    assert sorted(run.made_up) == ["HITL_API_TOKEN", "HITL_APP_SECRET", "HITL_PAGE_TOKEN", "HITL_VERIFY_TOKEN"]
    assert len(run.settings.pages) == 1
    assert run.settings.sign_in.issuer == "http://localhost:8000/oidc"
    assert api_token(run.api_token, run.settings).permissions == PERMISSIONS
    assert (run.port, run.url, run.settings.dashboard_url) == (8000, "http://localhost:8000", "http://localhost:8000")
    assert plan({}).made_up != run.made_up


def test_what_is_set_is_kept() -> None:
    pages, sign_in = " 17=EAAB=x== , instagram:18=IGAA,messenger:19=EAAC", '{"issuer": "https://i", "client_id": "c"}'
    env = {"HITL_APP_SECRET": "mine", "HITL_PAGE_TOKEN": pages, "HITL_SIGN_IN": sign_in, "PORT": "8100"}
    run = plan({**env, "HITL_GRAPH_URL": "https://graph.facebook.com/"})
    assert "HITL_APP_SECRET" not in run.made_up
    assert (run.settings.app_secret, run.settings.sign_in) == ("mine", SignIn("https://i", "c"))
    expected = [("instagram:18", "IGAA"), ("messenger:17", "EAAB=x=="), ("messenger:19", "EAAC")]
    assert [(page.name, page.token) for page in run.settings.pages] == expected
    assert (run.port, run.graph, run.dynamodb) == (8100, "https://graph.facebook.com", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("HITL_PAGE_TOKEN", value) for value in ("x", "17=", "=x", "17=a b", "17=a,", "whatsapp:17=a", "17:18=a")),
        *(("HITL_API_TOKEN", value) for value in ("short", TOKEN[:-1], TOKEN + "x", TOKEN[:-1] + "ü", "x" + TOKEN[1:])),
        ("HITL_BOT", "nonsense"),
        ("HITL_GRAPH_VERSION", "25"),
        ("PORT", "abc"),
        ("PORT", "80"),
        ("PORT", "65535"),
    ],
)
def test_what_cannot_be_read_is_named(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        plan({name: value})


def applied(env: dict[str, str], *, has_keys: bool = True, dynamodb: str | None = None) -> dict[str, str]:
    run = replace(plan({}), dynamodb=dynamodb)
    urls = {"dynamodb": "http://d", "ssm": "http://m", "sqs": "http://s", "graph": "http://g"}
    apply(run, env, **urls, has_keys=lambda: has_keys)
    return env


def test_endpoints_of_this_machine_replace_what_points_elsewhere() -> None:
    env = applied({"AWS_ENDPOINT_URL_SQS": "https://sqs.aws", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"})
    assert env["AWS_ENDPOINT_URL_DYNAMODB"] == "http://d"
    assert env["AWS_ENDPOINT_URL_SQS"] == "http://s"
    assert env["HITL_GRAPH_URL"] == "http://g"
    assert env["AWS_ENDPOINT_URL_SSM"] == "http://m"
    assert "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" not in env


def test_secrets_leave_the_environment() -> None:
    assert applied({"HITL_APP_SECRET": "x", "HITL_PAGE_TOKEN": "1=x", "HITL_NAME": "n"}).keys() & SECRETS == set()


@pytest.mark.parametrize(
    ("bot", "dynamodb", "has_keys", "keeps_keys"),
    [
        ("", None, True, False),
        ("lambda:bot", None, True, True),
        ("lambda:bot", None, False, False),
        ("", "http://127.0.0.1:8001", True, True),
        ("", "http://127.0.0.1:8001", False, False),
    ],
)
def test_real_keys_stay_only_where_something_may_need_them(
    bot: str, dynamodb: str | None, has_keys: bool, keeps_keys: bool
) -> None:
    env = applied({"HITL_BOT": bot, "AWS_PROFILE": "real"}, has_keys=has_keys, dynamodb=dynamodb)
    assert (env.get("AWS_PROFILE") == "real") is keeps_keys
    assert (env.get("AWS_ACCESS_KEY_ID") == "local") is not keeps_keys


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, "127.0.0.1,localhost"), ("corp.example", "corp.example,127.0.0.1,localhost"), ("*", "*")],
)
def test_a_proxy_never_stands_between_the_parts(before: str | None, after: str) -> None:
    assert applied({} if before is None else {"NO_PROXY": before})["NO_PROXY"] == after
