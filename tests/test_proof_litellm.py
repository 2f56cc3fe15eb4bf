"""LiteLLM itself reads its export, and asks the engines for the models by the names they know."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import exported
import proving
from test_exports_proxies import chat, embedding, voice

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["acme/emb", "acme/emb@xinference", "acme/tiny"]
NAMES += [f"acme/tiny@{engine}" for engine in ("llama.cpp", "ollama", "xinference")]

LOCAL = """
import os
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
"""
READ = """
import asyncio, json, sys, yaml
from litellm import Router
from litellm.proxy.proxy_server import ProxyConfig
with open(sys.argv[1], "rb") as file:
    listed = yaml.safe_load(file)["model_list"]
router = Router(model_list=listed)
loaded, models, _ = asyncio.run(ProxyConfig().load_config(router=None, config_file_path=sys.argv[1]))
infos = {each["model_name"]: each["model_info"] for each in loaded.get_model_list()}
print()
print(json.dumps([sorted(router.get_model_names()), sorted(loaded.get_model_names()), infos], default=str))
"""

ASK = """
import json, os, sys, threading, yaml
from http.server import BaseHTTPRequestHandler, HTTPServer
asked = []
class Engine(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked.append([self.path, body["model"]])
        said = {"role": "assistant", "content": "yes"}
        if self.path == "/api/chat":
            answer = {"model": body["model"], "created_at": "2026-01-01T00:00:00Z", "message": said, "done": True}
            answer |= {"prompt_eval_count": 1, "eval_count": 1}
        elif "embed" in self.path:
            usage = {"prompt_tokens": 1, "total_tokens": 1}
            data = [{"object": "embedding", "index": 0, "embedding": [0.5]}]
            answer = {"object": "list", "data": data, "model": body["model"], "usage": usage}
        else:
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            choices = [{"index": 0, "message": said, "finish_reason": "stop"}]
            answer = {"id": "1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": choices}
            answer |= {"usage": usage}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *_):
        pass
server = HTTPServer(("127.0.0.1", 0), Engine)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
for name in ("HOSTED_VLLM", "XINFERENCE", "LLAMAFILE"):
    os.environ[f"{name}_API_BASE"] = f"{address}/v1"
os.environ |= {"OLLAMA_API_BASE": address, "XINFERENCE_API_KEY": "any"}
from litellm import Router
with open(sys.argv[1], "rb") as file:
    listed = yaml.safe_load(file)["model_list"]
router = Router(model_list=listed, num_retries=0)
for each in listed:
    if each["model_info"]["mode"] == "embedding":
        router.embedding(model=each["model_name"], input=["a"])
    else:
        router.completion(model=each["model_name"], messages=[{"role": "user", "content": "a"}])
print()
print(json.dumps(asked))
"""


def said(script: str, folder: Path) -> Any:  # noqa: ANN401 - any JSON value
    """What a script finds in the file: the JSON on its last line."""
    proving.need("litellm", "granian")
    path = folder / "config.yaml"
    path.write_bytes(exported.files("litellm", chat(), embedding(), voice())["config.yaml"])
    done = proving.python("-c", f"{LOCAL}{script}", path, home=folder)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_router_and_the_proxy_list_every_model(tmp_path: Path) -> None:
    router, proxy, infos = said(READ, tmp_path)
    assert router == NAMES
    assert proxy == NAMES
    assert infos["acme/tiny"]["max_input_tokens"] == 4096
    assert infos["acme/tiny"]["supports_function_calling"] is True
    assert infos["acme/emb"]["mode"] == "embedding"


def test_every_engine_is_asked_for_its_own_name(tmp_path: Path) -> None:
    asked = said(ASK, tmp_path)
    assert asked == [
        ["/v1/embeddings", "emb"],
        ["/v1/embeddings", "emb"],
        ["/v1/chat/completions", "tiny"],
        ["/v1/chat/completions", "tiny"],
        ["/v1/chat/completions", "acme/tiny:8b-gguf-Q4_K_M"],
        ["/api/chat", "tiny"],
    ]
