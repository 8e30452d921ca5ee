"""One stage of the app: its names, its settings, and what Chalice has made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from chalicelib.settings import Settings

ROOT = Path(__file__).parent.parent


class CannotDo(Exception):
    """What was asked for cannot be done; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of `.chalice/config.json`. `settings` are those of its functions."""

    app: str
    name: str
    settings: Settings
    architecture: str
    project: Path

    @classmethod
    def read(cls, name: str, project: Path = ROOT) -> Stage:
        """The stage of that name; CannotDo where there is none that can be deployed."""
        config = json.loads((project / ".chalice" / "config.json").read_text("utf-8"))
        if not name:
            raise CannotDo("Say which stage: STAGE=dev, or another one of .chalice/config.json.")
        if name not in config["stages"] or name == "local":
            raise CannotDo(f"There is no stage {name} for AWS in .chalice/config.json. Copy `dev` there and rename it.")
        chosen = config | config["stages"][name]
        variables = chosen.get("environment_variables", {})
        if variables.get("HITL_NAME") != f"{config['app_name']}-{name}":
            raise CannotDo(
                f"Stages must not share tables: in .chalice/config.json set HITL_NAME of the stage {name} to "
                f"{config['app_name']}-{name}."
            )
        for function in ("deliver", "look_after"):
            policy = f"policy-{name}-{function}.json"
            if chosen.get("lambda_functions", {}).get(function, {}).get("iam_policy_file") != policy:
                raise CannotDo(
                    f"Stages must not share rights: in .chalice/config.json set iam_policy_file of the function "
                    f"{function} in the stage {name} to {policy}."
                )
        region = boto3.Session().region_name  # as Chalice finds it
        if region is None:
            raise CannotDo("No region is set. Run `aws configure`, or set AWS_DEFAULT_REGION.")
        architecture = chosen.get("lambda_architecture", "x86_64")
        settings = Settings({**variables, "AWS_DEFAULT_REGION": region})
        return cls(config["app_name"], name, settings, architecture, project)

    @property
    def stem(self) -> str:
        """What all names begin with."""
        return self.settings.name

    @property
    def deployed_file(self) -> Path:
        """Where Chalice notes what it has made."""
        return self.project / ".chalice" / "deployed" / f"{self.name}.json"

    def deployed(self) -> Mapping[str, Mapping[str, Any]]:
        """What Chalice has made, by its name for it; empty before the first deployment."""
        try:
            content = json.loads(self.deployed_file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return {resource["name"]: resource for resource in content["resources"]}

    def functions(self) -> list[str]:
        """The ARNs of the functions that Chalice has made."""
        return [resource["lambda_arn"] for resource in self.deployed().values() if _is_function(resource)]

    def client(self, service: str, **options: Any) -> Any:
        """A client of an AWS service, with the keys and the region that the environment names."""
        config = Config(retries={"mode": "standard", "max_attempts": 6}, **options)
        return boto3.client(service, config=config, region_name=self.settings.region)


def _is_function(resource: Mapping[str, Any]) -> bool:
    return bool(resource["resource_type"] == "lambda_function")
