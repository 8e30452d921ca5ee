"""Restoring where DynamoDB does not do at once what it is asked for, which the emulated AWS always does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.restoration import BACKUP_TRIES, Restoration
from infra.stage import CannotDo
from tests.test_policies import stage

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)


class FakeAws:
    """DynamoDB and CloudFormation, which take everything, except that new tables are not ready for backups at first."""

    def __init__(self, refusals: int, code: str) -> None:
        self.refusals, self.code = refusals, code
        self.recovered: list[str] = []

    def client(self, service: str) -> Any:
        assert service in ("dynamodb", "cloudformation")
        return self

    def describe_stacks(self, **_: object) -> None:
        raise refused("ValidationError", "Stack with id chalice-hitl-back-data does not exist")

    def describe_table(self, **_: object) -> Any:
        return {"Table": {"TableStatus": "ACTIVE"}}

    def describe_time_to_live(self, **_: object) -> Any:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}

    def update_continuous_backups(self, TableName: str, PointInTimeRecoverySpecification: Any) -> None:  # noqa: N803 boto's names
        if self.refusals:
            self.refusals -= 1
            raise refused(self.code, "Backups are being enabled for the table")
        assert PointInTimeRecoverySpecification["PointInTimeRecoveryEnabled"]
        self.recovered.append(TableName)

    def taken(self, *_: object, **__: object) -> Any:
        return self

    restore_table_to_point_in_time = update_time_to_live = update_table = update_item = taken
    create_change_set = execute_change_set = get_waiter = wait = taken


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Any")


def restore(aws: FakeAws, said: list[str]) -> None:
    back: Any = aws
    back.name, back.app, back.stem = "back", "chalice-hitl", "chalice-hitl-back"
    Restoration(stage("prod"), back, said.append, lambda seconds: said.append(f"slept {seconds:g} s")).run(AT)


def test_a_table_that_is_not_ready_for_backups_is_asked_again() -> None:
    aws, said = FakeAws(2, "ContinuousBackupsUnavailableException"), list[str]()
    restore(aws, said)
    assert aws.recovered == ["chalice-hitl-back-conversations", "chalice-hitl-back-messages"]
    waited = ["chalice-hitl-back-conversations is not ready for backups yet; asking again in 10 s …", "slept 10 s"]
    assert said[-4:] == waited * 2


def test_it_is_not_asked_for_ever() -> None:
    aws, said = FakeAws(10**6, "ContinuousBackupsUnavailableException"), list[str]()
    with pytest.raises(CannotDo, match="still not ready for backups"):
        restore(aws, said)
    assert said.count("slept 10 s") == BACKUP_TRIES


def test_any_other_refusal_is_one() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        restore(FakeAws(1, "AccessDeniedException"), [])
