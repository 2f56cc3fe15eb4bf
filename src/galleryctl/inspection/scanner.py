"""Running the scanners that `policy.yaml` names: no shell, nothing inherited, an end, and an answer of bounded size.

Beside git the only home of `subprocess`. Whoever may change the policy decides what runs here, so it runs in the job
that has no rights: `check --online`.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from contextlib import suppress
from tempfile import TemporaryDirectory
from time import monotonic
from typing import IO, TYPE_CHECKING

from galleryctl.checks.observed import Scan

if TYPE_CHECKING:
    from galleryctl.spec import Scanner

MOST = 64 * 1024
"""Bytes of an answer that are kept."""
_LINES = 5
_LONGEST = 200
_KEPT = ("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")


def run(scanner: Scanner, target: str) -> Scan:
    """What a scanner says of an image or a file; its exit code decides, its first lines are the findings."""
    if target.startswith("-"):
        return Scan(trouble=f"{target!r} would be taken for an option")
    with TemporaryDirectory(prefix="galleryctl-scan-") as folder:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment |= {"HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8"}
        try:
            process = subprocess.Popen(  # noqa: S603 - the policy, which only its admins change, names the program
                [*scanner.command, target],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            return Scan(trouble=f"{scanner.command[0]} cannot be run: {error.strerror}")
        with process:
            output = process.stdout
            if output is None:
                raise AssertionError("unreachable: its output is a pipe")
            end = monotonic() + scanner.seconds
            try:
                answer = _answer(output, end)
                code = None if answer is None else process.wait(max(end - monotonic(), 0))
            except subprocess.TimeoutExpired:  # it closed its output, and stays
                code = None
            finally:
                _end(process)
            if answer is None or code is None:
                return Scan(trouble=f"{scanner.command[0]} took longer than {scanner.seconds} s")
    lines = [" ".join(line.split())[:_LONGEST] for line in answer.decode("utf-8", "replace").splitlines()]
    said = tuple(line for line in lines if line)[:_LINES]
    return Scan(findings=said or (f"{scanner.command[0]} ended with {code}",)) if code else Scan()


def _answer(output: IO[bytes], deadline: float) -> bytes | None:
    """What a program writes until its end; none where that does not come in time. What is too much is thrown away."""
    kept = b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            left = deadline - monotonic()
            if left <= 0 or not selector.select(left):
                return None
            chunk = os.read(output.fileno(), MOST)
            if not chunk:
                return kept
            kept += chunk[: MOST - len(kept)]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Whatever it started goes with it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
