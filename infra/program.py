"""The program: `chalice deploy`, and its notes of what it has made.

The notes are kept beside the project and in a parameter, so that whoever deploys next, from another machine, changes
the same functions instead of making others.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from infra.stage import CannotDo, Stage


def notes_parameter(stage: Stage) -> str:
    """The name of the parameter with Chalice's notes: not below the path that the functions read."""
    return f"/{stage.stem}-deployed"


def restore(ssm: Any, stage: Stage) -> None:
    """Fetch the notes where this machine has none."""
    found = ssm.get_parameters(Names=[notes_parameter(stage)])["Parameters"]
    if found and not stage.deployed_file.exists():
        stage.deployed_file.parent.mkdir(parents=True, exist_ok=True)
        stage.deployed_file.write_text(found[0]["Value"], "utf-8")


def deploy(ssm: Any, stage: Stage) -> None:
    """Ship functions, triggers and REST API."""
    _chalice(stage, "deploy", "--stage", stage.name)
    notes = stage.deployed_file.read_text("utf-8")
    ssm.put_parameter(Name=notes_parameter(stage), Value=notes, Type="String", Overwrite=True)


def delete(ssm: Any, stage: Stage) -> None:
    """Take it away, the notes too, and the logs, which Chalice would leave without an end."""
    logs = stage.client("logs")
    groups = [each["log_group_name"] for each in stage.deployed().values() if each["resource_type"] == "log_group"]
    if stage.deployed():
        _chalice(stage, "delete", "--stage", stage.name)
    for group in groups:
        with suppress(logs.exceptions.ResourceNotFoundException):
            logs.delete_log_group(logGroupName=group)
    stage.deployed_file.unlink(missing_ok=True)
    if ssm.get_parameters(Names=[notes_parameter(stage)])["Parameters"]:
        ssm.delete_parameter(Name=notes_parameter(stage))


def _chalice(stage: Stage, *arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("chalice")), *arguments]
    done = subprocess.run(command, cwd=stage.project, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise CannotDo(f"chalice {' '.join(arguments)} failed:\n{last}")
