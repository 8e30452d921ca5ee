"""End to end on an emulated AWS: deployed by our own command, used over HTTP, deployed again, and hurt.

The tests share one stage and run in order: what the first one deploys, the last one takes away.
"""

from __future__ import annotations

import json
import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from infra import layer
from infra.stage import Stage
from tests.emulator.cloud import PAGE, STAGE, STEM, Cloud, call, cloud
from tests.engines import NotStarted

SESSIONS = "/botpress-hitl/sessions"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Give a stage that `make deploy` has just made."""
    try:
        with cloud(tmp_path_factory.mktemp("cloud")) as it:
            it.allow()
            done = it.infra("deploy")
            assert done.returncode == 0, done.stdout + done.stderr
            # The emulator ends what is running at each deployment and we kill more: it need not wait so long for that.
            sqs = it.client("sqs")
            mailbox = sqs.get_queue_url(QueueName=f"{STEM}-mailbox.fifo")["QueueUrl"]
            sqs.set_queue_attributes(QueueUrl=mailbox, Attributes={"VisibilityTimeout": "30"})
            yield it
    except NotStarted as error:
        pytest.fail(str(error), pytrace=False)


def until(found: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait until it is there; whatever it gives at last."""
    end = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < end:
        time.sleep(0.3)
    return value


def test_a_message_goes_its_whole_way(deployed: Cloud) -> None:
    conversation = f"{SESSIONS}/messenger:{PAGE}:ann"
    assert deployed.webhook("ann", "a1", text="Hello there") == 200
    assert until(lambda: deployed.state("ann", "a1") == "delivered")
    assert until(lambda: deployed.meta.texts["Hello there"]) == 1  # the example bot repeats it
    assert deployed.webhook("ann", "a1", text="Hello there") == 200  # Meta says it again
    assert deployed.webhook("ann", "a2", title="Talk to a person", payload="HITL_START") == 200
    assert until(lambda: deployed.ask("GET", conversation)[1]["status"] == "paused")
    assert deployed.webhook("ann", "a3", text="Are you there?") == 200
    assert until(lambda: deployed.state("ann", "a3") == "held")
    status, lists = deployed.ask("GET", f"{SESSIONS}?status=waiting")
    assert (status, [each["user_id"] for each in lists["sessions"]]) == (200, ["ann"])
    assert lists["waiting"] == 1
    assert deployed.ask("POST", f"{conversation}/unpause")[0] == 200
    assert deployed.webhook("ann", "a4", text="And now?") == 200
    assert until(lambda: deployed.state("ann", "a4") == "delivered")
    assert deployed.ask("POST", f"{conversation}/pause", {"reason": "a test"})[0] == 200
    assert deployed.webhook("ann", "a5", title="Cancel request", payload="HITL_STOP") == 200
    assert until(lambda: deployed.ask("GET", conversation)[1]["status"] == "active")
    rows = deployed.rows("ann")
    assert [row["id"] for row in rows if row["author"] == "user"] == ["m:a5", "m:a4", "m:a3", "m:a2", "m:a1"]
    assert deployed.meta.texts["Hello there"] == 1


def test_strangers_are_refused(deployed: Cloud) -> None:
    assert deployed.ask("GET", SESSIONS, token="hitl_" + "x" * 43)[0] == 401
    assert call("GET", deployed.where.api + SESSIONS, None, {})[0] == 401
    assert deployed.webhook("eve", "e1", secret="guessed", text="Let me in") == 403
    assert deployed.rows("eve") == []


def test_the_functions_ask_for_what_their_policies_allow(deployed: Cloud) -> None:
    """What IAM would refuse is seen here, which the emulator lets pass; and little is allowed that nobody needs."""
    folder = deployed.project / ".chalice"
    statements = [
        statement
        for path in folder.glob("policy*.json")
        for statement in json.loads(path.read_text())["Statement"]
        if statement["Sid"] in ("Items", "Lists", "PutIntoMailbox")
    ]
    listed = (each["Action"] for each in statements)
    allowed = {action for each in listed for action in ([each] if isinstance(each, str) else each)}
    assert deployed.gate.asked - allowed == set()
    assert allowed - deployed.gate.asked <= {"dynamodb:ConditionCheckItem"}


def test_the_smoke_test_left_one_conversation_and_no_token(deployed: Cloud) -> None:
    rows = deployed.rows("smoke-test")
    assert len(rows) == 1
    assert rows[0]["standby"] is True
    names = [each["Name"] for each in deployed.client("ssm").describe_parameters()["Parameters"]]
    assert f"/{STEM}/tokens/smoke-test" not in names
    assert f"/{STEM}/verify-token" in names


def test_the_dashboard_is_in_its_bucket(deployed: Cloud) -> None:
    s3, bucket = deployed.client("s3"), f"{STEM}-site-000000000000"
    names = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    caching = {name: s3.head_object(Bucket=bucket, Key=name)["CacheControl"] for name in names}
    assert caching["index.html"] == caching["config.json"] == "no-cache"
    assert {caching[name] for name in names if name.startswith("assets/")} == {"public, max-age=31536000, immutable"}
    config = json.loads(s3.get_object(Bucket=bucket, Key="config.json")["Body"].read())
    assert config.keys() == {"api", "issuer", "client_id", "scope", "token"}
    kept = deployed.client("ssm").get_parameter(Name=f"/{STEM}/sign-in")["Parameter"]["Value"]
    assert json.loads(kept) == {name: config[name] for name in ("issuer", "client_id")}


def test_meta_was_told_which_events_to_send(deployed: Cloud) -> None:
    assert deployed.meta.subscribed.keys() == {PAGE}
    assert {"messages", "messaging_postbacks", "message_echoes"} <= set(deployed.meta.subscribed[PAGE].split(","))


def test_operators_come_and_go(deployed: Cloud) -> None:
    assert "ana@example.com has mail" in deployed.infra("operator", "--email", "Ana@example.com").stdout
    assert deployed.infra("operators").stdout.split() == ["ana@example.com", "FORCE_CHANGE_PASSWORD"]
    assert deployed.infra("operator-remove", "--email", "ana@example.com").returncode == 0
    assert deployed.infra("operators").stdout.strip() == ""
    missing = deployed.infra("operator-remove", "--email", "ana@example.com")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)


class Traffic:
    """Users who write all the time, and a Meta that sends again whatever was not answered with 200."""

    def __init__(self, target: Cloud, name: str) -> None:
        self._cloud, self._name = target, name
        self.sent: list[tuple[str, str]] = []
        self.retries = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set() and len(self.sent) < 400:
            number = len(self.sent)
            user, mid = f"{self._name}-{number % 3}", f"{self._name}-{number}"
            end = time.monotonic() + 120
            while self._cloud.webhook(user, mid, text=f"text {mid}") != 200 and time.monotonic() < end:
                self.retries += 1
                time.sleep(0.5)
            self.sent.append((user, mid))
            time.sleep(0.25)

    def check(self) -> None:
        """Every message is in the log once, and was delivered to the bot or held."""
        users = sorted({user for user, _ in self.sent})

        def settled() -> bool:
            states = {row["id"]: row["state"] for user in users for row in self._cloud.rows(user)}
            return all(states.get(f"m:{mid}") in ("delivered", "held") for _, mid in self.sent)

        assert until(settled, 240)
        ids = [row["id"] for user in users for row in self._cloud.rows(user) if row["author"] == "user"]
        assert sorted(ids) == sorted(f"m:{mid}" for _, mid in self.sent)


def test_a_second_deployment_loses_and_doubles_nothing(deployed: Cloud) -> None:
    """The new code needs a package that only the new layer has."""
    project = deployed.project
    archive = layer.place(Stage.read(STAGE, project))
    with zipfile.ZipFile(archive, "a") as zipped:
        zipped.writestr("python/only_in_the_new_layer.py", "VERSION = '9.9.9'\n")
    program = project / "chalicelib" / "__init__.py"
    program.write_text("from only_in_the_new_layer import VERSION as VERSION\n")
    (project / "only_in_the_new_layer.py").write_text("VERSION = '9.9.9'\n")  # for Chalice, which imports the program
    with Traffic(deployed, "second") as traffic:
        until(lambda: len(traffic.sent) > 2)
        attached = deployed.run("-c", ATTACH.format(archive=str(archive)))
        assert attached.stdout.strip() == "True", attached.stderr
        done = deployed.chalice("deploy")
        assert done.returncode == 0, done.stderr
        assert until(lambda: deployed.ask("GET", "/health")[1].get("version") == "9.9.9")
        mark = len(traffic.sent)
        until(lambda: len(traffic.sent) > mark + 3)
    traffic.check()
    # The emulator ends what is running when a function changes, which Lambda does not: a send that is cut off between
    # its row and Meta stays unconfirmed, and only a person sends it again.
    assert max(deployed.meta.texts[f"text {mid}"] for _, mid in traffic.sent) == 1
    logs = deployed.client("logs")
    said = [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ]
    assert [line for line in said if "ModuleNotFound" in line or "ImportModule" in line] == []


ATTACH = """
from pathlib import Path
from infra.layer import Attachment
from infra.stage import Stage
stage = Stage.read("dev")
print(Attachment(stage.client("lambda"), stage).before(Path({archive!r})))
"""


def test_workers_that_are_killed_lose_and_double_nothing(deployed: Cloud) -> None:
    killed = 0
    with Traffic(deployed, "killed") as traffic:
        for _ in range(5):
            time.sleep(1.2)
            killed += deployed.kill_workers()
    assert killed >= 5
    traffic.check()


def test_a_table_and_a_queue_that_refuse_lose_and_double_nothing(deployed: Cloud) -> None:
    with Traffic(deployed, "refused") as traffic:
        until(lambda: len(traffic.sent) > 2)
        deployed.gate.shut = True
        until(lambda: traffic.retries > 1)
        deployed.gate.shut = False
        mark = len(traffic.sent)
        until(lambda: len(traffic.sent) > mark + 3)
    assert deployed.gate.refused["dynamodb"] > 0
    assert traffic.retries > 0
    traffic.check()


def test_another_machine_goes_on_with_the_same_functions(deployed: Cloud) -> None:
    notes = Path(deployed.project, ".chalice", "deployed", f"{STAGE}.json")
    before = notes.read_text()
    notes.unlink()
    restore = "from infra.stage import Stage; from infra import program; s = Stage.read('dev'); "
    assert deployed.run("-c", restore + "program.restore(s.client('ssm'), s)").returncode == 0
    kept = {each["name"]: each for each in json.loads(notes.read_text())["resources"]}
    now = {each["name"]: each for each in json.loads(before)["resources"]}
    assert kept["rest_api"] == now["rest_api"]


def test_destroying_keeps_the_data_until_it_is_told(deployed: Cloud) -> None:
    assert deployed.infra("destroy", "--confirm", "prod").returncode == 1
    done = deployed.infra("destroy", "--confirm", STAGE)
    assert done.returncode == 0, done.stderr
    tables = deployed.client("dynamodb").list_tables()["TableNames"]
    assert tables == [f"{STEM}-conversations", f"{STEM}-messages"]
    assert deployed.client("lambda").list_functions()["Functions"] == []
    done = deployed.infra("destroy", "--confirm", STAGE, "--data", "delete")
    assert done.returncode == 0, done.stderr
    assert deployed.client("dynamodb").list_tables()["TableNames"] == []
    assert os.listdir(deployed.project / ".chalice" / "deployed") == []
