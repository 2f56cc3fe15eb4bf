"""A registry on this machine that behaves as the OCI distribution specification says, and artifacts to put into it."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from galleryctl import document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from galleryctl.importers import Candidate

MODEL = "application/vnd.cncf.model.manifest.v1+json"
CONFIG = "application/vnd.cncf.model.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
OLLAMA = "application/vnd.ollama.image"
TOKEN = "an-anonymous-token"  # noqa: S105 - everybody gets it


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Registry:
    """Manifests by repository and reference, blobs by digest; with `login` it wants a token for everything."""

    def __init__(self) -> None:
        self.address = ""
        self.login = True
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.blobs: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        """Path and authorisation of each request."""

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    def push(self, name: str, reference: str, manifest: dict[str, Any]) -> str:
        data = json.dumps(manifest, indent=2).encode()
        for each in (reference, digest(data)):
            self.manifests[name, each] = (manifest.get("mediaType", MANIFEST), data)
        return digest(data)

    def blob(self, data: bytes, media: str, path: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """A descriptor of bytes that the registry has."""
        self.blobs[digest(data)] = data
        found = {"mediaType": media, "digest": digest(data), "size": len(data), **more}
        return {**found, "annotations": {"org.cncf.model.filepath": path}} if path else found

    def model(self, config: object, *layers: dict[str, Any]) -> dict[str, Any]:
        """A ModelPack manifest."""
        described = self.blob(json.dumps(config).encode(), CONFIG)
        return {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": MODEL,
            "config": described,
            "layers": [*layers],
        }

    def answer(self, path: str, authorisation: str) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(path)
        self.asked.append((path, authorisation))
        if parts.path == "/token":
            scopes = parse_qs(parts.query).get("scope", [""])
            good = re.fullmatch(r"repository:[^:]+:pull", scopes[0])
            return (200, {}, json.dumps({"token": TOKEN}).encode()) if good else (400, {}, b"")
        found = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", parts.path)
        if found is None:
            return 404, {}, b""
        if self.login and authorisation != f"Bearer {TOKEN}":
            realm = f'Bearer realm="{self.address}/token",service="tests",scope="repository:{found[1]}:pull"'
            return 401, {"WWW-Authenticate": realm}, b'{"errors":[{"code":"UNAUTHORIZED"}]}'
        if found[2] == "manifests" and (found[1], found[3]) in self.manifests:
            media, data = self.manifests[found[1], found[3]]
            return 200, {"Content-Type": media, "Docker-Content-Digest": digest(data)}, data
        if found[2] == "blobs" and found[3] in self.blobs:
            return 200, {"Content-Type": "application/octet-stream"}, self.blobs[found[3]]
        return 404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'


@contextmanager
def serving() -> Iterator[Registry]:
    """A registry that answers on a free port of this machine."""
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # the name that http.server calls
            status, headers, body = registry.answer(self.path, self.headers.get("Authorization", ""))
            part = re.fullmatch(r"bytes=([0-9]+)-([0-9]+)", self.headers.get("Range", ""))
            if status == 200 and part:
                start, total = int(part[1]), len(body)
                body = body[start : int(part[2]) + 1]
                status, headers = 206, {**headers, "Content-Range": f"bytes {start}-{start + len(body) - 1}/{total}"}
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: tests tell what went wrong."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up is no failure
    registry.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def problems(registry: Path, run: Callable[..., Any], candidate: Candidate) -> list[tuple[str, str]]:
    """Codes and severities that `check` finds about a candidate once it is written into a registry."""
    folder = registry / "models" / candidate.type / candidate.id
    folder.mkdir(parents=True)
    files = {"model.yaml": candidate.model, **{f"{number}.yaml": data for number, data in candidate.releases.items()}}
    for name, data in files.items():
        (folder / name).write_text(document.dump(data), encoding="utf-8")
    for name, text in candidate.texts.items():
        (folder / name).write_bytes(text)
    publisher = registry / "publishers" / f"{candidate.id.partition('/')[0]}.yaml"
    publisher.write_text("title: Somebody\nmaintainers: [acme]\n")
    result = run("check", "--registry", registry, "--format", "json")
    about = [each for each in json.loads(result.stdout) if candidate.id in each["path"]]
    return sorted({(each["code"], each["severity"]) for each in about})
