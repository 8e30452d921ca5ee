"""What the functions may do: named actions on this stage's resources, in its account and region, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.settings import Settings
from infra.deployment import Deployment
from infra.policies import policies, write
from infra.stage import CannotDo, Stage
from tests.test_project import ROOT

ACCOUNT, REGION = "123456789012", "eu-central-1"


def stage(name: str = "dev", **env: str) -> Stage:
    settings = Settings({"HITL_NAME": f"chalice-hitl-{name}", "AWS_DEFAULT_REGION": REGION, **env})
    return Stage("chalice-hitl", name, settings, "arm64", ROOT)


def statements(name: str, **env: str) -> dict[str, list[dict[str, Any]]]:
    return {file: each["Statement"] for file, each in policies(stage(name, **env), "aws", ACCOUNT).items()}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_nothing_is_allowed_but_named_actions_on_this_stages_resources(name: str) -> None:
    files = statements(name)
    assert files.keys() == {f"policy-{name}{rest}.json" for rest in ("", "-deliver", "-look_after")}
    for statement in (statement for file in files.values() for statement in file):
        assert statement["Effect"] == "Allow"
        assert [action for action in statement["Action"] if "*" in action] == []
        if statement["Sid"] == "Traces":  # X-Ray knows no resources
            assert (statement["Resource"], {action[:5] for action in statement["Action"]}) == (["*"], {"xray:"})
            continue
        for arn in statement["Resource"]:
            _, partition, service, region, account, resource = arn.split(":", 5)
            assert (partition, region, account) == ("aws", REGION, ACCOUNT)
            assert {action.partition(":")[0] for action in statement["Action"]} == {service}
            before, _, after = resource.partition(f"chalice-hitl-{name}")
            assert "*" not in before
            assert after.rstrip("*").rstrip("/:") in OURS


OURS = {
    *("", "-deliver", "-look_after"),
    *("-conversations", "-messages", "-conversations/index", "-messages/index"),
    *("-mailbox.fifo", "-calls"),
}
"""What follows the stage's name in its resources: another stage's name never begins so."""


def test_stages_may_share_nothing() -> None:
    mine, theirs = (
        {arn for file in statements(name).values() for each in file for arn in each["Resource"]}
        for name in ("dev", "prod")
    )
    assert mine & theirs == {"*"}


@pytest.mark.parametrize(
    ("bot", "resources"),
    [
        ("https://bot.example/webhook", []),
        ("lambda:kettle", [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:kettle"]),
        ("lambda:arn:aws:lambda:eu-west-1:1:function:kettle:live", ["arn:aws:lambda:eu-west-1:1:function:kettle:live"]),
    ],
)
def test_only_the_bot_is_invoked_and_only_where_it_is_a_function(bot: str, resources: list[str]) -> None:
    files = statements("dev", HITL_BOT=bot)
    invoking = {file: [each for each in found if each["Sid"] == "InvokeBot"] for file, found in files.items()}
    assert [each["Resource"] for each in invoking["policy-dev-deliver.json"]] == [resources] * bool(resources)
    assert invoking["policy-dev.json"] == invoking["policy-dev-look_after.json"] == []


def test_a_bot_that_cannot_be_read_ends_a_deployment_before_anything_is_made(
    moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of Lambda's own partial ARNs a policy would be made that allows something else."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    said: list[str] = []
    with pytest.raises(CannotDo, match=r"HITL_BOT cannot be read. Set it to .* function's name or whole ARN"):
        Deployment(stage(HITL_BOT="lambda:123456789012:function:kettle"), said.append, {}).deploy("")
    assert said == ["1/8 Account, rights and secrets …"]


def test_they_are_written_where_chalice_looks(tmp_path: Path) -> None:
    (tmp_path / ".chalice").mkdir()
    write(Stage("chalice-hitl", "dev", stage().settings, "arm64", tmp_path), "aws-cn", ACCOUNT)
    written = json.loads((tmp_path / ".chalice" / "policy-dev-deliver.json").read_text())
    assert written == policies(stage(), "aws-cn", ACCOUNT)["policy-dev-deliver.json"]


def project(folder: Path, **changed: Any) -> Path:
    (folder / ".chalice").mkdir()
    config = json.loads((ROOT / ".chalice" / "config.json").read_text("utf-8"))
    config["stages"]["dev"] |= changed
    (folder / ".chalice" / "config.json").write_text(json.dumps(config))
    return folder


DELIVER = {"iam_policy_file": "policy-dev-deliver.json"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"environment_variables": {"HITL_NAME": "chalice-hitl-prod"}}, "HITL_NAME of the stage dev"),
        ({"lambda_functions": {"deliver": {"iam_policy_file": "policy-prod-deliver.json"}}}, "policy-dev-deliver.json"),
        ({"lambda_functions": {}}, "policy-dev-deliver.json"),
        ({"lambda_functions": {"deliver": DELIVER}}, "policy-dev-look_after.json"),
    ],
)
def test_a_stage_that_would_share_is_refused(tmp_path: Path, changed: Any, said: str) -> None:
    with pytest.raises(CannotDo, match=said):
        Stage.read("dev", project(tmp_path, **changed))


def test_a_stage_is_in_the_region_in_which_chalice_deploys_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-south-2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    assert Stage.read("dev").settings.region == "eu-south-2"
    config.write_text("")
    with pytest.raises(CannotDo, match="region"):
        Stage.read("dev")
