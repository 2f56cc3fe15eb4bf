"""Build, serve on this machine, rebuild on every change, and tell open pages to reload.

Only the loopback interface is bound. A registry with errors leaves the last good gallery up and its problems on the
terminal. Pages learn of a new build over server-sent events, so nothing polls.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from watchfiles import watch

from galleryctl import building, checks, report
from galleryctl.errors import GalleryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIVE = "/_live"
_KEEP_ALIVE = 15.0  # seconds between comments that keep an idle event stream open


class Reloads:
    """Counts builds, and lets any number of open pages wait for the next one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.count = 0
        self.closed = False

    def announce(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def wait(self, seen: int, timeout: float) -> int:
        """The number of builds, as soon as it is not `seen`, or after `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed or self.count != seen, timeout)
            return self.count


class Handler(SimpleHTTPRequestHandler):
    """Static files without folder listings, and the event stream."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012 - the base class's own way of saying it
        **SimpleHTTPRequestHandler.extensions_map,
        ".atom": "application/atom+xml",
        ".js": "text/javascript",
        ".json": "application/json",
        ".webp": "image/webp",
    }

    def __init__(self, *args: Any, reloads: Reloads, **kwargs: Any) -> None:  # noqa: ANN401 - handed on
        self._reloads = reloads
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        if self.path == LIVE:
            self._stream()
        else:
            super().do_GET()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def list_directory(self, path: Any) -> None:  # noqa: ANN401, ARG002 - the base class's signature
        self.send_error(404)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        page = Path(self.directory) / "404.html"
        if code != 404 or not page.is_file():  # noqa: PLR2004 - a status
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: Any) -> None:  # noqa: ANN401
        """Say nothing: the terminal belongs to builds and their problems."""

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        seen = self._reloads.count
        try:
            while not self._reloads.closed:
                now = self._reloads.wait(seen, _KEEP_ALIVE)
                self.wfile.write(b"data: reload\n\n" if now != seen else b": still here\n\n")
                self.wfile.flush()
                seen = now
        except (BrokenPipeError, ConnectionResetError):
            return  # the page was closed


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


def run(
    registry: Path, out: Path | None, *, port: int, jobs: int, say: Callable[[str], None], stop: threading.Event | None = None
) -> int:
    """Serve until interrupted, or until `stop` is set; 3 where the port is taken."""
    reloads = Reloads()
    with _folder(out) as folder:
        rebuild(registry, folder, jobs, say)
        handler = partial(Handler, directory=str(folder), reloads=reloads)
        try:
            server = Server(("127.0.0.1", port), handler)
        except OSError as error:
            raise GalleryError(f"port {port} cannot be used ({error.strerror}); take another: --port 0") from error
        with server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            say(f"Serving on http://127.0.0.1:{server.server_port} — Ctrl-C ends it")
            try:
                watched = [path for name in ("schemas", "site_templates") if (path := registry.parent / name).is_dir()]
                for _ in watch(registry, *watched, stop_event=stop, raise_interrupt=False, debounce=200):
                    if rebuild(registry, folder, jobs, say):
                        reloads.announce()
            finally:
                reloads.close()
                server.shutdown()
    return 0


def rebuild(registry: Path, out: Path, jobs: int, say: Callable[[str], None]) -> bool:
    """Build once and say how it went; whether there is something new to see."""
    start = perf_counter()
    try:
        done = building.build(
            building.Wanted(registry, out, now=dt.datetime.now(dt.UTC), jobs=jobs, live=True)
        )
    except GalleryError as error:
        say(f"not built: {error}")
        return False
    if done.written is None:
        say(report.problems(done.errors, "text", checks.RULES).rstrip())
        say(f"not built: {report.summary(done.errors, done.models)}; the last good gallery stays up")
        return False
    say(f"{done.written} in {perf_counter() - start:.1f} s")
    return bool(done.written.new or done.written.pruned)


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out is not None:
        yield out.resolve()
        return
    parent = Path(tempfile.mkdtemp(prefix="galleryctl-"))
    try:
        yield parent / "site"
    finally:
        shutil.rmtree(parent, ignore_errors=True)
