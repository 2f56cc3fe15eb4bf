"""A command on a terminal of its own, as a person meets it."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *words: str | Path, cwd: Path, columns: int = 80) -> None:
        command = [sys.executable, "-m", "galleryctl", *map(str, words)]
        self.outer, inner = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns)}
        self.process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=inner, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)
        self.text = ""

    def until(self, *words: str, seconds: float = 30) -> str:
        """What was printed since the last call, up to the first that ends with one of these words."""
        end, start = time.monotonic() + seconds, len(self.text)
        while time.monotonic() < end and not self._plain(start).rstrip().endswith(words):
            if select.select([self.outer], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.outer, 65536).decode()
                except OSError:  # the other end was closed
                    break
        return self._plain(start)

    def _plain(self, start: int) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", self.text[start:])

    def say(self, text: str) -> None:
        os.write(self.outer, text.encode())

    def ended(self) -> int:
        self.until("\0")
        with suppress(OSError):
            os.close(self.outer)
        return self.process.wait(30)
