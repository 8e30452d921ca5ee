"""The documents stay true: their commands, settings, modules and links exist, and nothing goes unmentioned."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from local.environment import SECRETS
from local.parameters import SIGN_IN

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "chalicelayer" / "README.md"])
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)

LOCAL_ONLY = {"HITL_DYNAMODB_ENDPOINT", SIGN_IN, *SECRETS}
"""Settings of the stack on a laptop; `local` reads them."""


def settings() -> set[str]:
    """Find the names that settings.py asks the environment for."""
    tree = ast.parse((ROOT / "chalicelib" / "settings.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    names = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    return {name for name in names if isinstance(name, str) and re.fullmatch("HITL_[A-Z_]+", name)}


def targets() -> set[str]:
    """Find what the Makefile says it can do."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9-]+):.* ## ", makefile, re.MULTILINE))


def test_every_make_command_in_the_documents_exists() -> None:
    named = set(re.findall(r"(?:^ {4}|`|\$ )make ([a-z0-9-]+)", TEXT, re.MULTILINE))
    assert {"run", "test"} <= named
    assert named <= targets()


def test_make_alone_says_what_there_is() -> None:
    answer = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[1] for line in answer.splitlines()} == targets()


def test_every_setting_is_documented() -> None:
    assert {name for name in settings() | LOCAL_ONLY if f"`{name}`" not in TEXT} == set()


def test_every_documented_setting_exists() -> None:
    documented = set(re.findall(r"^\| `(HITL_[A-Z_]+)`", TEXT, re.MULTILINE))
    assert documented == settings() | LOCAL_ONLY


def test_every_module_is_on_the_map() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    modules = {path.relative_to(ROOT / "chalicelib").parts[0] for path in ROOT.glob("chalicelib/**/*.py")} - {
        "__init__.py"
    }
    assert {name for name in modules if f"`{name.removesuffix('.py')}`" not in page} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
