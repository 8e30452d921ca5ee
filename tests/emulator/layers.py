"""A package that only a new layer has, and what the emulated AWS says where code meets a layer without it."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path


def failed_starts(project: Path) -> list[str]:
    """Which functions could not import their program, by the emulator's log."""
    lines = (project.parent / "emulator.log").read_text().splitlines()
    return [line for line in lines if "Worker init failed" in line]


def require(project: Path, name: str, source: str) -> None:
    """Let the program need a package of one module, which no index has."""
    (project / f"{name}.py").write_text(source)  # for who deploys, whose tools import the program
    wheel, about = project / f"{name}-1-py3-none-any.whl", f"{name}-1.dist-info"
    with zipfile.ZipFile(wheel, "w") as zipped:
        zipped.writestr(f"{name}.py", source)
        zipped.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        zipped.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        zipped.writestr(f"{about}/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with (project / "chalicelayer" / "requirements.lock").open("a") as lock:
        lock.write(f"{name} @ {wheel.as_uri()} --hash=sha256:{digest}\n")
