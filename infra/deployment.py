"""The steps from an empty AWS account to a working stage, and back. Each can be repeated, and says what it is doing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Misconfigured
from chalicelib.settings import Settings
from infra import gateway, layer, page, parameters, policies, program, site
from infra.addresses import Addresses, addresses
from infra.smoke import SmokeTest
from infra.stacks import Stack
from infra.stage import CannotDo, Stage

ADVICE = "Nothing is lost. Put it right and run the same command again; what is done already is quick."


class Deployment:
    """One stage in one account. `say` prints a line for whoever waits."""

    def __init__(self, stage: Stage, say: Callable[[str], None], env: Mapping[str, str] = os.environ) -> None:
        self._stage = stage
        self._say = say
        self._env = env
        self.data = Stack(stage.client("cloudformation"), stage.stem, "data")
        self.site = Stack(stage.client("cloudformation"), stage.stem, "site")

    def deploy(self, alarm_email: str) -> Addresses:
        """Everything, in the order in which one needs the other."""
        stage, ssm = self._stage, self._stage.client("ssm")
        names = {"App": stage.app, "Stage": stage.name}
        with self._step("1/8 Account, rights and secrets"):
            me = stage.client("sts").get_caller_identity()
            policies.write(stage, me["Arn"].split(":")[1], me["Account"])
            parameters.put(ssm, stage, self._env)
        with self._step("2/8 Tables, queue, sign-in, alarms"):
            data = self.data.deploy({**names, "AlarmEmail": alarm_email or None})
        with self._step("3/8 Layer"):
            program.restore(ssm, stage)
            attachment = layer.Attachment(stage.client("lambda"), stage)
            attachment.before(layer.build(stage))
        with self._step("4/8 Functions and API (chalice deploy)"):
            program.deploy(ssm, stage)
            attachment.after()
        with self._step("5/8 Site; the first time CloudFront takes some minutes"):
            outputs = self.site.deploy({**names, **self._made(data)})
        with self._step("6/8 Dashboard's files, throttling, answers of API Gateway"):
            built = stage.project / "frontend" / "dist"
            site.upload(stage.client("s3"), outputs["Bucket"], built, site.configuration(outputs))
            site.invalidate(stage.client("cloudfront"), outputs["Distribution"])
            gateway.secure(stage.client("apigateway"), stage)
        settings = Settings(stage.settings.env, parameters.known(ssm, stage))
        where = addresses(stage, outputs)
        with self._step("7/8 Meta: the Page's webhook fields"):
            page.subscribe(settings)
        with self._step("8/8 Smoke test"):
            SmokeTest(ssm, stage, settings, where).run()
        return where

    def destroy(self, *, with_data: bool) -> None:
        """Take the stage away; tables, operators and secrets only if `with_data`."""
        stage = self._stage
        ssm = stage.client("ssm")
        with self._step("Site"):
            bucket = self.site.outputs().get("Bucket")
            if bucket:
                site.empty(stage.client("s3"), bucket)
            self.site.delete()
        with self._step("Functions and API (chalice delete)"):
            program.restore(ssm, stage)
            program.delete(ssm, stage)
        if with_data:
            with self._step("Tables, queue, operators, secrets"):
                self._forget(ssm)

    def _made(self, data: Mapping[str, str]) -> dict[str, str]:
        """What the site's stack is told of the program and of the data stack."""
        deployed = self._stage.deployed()
        return {
            "RestApi": deployed["rest_api"]["rest_api_id"],
            "Function": deployed["api_handler"]["lambda_arn"],
            "UserPool": data["UserPool"],
            "SignIn": data["SignIn"],
            "AlertTopic": data["AlertTopic"],
        }

    def _forget(self, ssm: Any) -> None:
        stage, pool = self._stage, self.data.outputs().get("UserPool")
        dynamodb, cognito = stage.client("dynamodb"), stage.client("cognito-idp")
        tables = (stage.settings.conversations_table, stage.settings.messages_table)
        there = [table for table in tables if _exists(dynamodb, table)]
        for table in there:
            dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        self.data.delete()
        for table in there:
            if _exists(dynamodb, table):  # the template retains it
                dynamodb.delete_table(TableName=table)
        if pool:
            cognito.update_user_pool(UserPoolId=pool, DeletionProtection="INACTIVE")
            cognito.delete_user_pool(UserPoolId=pool)
        for name in parameters.known(ssm, stage):
            ssm.delete_parameter(Name=f"/{stage.stem}/{name}")

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self._say(f"{title} …")
        begun = time.monotonic()
        try:
            yield
        except (CannotDo, Misconfigured) as error:
            raise CannotDo(f"{error}\n{ADVICE}") from None
        except ClientError as error:
            said = error.response.get("Error", {})
            text = f"AWS refused {error.operation_name}: {said.get('Code')}, {said.get('Message')}"
            raise CannotDo(f"{text}\nHave these keys the rights that docs/operating.md lists?\n{ADVICE}") from None
        except BotoCoreError as error:
            raise CannotDo(f"{error}\nAre keys and region set, as `aws configure` does?\n{ADVICE}") from None
        self._say(f"    done in {time.monotonic() - begun:.0f} s")


def _exists(dynamodb: Any, table: str) -> bool:
    try:
        dynamodb.describe_table(TableName=table)
    except dynamodb.exceptions.ResourceNotFoundException:
        return False
    return True
