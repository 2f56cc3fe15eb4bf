"""Measure `pull` of one large file beside `curl … | tee FILE | sha256sum`, from a server on this machine.

    python -m benchmarks.pull [--bytes 2147483648] [--runs 5] [--folder DIR]

The server sends the file from memory with `sendfile`, in a process of its own. Every figure is the median of whole
processes, in turn. `pull` does more than its peer: it ends with the file on the disk, not only in memory.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from benchmarks.__main__ import Run, measure

_BOUND = 0.8
_BLOCK = 2**24
_PULL = """
import sys
from pathlib import Path
from galleryctl.client.pulling import Bounds, pull
from galleryctl.client.sources import Address, Wanted
from galleryctl.fetch import Http
url, into, size, sha256, ranges = sys.argv[1:]
wanted = Wanted("model.gguf", "model.gguf", int(size), sha256, (Address(url, "address"),))
pull([wanted], Path(into), fetcher=Http(allow_private=True), bounds=Bounds(ranges=int(ranges)))
"""
_CURL = "curl --silent --fail {url} | tee {into}/model.gguf | {hash} > /dev/null"


def make(path: Path, size: int) -> str:
    """A file that nothing can compress, and its SHA-256."""
    counted, left = hashlib.sha256(), size
    with path.open("wb") as file:
        while left:
            block = os.urandom(min(_BLOCK, left))
            counted.update(block)
            left -= file.write(block)
    return counted.hexdigest()


def serve(path: Path) -> None:
    """Send one file, or the parts of it that are asked for, to whoever connects; the port is told first."""
    size = path.stat().st_size
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_answer, args=(connection, path, size), daemon=True).start()


def _answer(connection: socket.socket, path: Path, size: int) -> None:
    with connection, path.open("rb") as file:
        asked = b""
        while data := connection.recv(2**16):
            asked += data
            head, end, rest = asked.partition(b"\r\n\r\n")
            if not end:
                continue
            asked = rest
            found = re.search(rb"\r\nrange: bytes=([0-9]+)-([0-9]*)", head, re.IGNORECASE)
            start, stop = (int(found[1]), int(found[2] or size - 1) + 1) if found else (0, size)
            status = f"206 Partial Content\r\nContent-Range: bytes {start}-{stop - 1}/{size}" if found else "200 OK"
            connection.sendall(f'HTTP/1.1 {status}\r\nContent-Length: {stop - start}\r\nETag: "1"\r\n\r\n'.encode())
            try:
                while start < stop:
                    start += os.sendfile(connection.fileno(), file.fileno(), start, min(stop - start, 2**30))
            except (BrokenPipeError, ConnectionResetError):
                return


def commands(url: str, folder: Path, size: int, sha256: str) -> dict[str, list[str]]:
    def pull(ranges: int) -> list[str]:
        return [sys.executable, "-c", _PULL, url, str(folder), str(size), sha256, str(ranges)]

    def curl(hashing: str) -> list[str]:
        return ["sh", "-c", _CURL.format(url=url, into=folder, hash=hashing)]

    found = {"curl, tee, sha256sum": curl("sha256sum"), "pull": pull(4), "pull, one connection": pull(1)}
    if shutil.which("openssl"):
        found["curl, tee, openssl dgst -sha256"] = curl("openssl dgst -sha256")
    return found


def table(url: str, folder: Path, size: int, sha256: str, runs: int) -> dict[str, list[Run]]:
    """Every command `runs` times, in turn, each into an empty folder with nothing left to write."""
    found: dict[str, list[Run]] = {}
    for _ in range(runs):
        for name, command in commands(url, folder, size, sha256).items():
            folder.mkdir()
            os.sync()
            found.setdefault(name, []).append(measure(command, folder))
            shutil.rmtree(folder)
    return found


def report(found: dict[str, list[Run]], size: int) -> str:
    """A table; the ratio is that of each run to its neighbour, since the load of a machine changes."""
    peers = found["curl, tee, sha256sum"]
    lines = [
        f"{size / 2**30:g} GiB, {len(peers)} runs; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}.",
        "",
        "| | wall | speed | processors | memory | speed beside curl and sha256sum | |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, each in found.items():
        wall = statistics.median(run.wall for run in each)
        cpu = statistics.median(run.cpu for run in each)
        ratio = statistics.median(peer.wall / run.wall for peer, run in zip(peers, each, strict=True))
        met = ("met" if ratio >= _BOUND else "missed") if name == "pull" else ""
        lines.append(
            f"| {name} | {wall:.2f} s | {size / wall / 1e6:,.0f} MB/s | {cpu:.2f} s | "
            f"{max(run.memory for run in each)} MB | {ratio:.2f} × | {met} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pull")
    parser.add_argument("--bytes", type=int, default=2 * 2**30)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where files are written; default is the folder for temporary ones")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.serve:
        serve(wanted.serve)
    folder = Path(tempfile.mkdtemp(prefix="galleryctl-bench-", dir=wanted.folder))
    try:
        sha256 = make(folder / "source", wanted.bytes)
        command = [sys.executable, "-m", "benchmarks.pull", "--serve", str(folder / "source")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None  # noqa: S101 - a pipe was asked for
                url = f"http://127.0.0.1:{int(server.stdout.readline())}/model.gguf"
                found = table(url, folder / "into", wanted.bytes, sha256, wanted.runs)
            finally:
                server.kill()
        sys.stdout.write(report(found, wanted.bytes))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
