"""The settings of a local run: what the environment says, and what is made up where it says nothing."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

import boto3

from chalicelib.errors import Misconfigured
from chalicelib.settings import Settings
from local import parameters
from local.processes import ROOT
from local.provider import sign_in

DEFAULT_PORT = 8000
STATE_FILE = ".local-stack.json"
"""Where a running stack leaves its URL and secrets for our commands, unless HITL_STATE_FILE says otherwise."""
SECRETS = ("HITL_API_TOKEN", "HITL_APP_SECRET", "HITL_VERIFY_TOKEN", "HITL_PAGE_TOKEN", "HITL_ALERT_WEBHOOK")
"""Variables that a run takes its parameters from; but for the last, what is missing is made up."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run is started with. `made_up` holds the variables that nobody set, by name.

    `settings` has the parameters that the run begins with, `api_token` the token that opens everything by them.
    `dynamodb` and `graph` are other people's endpoints; None where our stand-ins take their place.
    """

    port: int
    made_up: Mapping[str, str]
    settings: Settings
    api_token: str
    dynamodb: str | None
    graph: str | None
    state_file: Path

    @property
    def url(self) -> str:
        """The one origin."""
        return _url(self.port)


def plan(env: Mapping[str, str]) -> Run:
    """Reads what belongs to `local/` and makes up what is missing; Misconfigured names what cannot be read."""
    invented = {
        "HITL_API_TOKEN": f"hitl_{secrets.token_urlsafe(32)}",
        "HITL_APP_SECRET": secrets.token_hex(16),
        "HITL_VERIFY_TOKEN": secrets.token_urlsafe(9),
        "HITL_PAGE_TOKEN": f"{secrets.randbelow(9 * 10**14) + 10**14}=EAA{secrets.token_hex(24)}",
    }
    made_up = {name: value for name, value in invented.items() if not env.get(name)}
    port, given = _port(env.get("PORT", "")), {**env, **made_up}
    read = parameters.read(given, sign_in(_url(port)))
    settings = Settings(env, {**read, "dashboard-url": _url(port)})
    _read_every(settings)
    graph = settings.graph_url if env.get("HITL_GRAPH_URL") else None
    dynamodb = env.get("HITL_DYNAMODB_ENDPOINT") or None
    return Run(port, made_up, settings, given["HITL_API_TOKEN"], dynamodb, graph, state_file(env))


def state_file(env: Mapping[str, str]) -> Path:
    """The file of a running stack; readable by its owner only."""
    return Path(env.get("HITL_STATE_FILE") or ROOT / STATE_FILE)


def apply(
    run: Run,
    env: MutableMapping[str, str],
    *,
    dynamodb: str,
    ssm: str,
    sqs: str,
    graph: str,
    has_keys: Callable[[], bool] = lambda: boto3.Session().get_credentials() is not None,
) -> None:
    """Sets what this process and its children need to find each other, over whatever points at AWS.

    Secrets leave the environment: here too they are read from SSM only.

    `has_keys` says whether AWS keys are configured anywhere; they are left alone where something real may need them.
    """
    for name in SECRETS:
        env.pop(name, None)
    env.update({"AWS_ENDPOINT_URL_DYNAMODB": dynamodb, "AWS_ENDPOINT_URL_SSM": ssm})
    env.update({"AWS_ENDPOINT_URL_SQS": sqs, "HITL_GRAPH_URL": graph})
    env.pop("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", None)
    env.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    env.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    stays_here = run.dynamodb is None and not env.get("HITL_BOT", "").startswith("lambda:")
    if stays_here or not has_keys():
        # Keys that were never issued: even if something is misconfigured, nothing reaches anybody's AWS account.
        env.update({"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"})
        env.pop("AWS_SESSION_TOKEN", None)
        env.pop("AWS_PROFILE", None)
    for name in ("NO_PROXY", "no_proxy"):
        if env.get(name) != "*":
            env[name] = ",".join(filter(None, [env.get(name), "127.0.0.1", "localhost"]))


def _read_every(settings: Settings) -> None:
    """Each setting once, so that what cannot be read is said before anything starts."""
    for name, attribute in vars(Settings).items():
        if isinstance(attribute, property):
            getattr(settings, name)


def _url(port: int) -> str:
    return f"http://localhost:{port}"


def _port(value: str) -> int:
    if not value:
        return DEFAULT_PORT
    if not value.isdecimal() or not 1024 <= int(value) <= 65_534:
        raise Misconfigured(f"PORT={value} cannot be used. Set it to a number from 1024 to 65534.")
    return int(value)


def environment() -> MutableMapping[str, str]:
    """The environment of this process, which its children inherit."""
    return os.environ
