"""Runs a command line program inside a process that never outlives its parent: `python -m local.child moto -p 4000`.

The parent holds the other end of standard input. When it closes that, or dies in whatever way, reading ends here and
so does the process.
"""

from __future__ import annotations

import os
import sys
import threading


def main(program: str, arguments: list[str]) -> int:
    """Runs `moto` or `chalice` with arguments; returns its exit code."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if program == "moto":
        import moto.server

        moto.server.main(arguments)
        return 0
    from chalice.cli import main as chalice

    sys.argv = ["chalice", *arguments]
    return int(chalice() or 0)


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
