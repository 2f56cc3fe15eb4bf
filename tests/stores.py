"""A real S3 server in a process of its own, on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

Client: TypeAlias = Any  # boto3 has no types
BUCKET = "acme-models"
_SECONDS = 30


def _answers(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _free() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    program = Path(sys.executable).parent / "moto_server"
    if not program.exists():
        pytest.skip("needs moto's server: pip install 'moto[server]'")
    port = _free()
    command = [str(program), "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            end = time.monotonic() + _SECONDS
            while not _answers(port):
                assert time.monotonic() < end, "the server did not start"
                assert process.poll() is None, "the server ended"
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def client(endpoint: str) -> Client:
    """A client of its own, so that tests write with another library than they read with."""
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with moto

    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of the server, with a bucket; the environment leads to it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    found = client(s3_server)
    found.create_bucket(Bucket=BUCKET)
    yield found
    found.close()
