"""A cold start: importing, and the first call, of each Lambda function.

Each in a new process with bytecode on disk: its imports against the bare imports of the packages it uses (Chalice,
PynamoDB, botocore, Powertools), and imports and first call together against those packages and the same calls of bare
botocore. The first call of the API function is a webhook of one message, that of deliver is its letter.

Python keeps its frames in chunks of 16 KB. Where a loop lies on the border of two, each call in it maps and unmaps
memory: compiling the regular expressions of urllib3 then takes 13 ms more and the whole up to twice as long, for no
other reason than how deep the import is. So each round starts some frames deeper, the rounds together go through a
whole chunk, and the quickest counts: what each takes where it meets no border, and no neighbour, who only ever adds
to it.

A dataclass compiles its methods when it is imported, a millisecond for each of ours, so that values are named tuples
and the typed events share a constructor. What only some functions need is imported by the first call that needs it:
the typed events by the first webhook, the bot's side by the first letter. boto3 is not loaded, and both clients are
of one session. No garbage is collected meanwhile, which takes a tenth off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from bench import functions
from bench.harness import Bench, Figure
from chalicelib.store import create_tables
from tests.engines import ROOT

TITLE = "Cold start"
BUDGET = 1.15
ROUNDS = 24
DEEPER = 5
"""Frames by which each round starts deeper."""


def measure(bench: Bench) -> list[Figure]:
    """Start each function cold, then the bare packages with the calls that it made."""
    system = bench.system("start")
    create_tables(bench.settings("raw"))
    os.environ["HITL_NAME"] = "start"
    taken: dict[str, list[dict[str, Any]]] = {what: [] for what in ("api", "bare-api", "deliver", "bare-deliver")}
    for number in range(ROUNDS + 1):
        body = functions.webhook(now := system.clock(), functions.said(number, f"m{number}", now))
        events = {
            "api": functions.post_webhook(body),
            "deliver": functions.letter(f"messenger:100:{number}", f"m:m{number}"),
        }
        for what, event in events.items():
            taken[what].append(_start(what, event, number))
            calls = json.loads(json.dumps(taken[what][-1]["calls"]).replace('"start-', '"raw-'))
            taken[f"bare-{what}"].append(_start(f"bare-{what}", calls, number))
    del os.environ["HITL_NAME"]
    kinds = (
        ("Both functions: imports", "imported", ("api", "deliver")),  # the same ones: both functions are in `app`
        ("API function: imports and first call", "called", ("api",)),
        ("deliver: imports and first call", "called", ("deliver",)),
    )
    figures = []
    for name, part, whose in kinds:
        ours, theirs = (min(one[part] for each in whose for one in taken[bare + each][1:]) for bare in ("", "bare-"))
        detail = f"{ours * 1000:.0f} ms, bare {theirs * 1000:.0f} ms"
        figures.append(Figure(name, ours / theirs, "×", BUDGET, detail))
    return figures


def _start(what: str, task: object, number: int) -> dict[str, Any]:
    # Lambda's own packages have bytecode beside them, and so have these.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "bench.child", what, str(number * DEEPER)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, input=json.dumps(task), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
