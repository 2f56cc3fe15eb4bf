"""The environment in which runtimes read what is exported for them: `make proofs` makes it, and runs these tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
BIN = ROOT / ".venv-proofs" / "bin"
PYTHON = BIN / "python"
REQUIRED = "GALLERYCTL_PROOFS"
"""Where this is set, nothing may be skipped for want of a part."""


def need(*packages: str) -> Path:
    """The `site-packages` of the environment; skips where it has not all of these."""
    sites = sorted((ROOT / ".venv-proofs" / "lib").glob("python3*/site-packages"))
    missing = [name for name in packages if not any((site / name).is_dir() for site in sites)]
    if missing:
        reason = f"{', '.join(missing)} is not installed: make proofs"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    return sites[0]


def shared(*parts: str) -> Path:
    """A file or folder of the catalogues beside this repository; skips where there is none."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the catalogues are not beside this repository: {'/'.join(('..', 'shared', *parts))}")
    return path


def galleryctl(*words: str | Path) -> str:
    """Run the command line; its standard output. Findings of the check (exit code 1) are no failure."""
    command = [sys.executable, "-m", "galleryctl", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def python(*words: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the Python of the environment in a home of its own, without network."""
    return subprocess.run(
        [PYTHON, *map(str, words)], env=surrounding(home), cwd=home, capture_output=True, text=True, check=False
    )


def surrounding(home: Path, **more: str) -> dict[str, str]:
    """Variables that keep a runtime in its home and off the network."""
    kept: Mapping[str, str] = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL") if key in os.environ}
    offline = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1"}
    return {**kept, **offline, "HOME": str(home), "HF_HOME": str(home / "hf"), **more}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def server(command: list[str], ready: str, environment: Mapping[str, str], log: Path, seconds: float) -> Iterator[None]:
    """A server that answers at an address; it ends with all its children."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            command, env=environment, cwd=log.parent, stdout=output, stderr=output, start_new_session=True
        )
        try:
            until = time.monotonic() + seconds
            while True:
                with suppress(OSError), urllib.request.urlopen(ready, timeout=5):  # noqa: S310 - this machine
                    break
                assert running.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() < until, log.read_text()[-3000:]
                time.sleep(0.2)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGTERM)
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
