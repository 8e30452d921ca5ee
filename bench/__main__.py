"""`make bench` measures everything and writes docs/performance.md; `make bench ARGS=pages` renews one topic of it."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from types import ModuleType

from bench.harness import Bench, Figure, started
from tests.engines import ROOT, NotStarted

TOPICS = ("calls", "processor", "pages", "projection", "burst", "start", "layer", "cost")
PAGE = ROOT / "docs" / "performance.md"
INTRODUCTION = """# Performance

Measured and written by `make bench`, against DynamoDB Local in memory.

DynamoDB Local and whatever else the machine does share its processors, so nothing here says how long something takes
in AWS. What is compared runs in turns in one process, A B B A, and the median of the rounds' ratios counts; what is
about cost is processor time. SQS and SSM are answered within the process: their requests are built and signed, their
answers parsed, and nothing is sent. Times in milliseconds are medians unless the text says otherwise.
"""


def main(names: list[str]) -> int:
    """Measure the topics named, or all of them, and write them into the page."""
    unknown = set(names) - set(TOPICS)
    if unknown:
        print(f"There is no {', '.join(sorted(unknown))}. Choose from {', '.join(TOPICS)}.", file=sys.stderr)
        return 2
    try:
        with started() as bench:
            for name in names or TOPICS:
                _write(_section(bench, import_module(f"bench.{name}")))
    except NotStarted as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _section(bench: Bench, topic: ModuleType) -> str:
    """A topic's part of the page: when and where it was measured, how, and the figures."""
    before = os.getloadavg()[0]
    table = _table(topic.measure(bench))
    packages = ", ".join(f"{name} {version(name)}" for name in ("botocore", "pynamodb", "chalice"))
    where = f"{os.cpu_count()} processors ({platform.machine()}), Python {platform.python_version()}, {packages}"
    when = f"{datetime.now(UTC).date()}; load {before:.1f} before and {os.getloadavg()[0]:.1f} after."
    text = f"## {topic.TITLE}\n\n{(topic.__doc__ or '').strip()}\n\n{table}\nOn {where}, {when}\n"
    print(text)
    return text


def _write(section: str) -> None:
    """Put a section in the place of the one with its title; topics keep their order."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    sections = {text.partition("\n")[0]: f"## {text.strip()}\n" for text in old.split("\n## ")[1:]}
    sections[section.partition("\n")[0].removeprefix("## ")] = section
    titles = [import_module(f"bench.{name}").TITLE for name in TOPICS]
    PAGE.write_text("\n".join([INTRODUCTION, *(sections[title] for title in titles if title in sections)]), "utf-8")


def _table(figures: list[Figure]) -> str:
    lines = ["| Figure | Measured | Budget | Met | Beside it |", "|---|---:|---:|---|---|"]
    for figure in figures:
        budget = "" if figure.budget is None else f"≤ {figure.budget:g} {figure.unit}"
        met = "" if figure.budget is None else "yes" if figure.is_met else "**no**"
        lines.append(f"| {figure.name} | {_number(figure.value)} {figure.unit} | {budget} | {met} | {figure.detail} |")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:.2f}" if value % 1 else f"{value:.0f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
