"""The parameters of a local run, as SSM holds those of a deployment: read from the environment, put into moto."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import boto3

from chalicelib.auth import PERMISSIONS, ApiToken, hash_of, is_token
from chalicelib.errors import Misconfigured

ALERT_WEBHOOK = "HITL_ALERT_WEBHOOK"
SIGN_IN = "HITL_SIGN_IN"
_PAGE_TOKEN = re.compile(r"(?:(messenger|instagram):)?([A-Za-z0-9_-]{1,128})=(\S+)")


def read(env: Mapping[str, str], sign_in: Mapping[str, str]) -> dict[str, str]:
    """The parameters that these variables stand for, by their names; Misconfigured names what cannot be read.

    Operators sign in by `sign_in`, unless the environment names a provider of its own.
    """
    token = env["HITL_API_TOKEN"]
    if not is_token(token):
        raise Misconfigured("HITL_API_TOKEN cannot be read. Set it to hitl_ and 43 characters of A-Z a-z 0-9 _ -.")
    every = ApiToken("api-token", "API token", hash_of(token), None, PERMISSIONS, made="by make run")
    webhook = env.get(ALERT_WEBHOOK)
    return {
        "app-secret": env["HITL_APP_SECRET"],
        "verify-token": env["HITL_VERIFY_TOKEN"],
        "sign-in": env.get(SIGN_IN) or json.dumps(sign_in),
        f"tokens/{every.id}": every.value,
        **_pages(env["HITL_PAGE_TOKEN"]),
        **({"alert-webhook": webhook} if webhook else {}),
    }


def put(ssm: Any, name: str, parameters: Mapping[str, str]) -> None:
    """Writes each, whatever was there."""
    for key, value in parameters.items():
        ssm.put_parameter(Name=f"/{name}/{key}", Value=value, Type="SecureString", Overwrite=True)


def client(endpoint: str | None, region: str) -> Any:
    """A client of SSM: the stand-in at an endpoint, or the one that the AWS settings lead to."""
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"} if endpoint else {}
    return boto3.client("ssm", endpoint_url=endpoint, region_name=region, **keys)


def _pages(value: str) -> dict[str, str]:
    pages = {}
    for part in value.split(","):
        match = _PAGE_TOKEN.fullmatch(part.strip())
        if match is None:
            form = "<page id>=<Page access token>, several separated by commas, instagram:<id>=<token> for Instagram"
            raise Misconfigured(f"HITL_PAGE_TOKEN cannot be read. Set it to {form}.")
        pages[f"pages/{match[1] or 'messenger'}/{match[2]}"] = match[3]
    return pages
