"""The two CloudFormation stacks of a stage: `<app>-<stage>-data` and `<app>-<stage>-site`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.stage import CannotDo

TEMPLATES = Path(__file__).parent
_OVER = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS")
"""States of a stack that was never there: it must go before it can come."""


class Stack:
    """A stack by its name, for example `chalice-hitl-dev-data`, and its template `data.yaml`."""

    def __init__(self, cloudformation: Any, stem: str, kind: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = cloudformation
        self._template = TEMPLATES / f"{kind}.yaml"
        self._sleep = sleep
        self.name = f"{stem}-{kind}"

    def deploy(self, parameters: Mapping[str, str | None]) -> dict[str, str]:
        """Bring it to what the template says, and give its outputs. None keeps a parameter as it was."""
        found = self._describe()
        if found is not None and found["StackStatus"] in _OVER:
            self.delete()
            found = None
        given = [_parameter(name, value, found is not None) for name, value in parameters.items()]
        call = self._client.create_stack if found is None else self._client.update_stack
        try:
            call(
                StackName=self.name,
                TemplateBody=self._template.read_text("utf-8"),
                Parameters=[parameter for parameter in given if parameter],
            )
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
        else:
            self._wait()
        return self.outputs()

    def state(self) -> str:
        """CloudFormation's word for its state, such as UPDATE_COMPLETE; empty where it is not there."""
        return str((self._describe() or {}).get("StackStatus", ""))

    def outputs(self) -> dict[str, str]:
        """What the stack says of itself; empty where it is not there."""
        found = self._describe() or {}
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    def delete(self) -> None:
        """Take it away, except for what its template retains."""
        if self._describe() is not None:
            self._client.delete_stack(StackName=self.name)
            self._wait()

    def _describe(self) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._client.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found

    def _wait(self) -> None:
        while True:
            found = self._describe()
            if found is None:
                return
            status = found["StackStatus"]
            if not status.endswith("IN_PROGRESS"):
                break
            self._sleep(1)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise CannotDo(f"CloudFormation gave up on the stack {self.name} ({status}):\n{self._reasons()}")

    def _reasons(self) -> str:
        events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")][:5]
        return "\n".join(f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed)


def _parameter(name: str, value: str | None, exists: bool) -> dict[str, Any] | None:
    if value is not None:
        return {"ParameterKey": name, "ParameterValue": value}
    return {"ParameterKey": name, "UsePreviousValue": True} if exists else None
