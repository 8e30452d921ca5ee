"""The project's own files: pins agree, the lock names no registry, Chalice reads its settings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from chalice.config import Config
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
RUNTIME, LAYER, DEVELOPMENT = "requirements.txt", "chalicelayer/requirements.txt", "requirements-dev.txt"


def pins(name: str) -> dict[str, str]:
    """Read a requirements file: version by package. Anything but an exact pin fails."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith(("#", "-r "))]
    found = [re.fullmatch(r"([a-z0-9-]+)(?:\[[a-z]+\])?==([0-9][0-9a-z.]*)", line) for line in wanted]
    assert None not in found, f"{name} has something else than exact pins"
    return {match[1]: match[2] for match in found if match}


def locked(name: str) -> dict[str, str]:
    """Read a lock: version by package, each with the hash of at least one file of it."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.findall(r"^([a-z0-9-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", text, re.MULTILINE)
    assert len(text.splitlines()) == sum(1 + hashes.count("--hash") for _, _, hashes in found)
    return {package: version for package, version, _ in found}


def brought_by(package: str) -> Iterator[str]:
    """Name what a package installs beside itself, all the way down."""
    for text in requires(package) or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)
            yield from brought_by(requirement.name)


@pytest.mark.parametrize("name", [LAYER, DEVELOPMENT])
def test_pins_agree(name: str) -> None:
    runtime = pins(RUNTIME) | pins(LAYER)
    assert {
        package: version for package, version in pins(name).items() if runtime.get(package, version) != version
    } == {}


def test_the_layer_holds_what_the_program_imports_and_no_more() -> None:
    wanted = set(pins(RUNTIME)) - {"chalice"}  # `chalice deploy` brings its own runtime
    for package in tuple(wanted):
        wanted |= set(brought_by(package))
    assert set(pins(LAYER)) == wanted


def test_every_package_is_pinned_by_hash_too() -> None:
    every = pins(RUNTIME) | pins(LAYER) | pins(DEVELOPMENT)
    advice = "run `make lock`"
    assert locked("requirements.lock") == every, advice
    assert locked("chalicelayer/requirements.lock") == pins(LAYER), advice


def test_the_npm_locks_name_no_registry() -> None:
    for lock in (ROOT / "package-lock.json", ROOT / "frontend" / "package-lock.json"):
        assert '"resolved"' not in lock.read_text(encoding="utf-8")


def test_the_dashboard_is_built_from_exact_versions() -> None:
    package = json.loads((ROOT / "frontend" / "package.json").read_text(encoding="utf-8"))
    versions = package["dependencies"] | package["devDependencies"]
    assert [name for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
@pytest.mark.parametrize("function", ["api_handler", "deliver", "look_after"])
def test_chalice_reads_its_settings(stage: str, function: str) -> None:
    content = chalice_file("config.json")
    config = Config(chalice_stage=stage, function_name=function, config_from_disk=content)
    assert stage in content["stages"]
    assert config.config_file_version == "2.0"
    assert config.app_name == "chalice-hitl"
    assert config.api_gateway_stage == "api"  # the paths of the published API begin with /api
    assert config.lambda_timeout == 30  # above a bot's timeout, below the queue's visibility timeout
    assert config.autogen_policy is False
    # Where none is named Chalice reads policy-<stage>.json.
    named = stage != "local" and function != "api_handler"
    assert config.iam_policy_file == (f"policy-{stage}-{function}.json" if named else None)
    assert config.log_retention_in_days == 30


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize("function", ["api_handler", "deliver", "look_after"])
def test_only_what_is_worth_its_price_is_traced(stage: str, function: str) -> None:
    config = Config(chalice_stage=stage, function_name=function, config_from_disk=chalice_file("config.json"))
    assert config.xray_enabled is (stage == "dev" and function != "look_after")


def chalice_file(name: str) -> Any:
    """Read a file of .chalice."""
    return json.loads((ROOT / ".chalice" / name).read_text(encoding="utf-8"))
