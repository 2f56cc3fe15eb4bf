"""Build, serve on this machine, rebuild on every change, and tell open pages to reload.

Only the loopback interface is bound. A registry with errors leaves the last good gallery up and its problems on the
terminal. Pages learn of a new build over server-sent events, so nothing polls.
"""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import tempfile
import threading
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from watchfiles import watch

from galleryctl import building
from galleryctl.errors import GalleryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from galleryctl.building import Done

LIVE = "/_live"
_KEEP_ALIVE = 15.0  # seconds between comments that keep an idle event stream open
_STEP = 500  # milliseconds after which the watcher looks whether it shall stop
_DEBOUNCE = 100  # milliseconds: an editor saves in several steps
_NOTHING = f"""\
<!doctype html>
<meta charset="utf-8">
<title>Not built yet</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 4rem auto; padding: 0 1rem }}</style>
<h1>Not built yet</h1>
<p>The registry has errors: they are on the terminal. This page reloads as soon as they are mended.</p>
<script>new EventSource("{LIVE}").onmessage = () => location.reload()</script>
""".encode()


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
    """Static files without folder listings and hidden files, and the event stream."""

    protocol_version = "HTTP/1.1"
    extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".atom": "application/atom+xml",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript",
        ".json": "application/json",
        ".txt": "text/plain; charset=utf-8",
        ".webp": "image/webp",
        ".woff2": "font/woff2",
    }

    def __init__(self, *args: Any, reloads: Reloads, **kwargs: Any) -> None:  # noqa: ANN401 - handed on
        self._reloads = reloads
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        if self.path == LIVE:
            self._stream()
        else:
            super().do_GET()

    def translate_path(self, path: str) -> str:
        """The base class keeps a path inside the folder; the writer's own files in it are not published either."""
        found = Path(super().translate_path(path))
        parts = found.relative_to(self.directory).parts if found.is_relative_to(self.directory) else (".",)
        if any(part.startswith(".") and part != ".well-known" for part in parts):
            return str(Path(self.directory) / "nothing-here")
        return super().translate_path(path)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")  # a page built twice within a second has one date
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def list_directory(self, path: Any) -> None:  # noqa: ANN401, ARG002 - the base class's signature
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        if code != HTTPStatus.NOT_FOUND:
            super().send_error(code, message, explain)
            return
        page = Path(self.directory) / "404.html"
        body = page.read_bytes() if page.is_file() else _NOTHING
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: Any) -> None:  # noqa: ANN401 - the base class's signature
        """Say nothing: the terminal belongs to builds and their problems."""

    def _stream(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        seen = self._reloads.count
        try:
            self._say(b"retry: 1000\n\n")
            while not self._reloads.closed:
                now = self._reloads.wait(seen, _KEEP_ALIVE)
                self._say(b"data: reload\n\n" if now != seen else b": still here\n\n")
                seen = now
        except (BrokenPipeError, ConnectionResetError):
            return  # the page was closed

    def _say(self, event: bytes) -> None:
        self.wfile.write(event)
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's signature
        """A browser that leaves in the middle of an answer is no error worth a traceback."""


def run(
    registry: Path,
    out: Path | None,
    *,
    port: int,
    jobs: int,
    say: Callable[[str], None],
    describe: Callable[[Done, float], str],
    stop: threading.Event | None = None,
) -> int:
    """Serve until interrupted, or until `stop` is set. Raises `GalleryError` where the port is taken.

    `describe` is told what came of each build and how long it took.
    """
    reloads = Reloads()

    def build() -> bool:
        start = perf_counter()
        wanted = building.Wanted(registry, folder, now=dt.datetime.now(dt.UTC), jobs=jobs, live=True)
        done = building.build(wanted)
        new = done.written is not None and bool(done.written.new or done.written.pruned)
        if new or done.written is None:
            say(describe(done, perf_counter() - start))
        return new

    with _folder(out) as folder, _server(port, partial(Handler, directory=str(folder), reloads=reloads)) as server:
        build()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        say(f"Serving on http://127.0.0.1:{server.server_port}")
        say("Ctrl-C ends it.")
        try:
            for changed in _watched(registry, stop):
                if changed and _again(build, say):
                    reloads.announce()
        finally:
            reloads.close()
            server.shutdown()
    return 0


def _watched(registry: Path, stop: threading.Event | None) -> Iterator[bool]:
    """True whenever files of the registry, or what they are checked and shown with, have changed."""
    beside = [path for name in building.INPUTS if (path := registry.parent / name).is_dir()]
    first = True  # what changed while the watcher started is not told
    options: dict[str, Any] = {"debounce": _DEBOUNCE, "rust_timeout": _STEP, "yield_on_timeout": True}
    logging.getLogger("watchfiles").setLevel(logging.ERROR)  # it would announce Ctrl-C in words of its own
    for changes in watch(registry, *beside, stop_event=stop, raise_interrupt=False, **options):
        yield bool(changes) or first
        first = False


def _server(port: int, handler: Any) -> Server:  # noqa: ANN401 - a class, or a partial of one
    try:
        return Server(("127.0.0.1", port), handler)
    except OSError as error:
        raise GalleryError(f"port {port} cannot be used ({error.strerror}); take another: --port 0") from error


def _again(build: Callable[[], bool], say: Callable[[str], None]) -> bool:
    """Build, and go on where that cannot be done now: a file may be half-way to its next state."""
    try:
        return build()
    except GalleryError as error:
        say(f"not built: {error}")
        return False


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
