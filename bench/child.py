"""One cold start in a process of its own: `python -m bench.child api|deliver|bare-api|bare-deliver <depth>`.

`bare-…` imports the packages that the function needs and makes its calls by bare botocore. Reads from its input what
to do, prints the seconds of processor time of the imports and of imports and first call, and the calls.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import Any

BARE = ("chalice.app", "pynamodb.models", "pynamodb.transactions", "botocore.session", "aws_lambda_powertools")


def main(what: str, depth: int) -> None:
    """Start cold and answer one event, or make its calls, so many frames below."""
    if depth:
        main(what, depth - 1)
    else:
        _run(what)


def _run(what: str) -> None:
    task = json.load(sys.stdin)
    is_bare = what.startswith("bare-")
    start = time.process_time()
    modules = [import_module(name) for name in (BARE if is_bare else ("app",))]
    imported = time.process_time() - start

    from bench.aws import Recorder

    recorder = Recorder()
    start = time.process_time()
    if is_bare:
        _make(task)
    elif what == "api":
        answer = modules[0].app(task, None)
        assert answer["statusCode"] == 200, answer
    else:
        modules[0].deliver(task, None)
    called = imported + time.process_time() - start
    calls = [[call.service, call.operation, call.params] for call in recorder.taken()]
    json.dump({"imported": imported, "called": called, "calls": calls}, sys.stdout)


def _make(calls: list[list[Any]]) -> None:
    from botocore import xform_name
    from botocore.config import Config
    from botocore.session import get_session

    session, clients = get_session(), dict[str, Any]()
    config = Config(parameter_validation=False, retries={"mode": "standard", "max_attempts": 3})
    for service, operation, params in calls:
        if service == "ssm":
            import_module("aws_lambda_powertools.utilities.parameters")
        if service not in clients:
            clients[service] = session.create_client(service, config=config)
        getattr(clients[service], xform_name(operation))(**params)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
