"""Entries of LocalAI's index, in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from galleryctl.authoring import house
from galleryctl.document import listing, parse
from galleryctl.exports.localai import entries_of, faults
from galleryctl.fetch import FetchError, Response
from galleryctl.importers import localai
from galleryctl.importers.base import FIRST, Candidate, Options, Reference, Rejected
from galleryctl.spec import Limits, Model, Release

if TYPE_CHECKING:
    from collections.abc import Mapping

ASKED = Options()
DIGEST = "0123456789abcdef" * 4
MASTER = "github:mudler/LocalAI/gallery/{}.yaml@master"


class Web:
    """Serves some addresses, and counts what was asked."""

    def __init__(self, pages: Mapping[str, bytes] | None = None) -> None:
        self.pages, self.asked = pages or {}, list[str]()

    def get(self, url: str, **_: object) -> Response:
        self.asked.append(url)
        if url not in self.pages:
            raise FetchError(f"{url}: nothing there")
        return Response(url, 200, {}, self.pages[url])


def reference(data: bytes | str, text: str = "index.yaml") -> Reference:
    raw = data.encode() if isinstance(data, str) else data
    return Reference(text, lambda: raw, None if "://" in text else Path("/nowhere") / text)


def imported(
    entries: object, options: Options = ASKED, web: Web | None = None, text: str = "index.yaml"
) -> list[Candidate | Rejected]:
    data = entries if isinstance(entries, str | bytes) else yaml.safe_dump(entries, sort_keys=False)
    return list(localai.read(reference(data, text), web or Web(), options))  # type: ignore[arg-type]


def one(entry: Mapping[str, Any], options: Options = ASKED) -> Candidate:
    (found,) = imported([entry], options)
    assert isinstance(found, Candidate), found
    return found


def refused(entries: object) -> list[str]:
    return [found.remarks[0].code for found in imported(entries) if isinstance(found, Rejected)]


def exported(candidate: Candidate) -> list[dict[str, Any]]:
    """What comes out after the definition was written to files and read again."""
    files = {"model.yaml": house.model(candidate.model), "1.0.0.yaml": house.release(candidate.releases[FIRST])}
    read = {}
    for name, raw in files.items():
        document, problems = parse(name, raw, Limits())
        assert document, problems
        read[name] = document.data
    model, release = Model.model_validate(read["model.yaml"]), Release.model_validate(read["1.0.0.yaml"])
    entries, left = entries_of(candidate.id, candidate.type, model, FIRST, release)
    assert left == []
    text = listing(entries)
    assert faults("index.yaml", text.encode()) == []
    found: list[dict[str, Any]] = yaml.safe_load(text)
    return found


def file(uri: str, filename: str | None = None, **more: object) -> dict[str, Any]:
    return {"filename": filename or uri.rpartition("/")[2], "sha256": DIGEST, "uri": uri} | more


WHOLE: dict[str, Any] = {
    "name": "Tiny-8B:vision",
    "url": MASTER.format("chatml"),
    "description": "A small model.\nWith two lines.\n",
    "license": "apache-2.0",
    "icon": "https://example.org/icon.png",
    "tags": ["llm", "gguf"],
    "urls": ["https://huggingface.co/Acme/Tiny-8B", "https://github.com/acme/tiny", "https://example.org/more"],
    "overrides": {
        "backend": "llama-cpp",
        "context_size": 8192,
        "known_usecases": ["chat", "vision"],
        "stopwords": ["<|im_end|>"],
        "mmproj": "mmproj-f16.gguf",
        "parameters": {"model": "tiny-8b-Q4_K_M.gguf", "temperature": 0.6, "typical_p": 1},
        "template": {"use_tokenizer_template": True},
    },
    "files": [
        file("huggingface://acme/Tiny-8B-GGUF/mmproj-f16.gguf"),
        file("huggingface://acme/Tiny-8B-GGUF/tiny-8b-Q4_K_M.gguf"),
    ],
}
OTHER = WHOLE | {"name": "other"}
