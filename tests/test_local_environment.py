"""What a run makes up, what it refuses, and what it sets for its parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.errors import Misconfigured
from chalicelib.settings import Settings
from local.environment import Run, apply, plan


def test_what_is_missing_is_made_up_so_that_every_setting_can_be_read() -> None:
    run = plan({})
    assert sorted(run.made_up) == ["HITL_API_TOKEN", "HITL_APP_SECRET", "HITL_PAGE_TOKEN", "HITL_VERIFY_TOKEN"]
    settings = Settings(run.made_up)
    assert settings.api_token.startswith("hitl_")
    assert len(settings.pages) == 1
    assert (run.port, run.url) == (8000, "http://localhost:8000")
    assert plan({}).made_up != run.made_up


def test_what_is_set_is_kept() -> None:
    run = plan({"HITL_APP_SECRET": "mine", "PORT": "8100", "HITL_GRAPH_URL": "https://graph.facebook.com/"})
    assert "HITL_APP_SECRET" not in run.made_up
    assert (run.port, run.graph, run.dynamodb) == (8100, "https://graph.facebook.com", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HITL_PAGE_TOKEN", "nonsense"),
        ("HITL_API_TOKEN", "short"),
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
    run = Run(8000, {"HITL_APP_SECRET": "made up"}, dynamodb, None, Path("state"))
    urls = {"dynamodb": "http://d", "sqs": "http://s", "graph": "http://g"}
    apply(run, env, **urls, has_keys=lambda: has_keys)
    return env


def test_endpoints_of_this_machine_replace_what_points_elsewhere() -> None:
    env = applied({"AWS_ENDPOINT_URL_SQS": "https://sqs.aws", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"})
    assert env["AWS_ENDPOINT_URL_DYNAMODB"] == "http://d"
    assert env["AWS_ENDPOINT_URL_SQS"] == "http://s"
    assert env["HITL_GRAPH_URL"] == "http://g"
    assert env["HITL_APP_SECRET"] == "made up"
    assert "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" not in env


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
