"""`make token`, `make tokens`, `make token-revoke` against an SSM, and what is said to who asks for the impossible."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import boto3
import pytest

from chalicelib import parameters
from chalicelib.auth import api_token
from chalicelib.errors import Unauthenticated
from chalicelib.settings import Settings
from local.tokens import CannotDo, Tokens, main, open_tokens


@pytest.fixture
def tokens(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Tokens:
    """The tokens of a deployment with one Page."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", moto_url)
    ssm, name = boto3.client("ssm", endpoint_url=moto_url, region_name="us-east-1"), f"test-{uuid4().hex}"
    ssm.put_parameter(Name=f"/{name}/pages/messenger/17", Value="page-token", Type="SecureString")
    return Tokens(ssm, name, "kim", "2026-01-31T12:00:00Z")


def read_anew(tokens: Tokens) -> Settings:
    """The settings of a process that starts now."""
    return Settings({"HITL_NAME": tokens.name}, parameters.under(f"/{tokens.name}/", "us-east-1"))


def test_a_token_that_was_made_opens_what_it_is_for_until_it_is_revoked(tokens: Tokens) -> None:
    kept, token = tokens.make("shop bot", "", ["read", "pause"])
    found = api_token(token, read_anew(tokens))
    assert (found.name, found.page, found.permissions) == ("shop bot", "messenger:17", ("read", "pause"))
    assert found.made == "by kim at 2026-01-31T12:00:00Z"
    assert [each.id for each in tokens.all()] == [kept.id]

    assert tokens.revoke(kept.id).revoked == "by kim at 2026-01-31T12:00:00Z"
    with pytest.raises(Unauthenticated):
        api_token(token, read_anew(tokens))
    assert [(each.id, bool(each.revoked)) for each in tokens.all()] == [(kept.id, True)]
    assert tokens.revoke(kept.id).revoked  # again changes nothing


def test_only_the_hash_is_kept_and_encrypted(tokens: Tokens) -> None:
    kept, token = tokens.make("a", "messenger:17", ["send"])
    stored = tokens.ssm.get_parameter(Name=f"/{tokens.name}/tokens/{kept.id}", WithDecryption=True)["Parameter"]
    assert stored["Type"] == "SecureString"
    assert token not in stored["Value"]
    assert "hash" in json.loads(stored["Value"])


def test_two_who_make_tokens_do_not_lose_each_other_s(tokens: Tokens) -> None:
    made = [tokens.make("same name", "17", ["read"]) for _ in range(5)]
    settings = read_anew(tokens)
    assert {api_token(token, settings).id for _, token in made} == {kept.id for kept, _ in made}
    assert len(tokens.all()) == 5


@pytest.mark.parametrize(
    ("name", "page", "permissions", "words"),
    [
        ("", "", ["read"], "NAME="),
        ("a\nb", "", ["read"], "NAME="),
        ("a", "18", ["read"], "messenger:17"),
        ("a", "instagram:17", ["read"], "messenger:17"),
        ("a", "", [], "PERMISSIONS="),
        ("a", "", ["operator"], "PERMISSIONS="),
        ("a", "", ["read", "all"], "PERMISSIONS="),
    ],
)
def test_what_cannot_be_made_is_said(tokens: Tokens, name: str, page: str, permissions: list[str], words: str) -> None:
    with pytest.raises(CannotDo, match=words):
        tokens.make(name, page, permissions)
    assert tokens.all() == []


def test_a_page_has_to_be_named_where_there_are_two(tokens: Tokens) -> None:
    tokens.ssm.put_parameter(Name=f"/{tokens.name}/pages/instagram/18", Value="x", Type="SecureString")
    with pytest.raises(CannotDo, match="instagram:18, messenger:17"):
        tokens.make("a", "", ["read"])
    assert tokens.make("a", "instagram:18", ["read"])[0].page == "instagram:18"


def test_the_commands_say_what_they_did(
    tokens: Tokens, moto_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state.json"
    monkeypatch.setenv("HITL_STATE_FILE", str(state))
    monkeypatch.setenv("HITL_NAME", tokens.name)
    assert main(["list"]) == 1
    assert "make run" in capsys.readouterr().err

    state.write_text(json.dumps({"ssm": moto_url}))
    assert main(["make", "--name", "shop", "--permissions", "read, pause"]) == 0
    token = next(line.strip() for line in capsys.readouterr().out.splitlines() if "hitl_" in line)
    found = api_token(token, read_anew(tokens))
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert f"{found.id}  shop  messenger:17  read,pause  made by " in listed
    assert token not in listed
    assert main(["revoke", "--id", found.id]) == 0
    assert "revoked by " in capsys.readouterr().out
    assert main(["revoke", "--id", "nothing"]) == 1
    assert main(["revoke"]) == 1
    assert main(["make", "--stage", "nowhere", "--name", "x"]) == 1
    said = capsys.readouterr().err
    assert "Say which" in said
    assert "nowhere" in said


def test_a_stage_is_asked_whatever_name_this_machines_own_stack_has(
    moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    monkeypatch.setenv("HITL_NAME", "mine")
    assert open_tokens("dev").name == "chalice-hitl-dev"
