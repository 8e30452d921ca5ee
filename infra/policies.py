"""What the functions of a stage may do: IAM policies that name this stage's resources, in this account and region.

Chalice reads a policy from a file, the file holds an account's number, and each stage has one of its own. So they are
written by `make deploy`, where plain `chalice deploy` finds them too, and are not kept with the program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.stage import Stage

Policy = Mapping[str, Any]


def write(stage: Stage, partition: str, account: str) -> None:
    """Write what each function of the stage may do; `partition` is `aws`, or another one in China."""
    for name, policy in policies(stage, partition, account).items():
        text = json.dumps(policy, indent=2) + "\n"
        (stage.project / ".chalice" / name).write_text(text, "utf-8")


def policies(stage: Stage, partition: str, account: str) -> dict[str, Policy]:
    """The policies by the names of their files in `.chalice`: that of the API, and those of the other functions."""
    here = _Here(stage, partition, account)
    rounds = [here.items(), here.lists(), here.put_into_mailbox(), here.parameters(), here.logs(), here.traces()]
    api = [*rounds, here.updates()]
    deliver = [*api, here.take_from_mailbox(), here.call_operators(), *here.invoke_bot()]
    found = {"": api, "-deliver": deliver, "-look_after": rounds}
    return {f"policy-{stage.name}{rest}.json": _policy(statements) for rest, statements in found.items()}


class _Here:
    """The statements of one stage."""

    def __init__(self, stage: Stage, partition: str, account: str) -> None:
        self._settings = stage.settings
        self._partition = partition
        self._account = account

    def items(self) -> dict[str, Any]:
        """A transaction needs the rights of what it is made of."""
        actions = ("BatchGetItem", "GetItem", "PutItem")
        return _allow("Items", [f"dynamodb:{action}" for action in actions], self._tables)

    def updates(self) -> dict[str, Any]:
        return _allow("Updates", ["dynamodb:UpdateItem"], self._tables)

    def lists(self) -> dict[str, Any]:
        return _allow("Lists", ["dynamodb:Query"], [*self._tables, *(f"{table}/index/*" for table in self._tables)])

    def put_into_mailbox(self) -> dict[str, Any]:
        return _allow("PutIntoMailbox", ["sqs:GetQueueUrl", "sqs:SendMessage"], [self._mailbox])

    def take_from_mailbox(self) -> dict[str, Any]:
        """For Lambda, which takes messages in the function's name, and for the function, which puts them off."""
        actions = ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
        return _allow("TakeFromMailbox", [f"sqs:{action}" for action in actions], [self._mailbox])

    def call_operators(self) -> dict[str, Any]:
        actions = ["sns:GetTopicAttributes", "sns:Publish"]
        return _allow("CallOperators", actions, [self._arn("sns", f"{self._settings.name}-calls")])

    def invoke_bot(self) -> list[dict[str, Any]]:
        """The one function that is the bot, where the bot is a function."""
        kind, _, name = self._settings.bot.partition(":")
        if kind != "lambda":
            return []
        if not name.startswith("arn:"):
            name = self._arn("lambda", f"function:{name}")
        return [_allow("InvokeBot", ["lambda:InvokeFunction"], [name])]

    def parameters(self) -> dict[str, Any]:
        path = self._arn("ssm", f"parameter/{self._settings.name}")
        return _allow("Parameters", ["ssm:GetParametersByPath"], [path, f"{path}/*"])

    def logs(self) -> dict[str, Any]:
        names = (f"{self._settings.name}{rest}" for rest in ("", "-deliver", "-look_after"))
        groups = [self._arn("logs", f"log-group:/aws/lambda/{name}") for name in names]
        actions = ("CreateLogGroup", "CreateLogStream", "PutLogEvents")
        return _allow("Logs", [f"logs:{action}" for action in actions], [*groups, *(f"{each}:*" for each in groups)])

    def traces(self) -> dict[str, Any]:
        return _allow("Traces", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"])  # X-Ray knows no others

    @property
    def _tables(self) -> list[str]:
        names = (self._settings.conversations_table, self._settings.messages_table)
        return [self._arn("dynamodb", f"table/{name}") for name in names]

    @property
    def _mailbox(self) -> str:
        return self._arn("sqs", self._settings.mailbox_queue)

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{self._partition}:{service}:{self._settings.region}:{self._account}:{resource}"


def _allow(sid: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _policy(statements: list[dict[str, Any]]) -> Policy:
    return {"Version": "2012-10-17", "Statement": statements}
