"""What ships: the package and layer that `make deploy` makes, against what plain `chalice package` makes.

Each is unpacked, and imported in an empty environment that can write no bytecode, as on Lambda: `app`, and the parts
that the function's first event needs. In turns, each time in a new process.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from bench.harness import Bench, Figure
from infra import layer, policies
from infra.stage import Stage
from tests.engines import ROOT

TITLE = "What ships"
BUDGET = 0.6
ROUNDS = 9
FUNCTIONS = {"API function": "reception", "deliver": "deliveries"}
SHIPPED = ("app.py", "chalicelib", "chalicelayer", "requirements.txt", ".chalice")


def measure(bench: Bench) -> list[Figure]:  # noqa: ARG001 every topic is given one
    """Pack both ways, then import each function's part from both."""
    with tempfile.TemporaryDirectory() as folder:
        plain, ours = _pack(Path(folder, "plain"), own_layer=False), _pack(Path(folder, "ours"), own_layer=True)
        figures = []
        for name, part in FUNCTIONS.items():
            times: dict[str, list[float]] = {"plain": [], "ours": []}
            for _ in range(ROUNDS):
                times["plain"].append(_import(plain, part))
                times["ours"].append(_import(ours, part))
            mine, theirs = statistics.median(times["ours"]), statistics.median(times["plain"])
            said = f"{mine * 1000:.0f} of {theirs * 1000:.0f} ms"
            figures.append(Figure(f"{name}, imports", mine / theirs, "of plain", BUDGET, said))
        mine, theirs = _size(ours), _size(plain)
        said = f"{mine / 2**20:.0f} of {theirs / 2**20:.0f} MiB"
        figures.append(Figure("Unpacked size", mine / theirs, "of plain", BUDGET, said))
    return figures


def _pack(folder: Path, *, own_layer: bool) -> list[Path]:
    """Package a copy of the project; the folders that its archives unpack to, as Lambda has them on its path."""
    for name in SHIPPED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "deploy*"))
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(source, folder)
    path = folder / ".chalice" / "config.json"
    architecture = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    config = json.loads(path.read_text()) | {"automatic_layer": own_layer, "lambda_architecture": architecture}
    path.write_text(json.dumps(config))
    stage = Stage.read("dev", folder)
    policies.write(stage, "aws", "0" * 12)
    if own_layer:
        layer.build(stage)
    chalice = Path(sys.executable).with_name("chalice")
    env = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}
    subprocess.run([chalice, "package", "--stage", "dev", "out"], cwd=folder, env=env, check=True, capture_output=True)
    unpacked = []
    for archive, inside in (("deployment.zip", "."), ("layer-deployment.zip", "python")):
        if (folder / "out" / archive).exists():
            target = folder / archive.removesuffix(".zip")
            with zipfile.ZipFile(folder / "out" / archive) as zipped:
                zipped.extractall(target)
            unpacked.append(target / inside)
    return unpacked


def _import(path: list[Path], part: str) -> float:
    """Seconds that a new process takes to import the program and to make one of its parts."""
    program = (
        f"import sys; sys.path[:0] = {[str(each) for each in path]!r}; sys.dont_write_bytecode = True\n"
        "import time; begun = time.perf_counter()\n"
        f"import app; from chalicelib import system; system.current().{part}\n"
        "print(time.perf_counter() - begun)"
    )
    env = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], env=env, capture_output=True, check=True)
    return float(done.stdout)


def _size(path: list[Path]) -> int:
    return sum(file.stat().st_size for folder in path for file in folder.rglob("*") if file.is_file())
