"""The command line behind `make deploy`, `make destroy`, `make restore` and `make operator…`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from infra import layer
from infra.deployment import Deployment
from infra.operators import Operators
from infra.restoration import Restoration, second
from infra.stage import CannotDo, Stage

COMMANDS = ("deploy", "destroy", "restore", "layer", "operator", "operators", "operator-remove")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked for; 0 where it is done."""
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    for name in ("stage", "email", "alarms", "data", "confirm", "from", "at"):
        parser.add_argument(f"--{name}", default="")
    asked = parser.parse_args(arguments)
    try:
        _do(asked)
    except CannotDo as error:
        print(error, file=sys.stderr)
        return 1
    except (ClientError, BotoCoreError) as error:
        print(f"AWS did not do it: {error}", file=sys.stderr)
        return 1
    except EOFError:
        print("\nNothing was done: nobody was there to answer.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on.", file=sys.stderr)
        return 130
    return 0


def _do(asked: argparse.Namespace) -> None:
    stage = Stage.read(asked.stage)
    deployment = Deployment(stage, _say)
    if asked.command == "deploy":
        where = deployment.deploy(asked.alarms)
        print(f"\nThe dashboard    {where.dashboard}\nThe API          {where.api}")
        print(
            f"For Meta         {where.webhook}\n\nThe verify token is the parameter /{stage.stem}/verify-token in SSM."
        )
    elif asked.command == "destroy":
        _confirm(stage, asked)
        deployment.destroy(with_data=asked.data == "delete")
    elif asked.command == "restore":
        source = vars(asked)["from"]
        if not source:
            raise CannotDo("Say of which stage: FROM=prod, or another one of .chalice/config.json.")
        Restoration(Stage.read(source), stage, _say).run(second(asked.at))
        print(f"The data is back. Run make deploy STAGE={stage.name}.")
    elif asked.command == "layer":
        print(layer.build(stage))
    else:
        pool = deployment.data.outputs().get("UserPool")
        if not pool:
            raise CannotDo(f"The stage {stage.name} is not deployed yet. Run make deploy STAGE={stage.name}.")
        _people(Operators(stage.client("cognito-idp"), pool), asked)


def _say(line: str) -> None:
    print(line, flush=True)


def _people(operators: Operators, asked: argparse.Namespace) -> None:
    if asked.command == "operator":
        print(operators.invite(asked.email))
    elif asked.command == "operator-remove":
        print(operators.remove(asked.email))
    else:
        print("\n".join(f"{email}  {state}" for email, state in sorted(operators.all())))


def _confirm(stage: Stage, asked: argparse.Namespace) -> None:
    what = "with every conversation, operator and secret" if asked.data == "delete" else "but not its data"
    typed = asked.confirm or input(f"This takes away the stage {stage.name}, {what}. Type its name to go on: ")
    if typed.strip() != stage.name:
        raise CannotDo("Nothing was done.")


if __name__ == "__main__":
    sys.exit(main())
