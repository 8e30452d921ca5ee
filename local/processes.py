"""Children of this process: started apart from the terminal's Ctrl-C, listened to, and ended with us."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT_LINES = 15


class Child:
    """A program under `local.child`. `died` is told if it ends before `stop`, `hear` each line it prints."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        *,
        died: Callable[[Child], None],
        hear: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._died = died
        self._hear = hear
        self._stopping = False
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "local.child", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._listen, name=f"{name}-output", daemon=True)
        self._reader.start()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ends it; forcibly if it does not go within three seconds."""
        self._stopping = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.last_lines.append(line.rstrip("\n"))
                self._hear(line.rstrip("\n"))
        self._process.wait()
        if not self._stopping:
            self._died(self)
