"""A stage of this project on an emulated AWS: deployed by the same commands as a real one, and reached over HTTP.

Between the functions and DynamoDB and SQS stands a proxy that can refuse what passes, and Meta is a fake that counts
what it is sent.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3

from chalicelib.auth import PERMISSIONS, ApiToken, hash_of, new_token
from infra.addresses import Addresses
from tests.engines import NotStarted

ROOT = Path(__file__).parent.parent.parent
PYTHON = ROOT / "build" / "emulator" / "bin" / "python"
SECRET, PAGE, STAGE, STEM = "an-app-secret", "100200", "dev", "chalice-hitl-dev"
ACCOUNT = "000000000000"
SHIPPED = ("app.py", "chalicelib", "chalicelayer", "requirements.txt", ".chalice", "infra", "frontend/dist")
FUNCTIONS = ("api_handler", "deliver", "look_after")
THROUGH_THE_GATE = ("DYNAMODB", "SQS", "SSM", "SNS")
Answer = tuple[int, Any]


@dataclass
class Cloud:
    """The emulator, the project's copy that is deployed to it, and what stands around it."""

    url: str
    project: Path
    process: subprocess.Popen[bytes]
    meta: Meta
    gate: Gate
    token: str = field(default_factory=new_token)
    found: Addresses | None = None

    @property
    def env(self) -> dict[str, str]:
        """What a developer has set who deploys."""
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": self.url,
            "HITL_APP_SECRET": SECRET,
            "HITL_PAGE_TOKEN": f"{PAGE}=EAAtest",
            "PYTHONPATH": str(self.project),
        }

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run one of our Python programs or Chalice in the project's copy."""
        return subprocess.run(
            [sys.executable, *command], cwd=self.project, env=self.env, capture_output=True, text=True, check=False
        )

    def infra(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "infra", *arguments, "--stage", STAGE)

    def chalice(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(Path(sys.executable).with_name("chalice")), *arguments, "--stage", STAGE)

    @property
    def where(self) -> Addresses:
        """Where the stage answers; the same as long as it is deployed."""
        if self.found is None:
            self.found = self._find()
        return self.found

    def _find(self) -> Addresses:
        deployed = json.loads((self.project / ".chalice" / "deployed" / f"{STAGE}.json").read_text())["resources"]
        api = next(each["rest_api_id"] for each in deployed if "rest_api_id" in each)
        hooks = self.client("apigatewayv2").get_apis()["Items"]
        webhook = next(each["ApiId"] for each in hooks if each["Name"] == f"{STEM}-webhook")
        base = f"{self.url}/restapis/{api}/api/_user_request_"
        return Addresses(base, f"{self.url}/_aws/execute-api/{webhook}/$default/webhook", "")

    def allow(self) -> None:
        """Make a token that opens everything known to the functions."""
        kept = ApiToken("test", "Test", hash_of(self.token), None, PERMISSIONS)
        self.client("ssm").put_parameter(Name=f"/{STEM}/tokens/test", Value=kept.value, Type="SecureString")

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
        """Call the API as deployed."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        return call(method, self.where.api + path, None if body is None else json.dumps(body).encode(), headers)

    def webhook(self, user: str, mid: str, *, secret: str = SECRET, **content: Any) -> int:
        """Send what Meta sends of one event; the status that Meta gets."""
        now = time.time_ns() // 1_000_000
        event: dict[str, Any] = {"sender": {"id": user}, "recipient": {"id": PAGE}, "timestamp": now}
        event |= {"postback": {"mid": mid, **content}} if "payload" in content else {"message": {"mid": mid, **content}}
        body = json.dumps({"object": "page", "entry": [{"id": PAGE, "time": now, "messaging": [event]}]}).encode()
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        status, _ = call("POST", self.where.webhook, body, {"X-Hub-Signature-256": signature})
        return status

    def rows(self, user: str) -> list[dict[str, Any]]:
        """The whole log of a conversation, newest first."""
        rows: list[dict[str, Any]] = []
        cursor = ""
        while True:
            path = f"/botpress-hitl/sessions/messenger:{PAGE}:{user}/messages?limit=100{cursor}"
            status, page = self.ask("GET", path)
            if status != 200:
                return rows
            rows += page["messages"]
            if not page["cursor"]:
                return rows
            cursor = f"&cursor={page['cursor']}"

    def state(self, user: str, mid: str) -> str | None:
        """What has become of a message."""
        return next((row["state"] for row in self.rows(user) if row["id"] == f"m:{mid}"), None)

    def calls(self) -> list[dict[str, str]]:
        """What has been said through the topic of calls since it was asked last; the first time, begin to listen."""
        sqs = self.client("sqs")
        queue = sqs.create_queue(QueueName="someone")["QueueUrl"]
        topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:{STEM}-calls"
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:someone"
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(each["Body"]) for each in found]

    def allowed(self, function: str) -> list[dict[str, Any]]:
        """The statements of the policy that a function has been deployed with."""
        role = f"{STEM}-{function}"
        policy = self.client("iam").get_role_policy(RoleName=role, PolicyName=role)["PolicyDocument"]
        return list(policy["Statement"])

    def kill_workers(self) -> int:
        """Kill every process that runs a function, in the middle of whatever it does; how many there were."""
        task = Path(f"/proc/{self.process.pid}/task")
        workers = [int(pid) for thread in task.iterdir() for pid in (thread / "children").read_text().split()]
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(workers)


class Meta:
    """A fake Graph API. It keeps the texts that it was sent, and remembers which Pages were subscribed to what."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.subscribed: dict[str, str] = {}
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if method == "GET":
            return 200, b"{}"
        if path.endswith("/subscribed_apps"):
            self.subscribed[path.split("/")[2]] = parse_qs(body.decode())["subscribed_fields"][0]
            return 200, b'{"success": true}'
        content = json.loads(body) if body.startswith(b"{") else {}
        with self._lock:
            self.said.append(content.get("message", {}).get("text", ""))
        return 200, json.dumps({"recipient_id": "1", "message_id": f"out-{time.time_ns()}"}).encode()


class Gate:
    """A proxy between the functions and what they call of AWS, which notes what each asks for: action and resource.

    While it is shut, DynamoDB and SQS refuse: the one for too much, the other for no reason.
    """

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self.shut = False
        self.refused: Counter[str] = Counter()
        self.asked: dict[str, set[tuple[str, str]]] = {function: set() for function in FUNCTIONS}

    def pass_on(
        self, function: str, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str, bytes]:
        asked = set(_asked(headers.get("X-Amz-Target", ""), body))
        self.asked[function] |= asked
        service = next(iter(asked))[0].split(":")[0]
        if self.shut and service in ("dynamodb", "sqs"):
            self.refused[service] += 1
            code = "ThrottlingException" if service == "dynamodb" else "InternalFailure"
            status = 400 if service == "dynamodb" else 500
            return status, "application/x-amz-json-1.0", json.dumps({"__type": code, "message": "shut"}).encode()
        connection = http.client.HTTPConnection(self._host, timeout=30)
        kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "connection")}
        try:
            connection.request(method, path, body, {**kept, "Host": self._host})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type", ""), answer.read()
        finally:
            connection.close()


_IN_A_TRANSACTION = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


def _asked(target: str, body: bytes) -> Iterator[tuple[str, str]]:
    """What IAM calls an operation, and the end of the ARN that it is asked for; a transaction is what it is made of."""
    service, _, operation = target.rpartition(".")
    if not service:  # SNS still speaks in forms
        form = parse_qs(body.decode())
        yield f"sns:{form['Action'][0]}", form["TopicArn"][0].rpartition(":")[2]
        return
    content = json.loads(body)
    if service == "AmazonSSM":
        yield f"ssm:{operation}", f"parameter{content['Path'].rstrip('/')}"
    elif service == "AmazonSQS":
        yield f"sqs:{operation}", content.get("QueueName") or content["QueueUrl"].rpartition("/")[2]
    elif operation == "TransactWriteItems":
        for item in content["TransactItems"]:
            for kind, part in item.items():
                yield f"dynamodb:{_IN_A_TRANSACTION.get(kind, f'{kind}Item')}", f"table/{part['TableName']}"
    elif operation == "BatchGetItem":
        yield from ((f"dynamodb:{operation}", f"table/{table}") for table in content["RequestItems"])
    else:
        index = f"/index/{content['IndexName']}" if "IndexName" in content else ""
        yield f"dynamodb:{operation}", f"table/{content['TableName']}{index}"


@contextmanager
def cloud(folder: Path) -> Iterator[Cloud]:
    """Start it all, with the project's copy ready to be deployed and nothing deployed yet."""
    if not PYTHON.exists():
        raise NotStarted(
            "The emulated AWS is not installed. `make test` installs it; or run make build/emulator/stamp."
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    meta, gate = Meta(), Gate(url)
    with ExitStack() as served:
        graph = served.enter_context(_served(meta.answer))
        gates = {name: served.enter_context(_served(partial(gate.pass_on, name))) for name in FUNCTIONS}
        project = _copy(folder / "project", graph, gates)
        env = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "TMPDIR": str(folder)}
        env.pop("AWS_ENDPOINT_URL", None)
        with (folder / "emulator.log").open("wb") as log:
            process = subprocess.Popen(
                [PYTHON, "-m", "tests.emulator.server"], cwd=ROOT, env=env, stdout=log, stderr=log
            )
            try:
                _wait(process, url)
                yield Cloud(url, project, process, meta, gate)
            finally:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                process.kill()


def call(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """One request: status, and the body as JSON where it is some. Status 0 where nobody answered."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, content = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, content = error.code, error.read()
    except OSError:
        return 0, None
    try:
        return status, json.loads(content)
    except ValueError:
        return status, content


def _copy(project: Path, graph: str, gates: Mapping[str, str]) -> Path:
    """What is deployed: the project as it is, but for this machine's processor and the addresses of our stand-ins."""
    if not (ROOT / "frontend" / "dist" / "index.html").exists():
        raise NotStarted("The dashboard is not built. `make test` builds it; or run make frontend/dist/index.html.")
    ignored = shutil.ignore_patterns("__pycache__", "deployed", "deployments", "policy-*.json")
    for name in SHIPPED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=ignored)
        else:
            project.mkdir(exist_ok=True)
            shutil.copy(source, project / name)
    path = project / ".chalice" / "config.json"
    config = json.loads(path.read_text())
    config["lambda_architecture"] = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    chosen = config["stages"][STAGE]
    chosen["environment_variables"]["HITL_GRAPH_URL"] = graph
    for function, url in gates.items():
        addresses = {f"AWS_ENDPOINT_URL_{service}": url for service in THROUGH_THE_GATE}
        chosen["lambda_functions"].setdefault(function, {})["environment_variables"] = addresses
    path.write_text(json.dumps(config))
    return project


@contextmanager
def _served(answer: Any) -> Iterator[str]:
    """Serve Meta, `(method, path, body)` to status and body, or a gate, with headers and a content type too."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if isinstance(answer, partial):
                status, kind, content = answer(self.command, self.path, dict(self.headers), body)
            else:
                (status, content), kind = answer(self.command, self.path, body), "application/json"
            with suppress(ConnectionError):  # whoever asked may have been killed
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST = _any

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    end = time.monotonic() + 60
    while call("GET", f"{url}/_ministack/health", None, {})[0] != 200:
        if process.poll() is not None or time.monotonic() > end:
            raise NotStarted("The emulated AWS did not start.")
        time.sleep(0.2)
