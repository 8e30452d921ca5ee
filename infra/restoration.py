"""Brings data back: the tables of one stage, as they were at some second, become the tables of a new stage.

DynamoDB restores into new tables only. These get the names that the new stage's data stack gives, and are taken into
that stack, so that `make deploy` goes on from there. What a restored table does not bring along is set before: point in
time recovery, the expiry of rows, the guard against deletion.

What comes back is of the past: pauses that have ended since, messages that people have answered since. So the global
stop is set in it before any function of the new stage can look, and no bot speaks to anybody until a person lifts it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import yaml
from botocore.exceptions import ClientError

from chalicelib.conversation import SYSTEM
from chalicelib.tables import STOP_ID, actor_text
from infra.stacks import TEMPLATES, Stack
from infra.stage import CannotDo, Stage

PARAMETERS = {name: {"Type": "String", "Default": ""} for name in ("App", "Stage", "AlarmEmail")}
BACKUP_TRIES, PAUSE = 60, 10
"""How often to ask for what DynamoDB is not ready for, and the seconds between."""
_PATIENCE = {"Delay": 2, "MaxAttempts": 300}


class Restoration:
    """Of the data of the stage `source` for the stage `target`, which must be new. `say` prints for whoever waits."""

    def __init__(
        self, source: Stage, target: Stage, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._source = source
        self._target = target
        self._say = say
        self._sleep = sleep
        self._dynamodb = target.client("dynamodb")
        self._cloudformation = target.client("cloudformation")
        self._stack = Stack(self._cloudformation, target.stem, "data", sleep)

    def run(self, at: datetime) -> None:
        """Do it; both tables as they were at the same second. It can be repeated where it was interrupted."""
        tables = _tables()
        names = {key: _named(table, self._target.stem) for key, table in tables.items()}
        state = self._stack.state()
        if state == "IMPORT_COMPLETE":
            for key, name in names.items():
                self._check(_named(tables[key], self._source.stem), name, at)
            return
        if state in ("REVIEW_IN_PROGRESS", "IMPORT_ROLLBACK_COMPLETE"):  # an earlier run took nothing in
            self._stack.delete()
        elif state == "IMPORT_IN_PROGRESS":
            raise CannotDo("An earlier run is still taking the tables in. Run this again in a minute.")
        elif state:
            raise CannotDo(f"The stage {self._target.name} has data already. Restore into a new stage.")
        for key, name in names.items():
            self._restore(_named(tables[key], self._source.stem), name, at)
        self._say("Waiting for DynamoDB, which takes from minutes to hours …")
        for key, name in names.items():
            self._wait(name)
            self._complete(name, tables[key]["Properties"])
            self._wait(name)
        self._stop(f"{self._target.stem}-conversations", at)
        self._take_in(tables, names)

    def _restore(self, source: str, target: str, at: datetime) -> None:
        try:
            self._dynamodb.restore_table_to_point_in_time(
                SourceTableName=source,
                TargetTableName=target,
                RestoreDateTime=at,
                SSESpecificationOverride={"Enabled": True},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("TableAlreadyExistsException", "TableInUseException"):
                raise
            self._check(source, target, at)
            self._say(f"{target} is there already.")
        else:
            self._say(f"{source} of {at.isoformat()} becomes {target}")

    def _check(self, source: str, target: str, at: datetime) -> None:
        """CannotDo unless the table was made of this one at this second."""
        summary = self._dynamodb.describe_table(TableName=target)["Table"].get("RestoreSummary", {})
        of = summary.get("SourceTableArn", "").endswith(f":table/{source}")
        if not of or summary.get("RestoreDateTime") != at:
            text = f"The table {target} is not {source} of {at.isoformat()}. Delete it, or restore into a new stage."
            raise CannotDo(text)

    def _stop(self, table: str, at: datetime) -> None:
        """Set the global stop, in the attributes that `store.set_stop` writes."""
        now = time.time_ns() // 1_000_000
        self._dynamodb.update_item(
            TableName=table,
            Key={"id": {"S": STOP_ID}},
            UpdateExpression="SET paused_since = :now, paused_by = :by, paused_reason = :why ADD version :one",
            ExpressionAttributeValues={
                ":now": {"N": str(now)},
                ":by": {"S": str(actor_text(SYSTEM))},
                ":why": {"S": f"restored as of {at.isoformat()}"},
                ":one": {"N": "1"},
            },
        )

    def _complete(self, table: str, wanted: Mapping[str, Any]) -> None:
        """Set what restoring has left out; what is set already is refused, or changes nothing."""
        self._recover(table, wanted["PointInTimeRecoverySpecification"])
        expiry = wanted.get("TimeToLiveSpecification")
        known = self._dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"]
        if expiry and known == "DISABLED":
            self._dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=expiry)
        self._dynamodb.update_table(TableName=table, DeletionProtectionEnabled=wanted["DeletionProtectionEnabled"])

    def _recover(self, table: str, wanted: Mapping[str, Any]) -> None:
        """Turn point in time recovery on, which DynamoDB refuses while it makes a new table ready for backups."""
        for _ in range(BACKUP_TRIES):
            try:
                self._dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=wanted)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ContinuousBackupsUnavailableException":
                    raise
                self._say(f"{table} is not ready for backups yet; asking again in {PAUSE} s …")
                self._sleep(PAUSE)
            else:
                return
        raise CannotDo(f"{table} is still not ready for backups. Run the same command again; it goes on from here.")

    def _wait(self, table: str) -> None:
        while self._dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] != "ACTIVE":
            self._sleep(PAUSE)

    def _take_in(self, tables: Mapping[str, Any], names: Mapping[str, str]) -> None:
        kept = {key: {**table, "DeletionPolicy": "Retain"} for key, table in tables.items()}
        template = {"Parameters": PARAMETERS, "Resources": kept}
        given = {"App": self._target.app, "Stage": self._target.name}
        change = {"StackName": self._stack.name, "ChangeSetName": "restored"}
        self._cloudformation.create_change_set(
            **change,
            ChangeSetType="IMPORT",
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
            ResourcesToImport=[
                {
                    "ResourceType": "AWS::DynamoDB::Table",
                    "LogicalResourceId": key,
                    "ResourceIdentifier": {"TableName": name},
                }
                for key, name in names.items()
            ],
        )
        self._cloudformation.get_waiter("change_set_create_complete").wait(**change, WaiterConfig=_PATIENCE)
        self._cloudformation.execute_change_set(**change)
        self._cloudformation.get_waiter("stack_import_complete").wait(
            StackName=self._stack.name, WaiterConfig=_PATIENCE
        )


def second(text: str) -> datetime:
    """Read a time as `2026-11-24T09:00:00Z`; CannotDo where it is none, or has no zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise CannotDo("Say which second to go back to, with its zone: AT=2026-11-24T09:00:00Z")
    return at.astimezone(UTC)


def _tables() -> dict[str, Any]:
    """The tables of the data stack's template, by their names in it."""
    loader: Any = type("Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", lambda _, kind, node: {f"Fn::{kind}": node.value})
    content = yaml.load((TEMPLATES / "data.yaml").read_text("utf-8"), loader)  # noqa: S506 it is a SafeLoader
    found = content["Resources"].items()
    return {key: resource for key, resource in found if resource["Type"] == "AWS::DynamoDB::Table"}


def _named(table: Mapping[str, Any], stem: str) -> str:
    name: str = table["Properties"]["TableName"]["Fn::Sub"]
    return name.replace("${App}-${Stage}", stem)
