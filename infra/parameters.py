"""The secrets of a stage: SecureStrings in SSM, taken from the environment, never shown and never in a template."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from infra.stage import CannotDo, Stage

_VARIABLES = {
    "app-secret": "HITL_APP_SECRET",
    "verify-token": "HITL_VERIFY_TOKEN",
    "alert-webhook": "HITL_ALERT_WEBHOOK",
}
_PAGE = re.compile(r"(?:(messenger|instagram):)?([A-Za-z0-9_-]{1,128})=(\S+)")


def known(ssm: Any, stage: Stage) -> dict[str, str]:
    """Every parameter that the functions read, by what follows the stage's path."""
    path, found = f"/{stage.stem}/", {}
    for page in ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True, WithDecryption=True):
        found.update({each["Name"].removeprefix(path): each["Value"] for each in page["Parameters"]})
    return found


def put(ssm: Any, stage: Stage, env: Mapping[str, str]) -> None:
    """Take what the environment brings, make up the verify token, and insist on the rest."""
    there, given = known(ssm, stage), _given(env)
    if "verify-token" not in there:
        given.setdefault("verify-token", secrets.token_urlsafe(18))
    for name, value in given.items():
        if there.get(name) != value:
            ssm.put_parameter(Name=f"/{stage.stem}/{name}", Value=value, Type="SecureString", Overwrite=True)
    everything = there.keys() | given.keys()
    missing = [] if "app-secret" in everything else ["HITL_APP_SECRET=<the app secret from your Meta app's settings>"]
    if not any(name.startswith("pages/") for name in everything):
        missing.append("HITL_PAGE_TOKEN=<page id>=<Page access token>")
    if missing:
        raise CannotDo("The stage needs these once; set them in the environment: " + " and ".join(missing))


def _given(env: Mapping[str, str]) -> dict[str, str]:
    given = {parameter: env[name] for parameter, name in _VARIABLES.items() if env.get(name)}
    for part in filter(None, env.get("HITL_PAGE_TOKEN", "").split(",")):
        match = _PAGE.fullmatch(part.strip())
        if match is None:
            raise CannotDo("HITL_PAGE_TOKEN cannot be read. Set it to <page id>=<token>, several separated by commas.")
        given[f"pages/{match[1] or 'messenger'}/{match[2]}"] = match[3]
    return given
