"""The Lambda layer: the packages of chalicelayer/, made small and quick to import.

Chalice makes a layer by itself where `automatic_layer` is set, but uses a file that is there already. So ours is put
where Chalice looks for its own, and plain `chalice deploy` ships it too.
"""

from __future__ import annotations

import base64
import compileall
import hashlib
import py_compile
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from chalice.deploy.packager import LayerDeploymentPackager
from chalice.utils import OSUtils

from infra.stage import CannotDo, Stage

SERVICES = ("dynamodb", "lambda", "sns", "sqs", "ssm")
"""What the program calls of AWS; botocore describes four hundred more."""
PLATFORMS = {"x86_64": "manylinux2014_x86_64", "arm64": "manylinux2014_aarch64"}
_NEVER_IMPORTED = ("bin", "boto3/examples", "boto3/data")
_SAME_DAY = (2020, 1, 1, 0, 0, 0)
"""The time of every file in the archive: the same packages are the same bytes."""


def build(stage: Stage) -> Path:
    """Build the layer and leave it where Chalice looks for it; the path of the archive."""
    target = stage.project / "build" / "layer" / stage.architecture
    shutil.rmtree(target, ignore_errors=True)
    _install(stage, target)
    _prune(target)
    # Lambda cannot write bytecode, so every cold start would compile. It is never checked against the source's time.
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(target, quiet=1, invalidation_mode=mode, stripdir=str(target), prependdir="/opt/python")
    archive = place(stage)
    archive.parent.mkdir(parents=True, exist_ok=True)
    _zip(target, archive)
    return archive


def place(stage: Stage) -> Path:
    """Where Chalice looks for the layer of this program, Python and processor."""
    packager = LayerDeploymentPackager(OSUtils(), cast(Any, None), cast(Any, None), stage.architecture)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return Path(packager.deployment_package_filename(str(stage.project), version))


class Attachment:
    """The layer of functions that are running.

    Chalice gives a function its new code first and its new layer after, and what starts in between may lack a package.
    So a new layer is attached to the old code before Chalice begins.
    """

    def __init__(self, aws: Any, stage: Stage) -> None:
        self._lambda = aws
        self._stage = stage
        self._published: dict[str, Any] | None = None

    def before(self, archive: Path) -> bool:
        """Give every function this layer; whether it was another one."""
        content = archive.read_bytes()
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        behind = [function for function in self._stage.functions() if self._digest(function) != digest]
        if not behind:
            return False
        self._published = self._lambda.publish_layer_version(
            LayerName=f"{self._stage.stem}-next-layer", Content={"ZipFile": content}
        )
        for function in behind:
            self._lambda.update_function_configuration(
                FunctionName=function, Layers=[self._published["LayerVersionArn"]]
            )
            self._lambda.get_waiter("function_updated_v2").wait(FunctionName=function)
        return True

    def after(self) -> None:
        """Remove what Chalice has meanwhile published again under its own name; functions keep what they use."""
        if self._published is not None:
            name, version = self._published["LayerArn"], self._published["Version"]
            self._lambda.delete_layer_version(LayerName=name, VersionNumber=version)

    def _digest(self, function: str) -> str | None:
        layers = self._lambda.get_function_configuration(FunctionName=function).get("Layers", [])
        if not layers:
            return None
        found = self._lambda.get_layer_version_by_arn(Arn=layers[0]["Arn"])
        return str(found["Content"]["CodeSha256"])


def _install(stage: Stage, target: Path) -> None:
    lock = stage.project / "chalicelayer" / "requirements.lock"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    exact = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--platform", PLATFORMS[stage.architecture]]
    exact += ["--platform", PLATFORMS[stage.architecture].replace("2014", "_2_28")]
    done = subprocess.run([*pip, *exact, "--target", target, "-r", lock], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotDo(f"pip could not fetch the layer's packages:\n{done.stderr.strip()}\nIs PyPI reachable?")


def _prune(target: Path) -> None:
    data = target / "botocore" / "data"
    for folder in [*data.iterdir(), *(target / name for name in _NEVER_IMPORTED)]:
        if folder.is_dir() and not (folder.parent == data and folder.name in SERVICES):
            shutil.rmtree(folder)


def _zip(source: Path, archive: Path) -> None:
    part = archive.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in _files(source):
            entry = zipfile.ZipInfo(f"python/{path.relative_to(source).as_posix()}", _SAME_DAY)
            entry.external_attr = 0o755 << 16
            zipped.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    part.replace(archive)


def _files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.name not in ("RECORD", "direct_url.json", "REQUESTED", "INSTALLER"):
            yield path
