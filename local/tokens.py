"""`make token`, `make tokens`, `make token-revoke`: API tokens of bots, in the SSM of a stage or of a local stack.

Each token is a parameter of its own, `/<name>/tokens/<id>`, so that two people never overwrite each other's. It holds
the token's hash, so the token itself is shown once and never again. A revoked token keeps its parameter, without a
hash, as the record of who revoked it and when.
"""

from __future__ import annotations

import argparse
import getpass
import json
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3

from chalicelib.auth import PERMISSIONS, ApiToken, Permission, hash_of, new_token
from chalicelib.errors import HitlError
from chalicelib.parameters import Parameters
from chalicelib.settings import Settings
from local import parameters
from local.environment import environment, state_file
from local.processes import ROOT

FOR_BOTS: tuple[Permission, ...] = tuple(name for name in PERMISSIONS if name != "operator")


class CannotDo(Exception):
    """What was asked for cannot be done; the text is the line to print."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one deployment. `who` and `now` are what is recorded of a change."""

    ssm: Any
    name: str
    who: str
    now: str

    def make(self, name: str, page: str, permissions: Sequence[str]) -> tuple[ApiToken, str]:
        """A new token, as it is kept and as it is shown; bound to a Page that we know."""
        pages = [known.name for known in self._settings().pages]
        wanted = page or (pages[0] if len(pages) == 1 else "")
        wanted = wanted if ":" in wanted else f"messenger:{wanted}"
        if wanted not in pages:
            raise CannotDo(f"Say which Page: PAGE= one of {', '.join(pages)}")
        unknown = [word for word in permissions if word not in FOR_BOTS]
        if unknown or not permissions:
            raise CannotDo(f"PERMISSIONS= may hold {', '.join(FOR_BOTS)}, separated by commas.")
        if not name.strip() or not name.isprintable() or len(name) > 100:
            raise CannotDo("Say what the bot is called: make token NAME=shop-bot")
        token = new_token()
        kept = ApiToken(secrets.token_hex(6), name.strip(), hash_of(token), wanted, tuple(permissions), self._made)
        self._put(kept, overwrite=False)
        return kept, token

    def all(self) -> list[ApiToken]:
        """Every token, revoked ones too, by name."""
        found = (ApiToken.of(id_, value) for id_, value in self._settings().tokens.items())
        return sorted((token for token in found if token is not None), key=lambda token: (token.name, token.id))

    def revoke(self, id_: str) -> ApiToken:
        """End a token, which no process takes any more within half a minute."""
        token = next((token for token in self.all() if token.id == id_), None)
        if not id_:
            raise CannotDo("Say which: make token-revoke ID=…; `make tokens` lists them.")
        if token is None:
            raise CannotDo(f"There is no token with the id {id_}. `make tokens` lists them.")
        if token.revoked:
            return token
        revoked = token._replace(hash="", revoked=self._made)
        self._put(revoked, overwrite=True)
        return revoked

    @property
    def _made(self) -> str:
        return f"by {self.who} at {self.now}"

    def _put(self, token: ApiToken, *, overwrite: bool) -> None:
        path = f"/{self.name}/tokens/{token.id}"
        self.ssm.put_parameter(Name=path, Value=token.value, Type="SecureString", Overwrite=overwrite)

    def _settings(self) -> Settings:
        path, found = f"/{self.name}/", {}
        pages = self.ssm.get_paginator("get_parameters_by_path")
        for page in pages.paginate(Path=path, Recursive=True, WithDecryption=True):
            found.update({each["Name"].removeprefix(path): each["Value"] for each in page["Parameters"]})
        return Settings({"HITL_NAME": self.name}, Parameters(lambda: found))


def open_tokens(stage: str) -> Tokens:
    """The tokens of a stage on AWS, or without one of the stack that runs here."""
    env = environment()
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if stage:
        config = json.loads((ROOT / ".chalice" / "config.json").read_text("utf-8"))
        if stage not in config["stages"] or stage == "local":
            raise CannotDo(f"There is no stage {stage} in .chalice/config.json that is on AWS.")
        variables = (config | config["stages"][stage]).get("environment_variables", {})
        settings = Settings({**env, **variables})
        who = str(boto3.client("sts").get_caller_identity()["Arn"])
        region = boto3.Session().region_name or settings.region  # where Chalice has deployed it
        return Tokens(parameters.client(None, region), settings.name, who, now)
    settings = Settings(env)
    try:
        endpoint = json.loads(state_file(env).read_text("utf-8"))["ssm"]
    except (OSError, ValueError, KeyError):
        raise CannotDo("No stack runs here. Start `make run`, or name a stage: STAGE=dev") from None
    return Tokens(parameters.client(endpoint, settings.region), settings.name, getpass.getuser(), now)


def main(arguments: Sequence[str] | None = None) -> int:
    """What `make` asks for; 0 when it was done."""
    parser = argparse.ArgumentParser(prog="python -m local.tokens", description=__doc__)
    parser.add_argument("what", choices=("make", "list", "revoke"))
    for name in ("stage", "name", "page", "id"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--permissions", default=",".join(FOR_BOTS))
    asked = parser.parse_args(arguments)
    try:
        tokens = open_tokens(asked.stage)
        if asked.what == "make":
            permissions = [word.strip() for word in asked.permissions.split(",") if word.strip()]
            kept, token = tokens.make(asked.name, asked.page, permissions)
            print(f"{_line(kept)}\n\n  {token}\n\nIt is shown once: only its hash is kept. It works in half a minute.")
        elif asked.what == "revoke":
            print(_line(tokens.revoke(asked.id)))
        else:
            print("\n".join(map(_line, tokens.all())))
    except Exception as error:
        is_ours = isinstance(error, (CannotDo, HitlError))
        sentence = str(error) if is_ours else f"AWS did not do it ({type(error).__name__})."
        print(sentence, file=sys.stderr)
        return 1
    return 0


def _line(token: ApiToken) -> str:
    state = f"revoked {token.revoked}" if token.revoked else f"made {token.made}"
    return f"{token.id}  {token.name}  {token.page or 'every Page'}  {','.join(token.permissions)}  {state}"


if __name__ == "__main__":
    sys.exit(main())
