"""A local run put together: what needs what, and in which order it starts."""

from __future__ import annotations

import importlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import quote

from chalicelib import settings as chalicelib_settings
from chalicelib.bots import connect
from chalicelib.errors import HitlError
from chalicelib.settings import Settings
from local import parameters
from local.customers import World
from local.dashboard import Dashboard
from local.environment import Run, apply, environment
from local.graph import GraphApi
from local.meta import Postman, http_post
from local.play import Play
from local.provider import Provider, configuration
from local.proxy import Upstream, origin, tunnel
from local.pump import Function, Pump
from local.queue import FifoQueue
from local.running import CannotStart, Running
from local.schedule import Schedule
from local.serving import LOOPBACK, Request, free_port
from local.simulator import Simulator
from local.sqs import SqsApi

MOTO = "The local DynamoDB and SSM (moto)"
API = "The API (chalice local)"


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Queues:
    """The mailbox and its dead letters."""

    mailbox: FifoQueue
    dead: FifoQueue

    @classmethod
    def of(cls, settings: Settings) -> Queues:
        """Both, named and set as the deployed ones are."""
        dead = FifoQueue(f"{settings.name}-dead-letters.fifo", now)
        return cls(FifoQueue(settings.mailbox_queue, now, visibility=60, dead_letters=dead, max_receives=10), dead)

    def counts(self) -> dict[str, int]:
        """How many letters wait, are in flight, and were given up."""
        mailbox, dead = self.mailbox.counts(), self.dead.counts()
        return {"waiting": mailbox.waiting, "in_flight": mailbox.in_flight, "dead": dead.waiting + dead.in_flight}


def start(run: Run, running: Running) -> World:
    """Starts everything and returns when all of it answers; CannotStart says what does not.

    The two ports that people know are taken first: they are what is most likely to be in somebody's way.
    """
    env, settings = environment(), run.settings
    api, moto = Upstream("The API", free_port()), Upstream(MOTO, free_port(), at_once=1)
    queues, world = Queues.of(settings), World(now)
    post = http_post(f"http://{LOOPBACK}:{api.port}/webhook")
    play = Play(world, running.keep(Postman(settings.app_secret, post)))
    for page in settings.pages[:1] * 2:
        world.add(page.platform, page.id)
    ask = caller(api, run.api_token)
    own_url, real_graph = f"{run.url}/simulator", run.graph is not None
    simulator = Simulator(play, settings.pages, ask, queues.counts, base_url=own_url, real_graph=real_graph)

    hint = f"This run needs {run.port} and {run.port + 1}; PORT=8100 would take 8100 and 8101."
    provider = Provider(run.url, now)
    dashboard, sign_in = Dashboard(settings.sign_in.issuer), configuration(settings.sign_in)
    one_origin = origin(api.pass_on, simulator, dashboard, provider, sign_in, run.port)
    front = running.take_port(one_origin, run.port, hint)
    outside = running.take_port(tunnel(api.pass_on), run.port + 1, hint)
    graph = running.keep(GraphApi(play, settings.pages, settings.app_secret, f"{own_url}/portraits"))
    sqs = SqsApi(queues.mailbox, queues.dead, region=settings.region)
    aws = running.serve(moto)
    dynamodb = run.dynamodb or aws
    apply(run, env, dynamodb=dynamodb, ssm=aws, sqs=running.serve(sqs), graph=run.graph or running.serve(graph))

    running.child(MOTO, ["moto", "-H", LOOPBACK, "-p", str(moto.port)])
    local = ["chalice", "local", "--stage", "local", "--no-autoreload", "--host", LOOPBACK, "--port", str(api.port)]
    running.child(API, local, running.hear_api)
    deliver, look_after = _imported_handlers()
    running.wait_for(MOTO, moto.port, "/")
    parameters.put(parameters.client(aws, settings.region), settings.name, settings.parameters)
    _create_tables(dynamodb)
    running.wait_for(API, api.port, "/health")
    pump = Pump(queues.mailbox, deliver, arn=sqs.arn(queues.mailbox.name), region=settings.region)
    running.keep(pump).start()
    running.keep(Schedule("look_after", look_after, region=settings.region)).start()
    front.start()
    outside.start()
    running.keep(StateFile(run, aws))
    return world


class StateFile:
    """The file by which our commands find a running stack and its SSM; gone when the stack is."""

    def __init__(self, run: Run, ssm: str) -> None:
        known = {"app_secret": run.settings.app_secret, "api_token": run.api_token}
        state = {"url": run.url, "ssm": ssm, **known, "pid": os.getpid()}
        self._path = run.state_file
        self._path.unlink(missing_ok=True)
        with open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(state, file)

    def stop(self) -> None:
        """Removes it, unless another stack has written its own meanwhile."""
        try:
            if json.loads(self._path.read_text("utf-8"))["pid"] == os.getpid():
                self._path.unlink()
        except (OSError, ValueError, KeyError):
            return


def caller(api: Upstream, token: str) -> Callable[..., tuple[int, Any]]:
    """Calls our API with the token that browsers are not given."""

    def call(method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = Message()
        headers["Host"] = f"{LOOPBACK}:{api.port}"
        headers["Authorization"] = f"Bearer {token}"
        headers["Content-Type"] = "application/json"
        target = quote(path, safe="/")
        sent = b"" if body is None else json.dumps(body).encode()
        answer = api.pass_on(Request(method, target, headers, sent), target)
        try:
            return answer.status, json.loads(answer.body)
        except ValueError:
            return answer.status, None

    return call


def _imported_handlers() -> tuple[Function, Function]:
    """`app.deliver` and `app.look_after`, imported late: the environment had to be complete first.

    Misconfigured where there is no bot.
    """
    chalicelib_settings.current.cache_clear()
    connect(chalicelib_settings.current())  # which reads no parameter yet
    try:
        app = importlib.import_module("app")
        handlers: tuple[Function, Function] = app.deliver, app.look_after
    except Exception as error:
        raise CannotStart(f"Cannot start: app.py cannot be imported ({type(error).__name__}: {error}).") from error
    return handlers


def _create_tables(endpoint: str) -> None:
    from chalicelib.store import create_tables

    try:
        create_tables(chalicelib_settings.current())
    except Exception as error:
        sentence = error.message if isinstance(error, HitlError) else f"{type(error).__name__}: {error}"
        raise CannotStart(f"Cannot start: the tables cannot be created at {endpoint} ({sentence}).") from error


def summary(run: Run, example: str) -> str:
    """What somebody who has just started the stack wants to know. `example` is a conversation's id."""
    session = f"{run.url}/api/botpress-hitl/sessions/{example}"
    lines = [
        "",
        f"  Dashboard  {run.url}    sign in as Ana or Ben and answer",
        f"  Simulator  {run.url}/simulator    play the customer",
        f"  API        {run.url}/api",
        f"  Webhook    http://localhost:{run.port + 1}/webhook    point a tunnel at this port",
        f"  For bots   http://localhost:{run.port + 1}/graph      in place of graph.facebook.com",
        "",
        *_made_up(run.made_up),
        "  Pause and resume a conversation (once its customer has written):",
        *(
            f"    curl -X POST -H 'Authorization: Bearer {run.api_token}' {session}/{verb}"
            for verb in ("pause", "unpause")
        ),
        "",
        *([f"  Messages go to {run.graph}, not to the simulator.", ""] if run.graph else []),
        "  Everything is forgotten at the end. Ctrl-C ends it."
        if run.dynamodb is None
        else f"  Kept in the DynamoDB at {run.dynamodb}. Ctrl-C ends it.",
    ]
    return "\n".join(lines)


def _made_up(settings: Mapping[str, str]) -> list[str]:
    if not settings:
        return []
    title = "  Made up for this run; set them to have the same next time:"
    return [title, *(f"    {name}={value}" for name, value in settings.items()), ""]
