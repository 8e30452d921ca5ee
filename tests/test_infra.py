"""The templates: what cfn-lint says, what must be secure, and that they hold what the program reads and writes."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import boto3
import pytest
import yaml

from chalicelib.settings import Settings
from chalicelib.telemetry import NAMESPACE, Metric
from infra import parameters
from infra.__main__ import main
from infra.stage import ROOT, CannotDo, Stage
from tests.stores import opened, own_settings

TEMPLATES = Path(__file__).parent.parent / "infra"
NAMES = ("data", "site")


_Loader: Any = type("_Loader", (yaml.SafeLoader,), {})
"""Reads CloudFormation's short forms as `{"Ref": …}` and the like."""


def _short(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix: value}


_Loader.add_multi_constructor("!", _short)


def template(name: str) -> dict[str, Any]:
    return dict(yaml.load((TEMPLATES / f"{name}.yaml").read_text("utf-8"), _Loader))  # noqa: S506 it is a SafeLoader


def resources(kind: str) -> list[dict[str, Any]]:
    """Find the properties of every resource of a kind, in both templates."""
    found = [each for name in NAMES for each in template(name)["Resources"].values()]
    return [each["Properties"] for each in found if each["Type"] == kind]


@pytest.mark.parametrize("name", NAMES)
def test_cfn_lint_has_nothing_to_say(name: str) -> None:
    command = [str(Path(sys.executable).with_name("cfn-lint")), str(TEMPLATES / f"{name}.yaml")]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, ""), said.stdout + said.stderr


def test_the_tables_are_those_of_the_program(moto_url: str) -> None:
    settings = own_settings()
    opened(moto_url, settings)
    dynamodb = boto3.client("dynamodb", endpoint_url=moto_url)
    written = {table["TableName"]["Sub"]: table for table in resources("AWS::DynamoDB::Table")}
    for name in (settings.conversations_table, settings.messages_table):
        made = dynamodb.describe_table(TableName=name)["Table"]
        assert _schema(written[name.replace(settings.name, "${App}-${Stage}")]) == _schema(made)
    ttl = dynamodb.describe_time_to_live(TableName=settings.messages_table)["TimeToLiveDescription"]
    assert written["${App}-${Stage}-messages"]["TimeToLiveSpecification"]["AttributeName"] == ttl["AttributeName"]


def _schema(table: dict[str, Any]) -> dict[str, Any]:
    def indexes(kind: str) -> dict[str, Any]:
        return {each["IndexName"]: (each["KeySchema"], each["Projection"]) for each in table.get(kind, [])}

    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    return {
        "keys": table["KeySchema"],
        "types": types,
        "global": indexes("GlobalSecondaryIndexes"),
        "local": indexes("LocalSecondaryIndexes"),
    }


def test_the_mailbox_is_the_one_that_the_program_names() -> None:
    mailbox = next(each for each in resources("AWS::SQS::Queue") if "RedrivePolicy" in each)
    named = mailbox["QueueName"]["Sub"].replace("${App}-${Stage}", "chalice-hitl-dev")
    assert named == Settings({"HITL_NAME": "chalice-hitl-dev"}).mailbox_queue
    assert (mailbox["DeduplicationScope"], mailbox["FifoThroughputLimit"]) == ("messageGroup", "perMessageGroupId")
    assert mailbox["VisibilityTimeout"] > 30  # the function's timeout
    assert mailbox["RedrivePolicy"]["maxReceiveCount"] == 10  # what delivery counts its tries by


def test_data_is_kept_safe() -> None:
    for table in resources("AWS::DynamoDB::Table"):
        assert table["DeletionProtectionEnabled"] is True
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["SSESpecification"] == {"SSEEnabled": True}
    for each in template("data")["Resources"].values():
        if each["Type"] in ("AWS::DynamoDB::Table", "AWS::Cognito::UserPool"):
            assert (each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert all(queue["SqsManagedSseEnabled"] is True for queue in resources("AWS::SQS::Queue"))


def test_nobody_gets_in_uninvited() -> None:
    (pool,), (client,) = resources("AWS::Cognito::UserPool"), resources("AWS::Cognito::UserPoolClient")
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] >= 12
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    (bucket,) = resources("AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4


def test_policies_allow_nobody_everything() -> None:
    documents = [each["PolicyDocument"] for each in resources("AWS::S3::BucketPolicy")]
    documents += [each["PolicyDocument"] for each in resources("AWS::SQS::QueuePolicy")]
    for statement in (statement for document in documents for statement in document["Statement"]):
        if statement["Effect"] == "Allow":
            assert statement["Principal"] != "*"
            assert "*" not in statement["Action"]
            assert "Condition" in statement
    assert len(documents) == 2
    refused = [statement for document in documents for statement in document["Statement"] if "Bool" in str(statement)]
    assert len(refused) == 2  # plain HTTP, by bucket and queues


def test_the_site_serves_over_tls_with_its_headers_and_the_api_uncached() -> None:
    (distribution,) = resources("AWS::CloudFront::Distribution")
    config = distribution["DistributionConfig"]
    (api,) = config["CacheBehaviors"]
    assert api["PathPattern"] == "/api/*"
    assert api["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # AWS's CachingDisabled
    assert {config["DefaultCacheBehavior"]["ViewerProtocolPolicy"], api["ViewerProtocolPolicy"]} == {
        "redirect-to-https",
        "https-only",
    }
    (to_api,) = resources("AWS::CloudFront::OriginRequestPolicy")
    assert to_api["OriginRequestPolicyConfig"]["CookiesConfig"] == {"CookieBehavior": "none"}
    assert to_api["OriginRequestPolicyConfig"]["HeadersConfig"] == {"HeaderBehavior": "allExcept", "Headers": ["Host"]}
    (headers,) = resources("AWS::CloudFront::ResponseHeadersPolicy")
    security = headers["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    policy = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Sub"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    # The dashboard asks Cognito for its addresses at the one, and for tokens at the other; it goes nowhere else.
    called = re.search("connect-src ([^;]*);", policy)
    assert called is not None
    assert called[1].split() == ["'self'", "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}", "${SignIn}"]
    outputs = template("data")["Outputs"]
    assert outputs["SignIn"]["Value"]["Sub"].startswith("https://${App}-${Stage}-")  # the domain of the sign-in page
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31536000


class FakeSsm:
    """SSM with what is in `kept`, by full names."""

    def __init__(self, **kept: str) -> None:
        self.kept = {f"/chalice-hitl-dev/{name}": value for name, value in kept.items()}

    def get_paginator(self, operation: str) -> FakeSsm:
        assert operation == "get_parameters_by_path"
        return self

    def paginate(self, **_: object) -> list[dict[str, Any]]:
        return [{"Parameters": [{"Name": name, "Value": value} for name, value in self.kept.items()]}]

    def put_parameter(self, Name: str, Value: str, Type: str, Overwrite: bool) -> None:  # noqa: N803 boto's names
        assert (Type, Overwrite) == ("SecureString", True)
        self.kept[Name] = Value


def test_secrets_are_taken_from_the_environment_once() -> None:
    ssm, stage = FakeSsm(), Stage("chalice-hitl", "dev", Settings({"HITL_NAME": "chalice-hitl-dev"}), "arm64", ROOT)
    with pytest.raises(CannotDo, match=r"HITL_APP_SECRET=.* and HITL_PAGE_TOKEN="):
        parameters.put(ssm, stage, {})
    given = {"HITL_APP_SECRET": "shh", "HITL_PAGE_TOKEN": "17=EAA,instagram:18=IGA", "HITL_ALERT_WEBHOOK": "https://c"}
    parameters.put(ssm, stage, given)
    kept = {name.removeprefix("/chalice-hitl-dev/"): value for name, value in ssm.kept.items()}
    assert len(kept.pop("verify-token")) > 20  # made up
    pages = {"pages/messenger/17": "EAA", "pages/instagram/18": "IGA"}
    assert kept == {"app-secret": "shh", "alert-webhook": "https://c", **pages}
    before = dict(ssm.kept)
    parameters.put(ssm, stage, {})
    assert ssm.kept == before


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (["destroy", "--stage", "dev"], "Nothing was done"),
        (["restore", "--stage", "back"], "There is no stage back"),
        (["restore", "--stage", "dev", "--at", "2026-11-24T09:00:00Z"], "Say of which stage: FROM=prod"),
        (["restore", "--stage", "dev", "--from", "prod", "--at", "yesterday"], "AT=2026-11-24T09:00:00Z"),
        (["operator"], "Say which stage: STAGE=dev"),
    ],
)
def test_what_was_not_said_is_asked_for_in_a_sentence(
    asked: list[str], answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(asked) == 1
    assert answer in capsys.readouterr().err


def test_alarms_and_dashboard_look_at_the_metrics_that_the_program_prints() -> None:
    alarms = [each for each in resources("AWS::CloudWatch::Alarm") if each["Namespace"] == NAMESPACE]
    service = {"Name": "service", "Value": {"Sub": "${App}-${Stage}"}}  # which is HITL_NAME, as a deployment checks
    assert all(alarm["Dimensions"] == [service] for alarm in alarms)
    assert {alarm["MetricName"] for alarm in alarms} == {"BotFailed", "Failed"}
    (board,) = resources("AWS::CloudWatch::Dashboard")
    widgets = json.loads(board["DashboardBody"]["Sub"])["widgets"]
    shown = [metric for widget in widgets for metric in widget["properties"]["metrics"] if metric[0] == NAMESPACE]
    assert sorted(metric[1] for metric in shown) == sorted(get_args(Metric))
    assert {tuple(metric[2:]) for metric in shown} == {("service", "${App}-${Stage}")}


def test_alarms_are_few_and_each_is_explained() -> None:
    alarms = resources("AWS::CloudWatch::Alarm")
    assert 0 < len(alarms) <= 10
    section = (ROOT / "docs" / "operating.md").read_text("utf-8").partition("\n## Alarms\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "| `" in line]
    names = [alarm["AlarmName"]["Sub"].removeprefix("${App}-${Stage}-") for alarm in alarms]
    assert sorted(name for row in rows for name in re.findall("`(.+?)`", row[0])) == sorted(names)
    for _, happened, noticed, steps in rows:
        assert happened
        assert noticed
        assert steps.startswith("1. ")
    assert all(alarm["AlarmActions"] for alarm in alarms)
