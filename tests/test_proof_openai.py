"""The client of OpenAI reads the listing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import exported
import proving
from test_exports_proxies import chat, voice

if TYPE_CHECKING:
    from pathlib import Path

LIST = """
import json, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
with open(sys.argv[1], "rb") as file:
    listing = file.read()
class Gallery(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/v1/models" else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(listing)))
        self.end_headers()
        self.wfile.write(listing)
    def log_message(self, *_):
        pass
server = HTTPServer(("127.0.0.1", 0), Gallery)
threading.Thread(target=server.serve_forever, daemon=True).start()
from openai import OpenAI
from openai.types import Model
client = OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none")
found = list(client.models.list())
for each in found:
    Model.model_validate(each.model_dump(), strict=True)
    assert not each.model_extra, each.model_extra
print()
print(json.dumps([[each.id, each.created, each.owned_by] for each in found]))
"""


def test_the_client_lists_every_model(tmp_path: Path) -> None:
    proving.need("openai")
    path = tmp_path / "models.json"
    path.write_bytes(exported.files("openai", chat(), voice())["models.json"])
    done = proving.python("-c", LIST, path, home=tmp_path)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert [(name, owner) for name, _, owner in found] == [("acme/say", "acme"), ("acme/tiny", "acme")]
