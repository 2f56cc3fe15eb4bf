"""A made-up registry of any size, realistic in its proportions, and the same facts as a Hugo site.

Each model has a card of about 2 KB, one to three releases and two to twelve files in each release. The same seed gives
the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

TYPES = {"llm": 46, "embedding": 14, "rerank": 6, "image": 12, "audio": 12, "video": 5, "vision": 5}
QUANTIZATIONS = ["Q2_K", "Q3_K_M", "Q4_0", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0"]
SIZES = ["0.6B", "1.7B", "4B", "8B", "14B", "32B", "70B"]
LICENCES = ["Apache-2.0", "MIT", "CC-BY-NC-4.0", "LicenseRef-Gemma", "LicenseRef-Llama-3.1"]
TAGS = ["multilingual", "long-context", "coding", "math", "research", "small", "edge", "medical", "safety", "distilled"]
ABILITIES = {
    "llm": ["chat", "generate"],
    "image": ["text2image"],
    "audio": ["audio2text"],
    "video": ["text2video"],
    "vision": ["detection"],
}
WORDS = [
    "model",
    "release",
    "weight",
    "token",
    "context",
    "layer",
    "score",
    "file",
    "licence",
    "language",
    "task",
    "answer",
    "sentence",
    "document",
    "image",
    "voice",
    "index",
    "query",
    "vector",
    "memory",
    "server",
    "laptop",
    "card",
    "cache",
    "batch",
    "prompt",
    "template",
    "sample",
    "record",
    "table",
    "field",
    "value",
    "range",
    "limit",
    "error",
    "careful",
    "plain",
    "small",
    "large",
    "early",
    "late",
    "measured",
    "published",
    "reviewed",
    "pinned",
    "checked",
    "compared",
    "trained",
    "tuned",
    "merged",
    "split",
]


@dataclass(frozen=True)
class Made:
    """One model: its place and the facts of its files."""

    id: str
    type: str
    model: dict[str, Any]
    releases: dict[str, dict[str, Any]]
    card: str

    @property
    def folder(self) -> str:
        return f"models/{self.type}/{self.id}"


def models(count: int, seed: int = 7) -> list[Made]:
    """That many models, over a publisher for every fifty."""
    source = random.Random(seed)  # noqa: S311 - made-up facts, not secrets
    return [_model(source, number, f"maker-{number % max(1, count // 50):03d}") for number in range(count)]


def _model(source: random.Random, number: int, publisher: str) -> Made:
    kind = source.choices(list(TYPES), weights=list(TYPES.values()))[0]
    name = f"{source.choice(WORDS)}-{source.choice(WORDS)}-{number:05d}"
    title = name.replace("-", " ").title()
    model: dict[str, Any] = {
        "title": title,
        "summary": f"{_words(source, 12).capitalize()}.",
        "license": source.choice(LICENCES),
        "tags": sorted(source.sample(TAGS, source.randint(1, 4))),
        "links": {"homepage": f"https://example.org/{name}", "repository": f"https://github.com/{publisher}/{name}"},
    }
    if model["license"].startswith("LicenseRef"):
        model = {key: value for key, value in model.items() if key != "links"} | {
            "license_url": "https://example.org/licence",
            "links": model["links"],
        }
        model = {key: model[key] for key in ("title", "summary", "license", "license_url", "tags", "links")}
    versions = ["1.0.0", "1.1.0", "2.0.0"][: source.choices([1, 2, 3], weights=[6, 3, 1])[0]]
    releases = {version: _release(source, kind, name, publisher, version) for version in versions}
    return Made(f"{publisher}/{name}", kind, model, releases, _card(source, title))


def _release(source: random.Random, kind: str, name: str, publisher: str, version: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"languages": sorted(source.sample(["en", "zh", "de", "fr", "ja", "ko"], 2))}
    if kind in ABILITIES:
        spec["abilities"] = ABILITIES[kind]
    if kind in {"image", "video", "vision"}:
        spec.pop("languages")
    if kind in {"image", "audio", "video"}:
        spec["family"] = "made"
    if kind == "audio":
        spec["multilingual"] = True
    if kind in {"llm", "embedding", "rerank"}:
        spec["context_length"] = source.choice([4096, 8192, 32768, 131072])
    if kind == "embedding":
        spec["dimensions"] = source.choice([384, 768, 1024])
    if kind == "llm":
        spec["architecture"] = {"layers": 36, "kv_heads": 8, "head_size": 128}
    wanted = source.randint(2, 12)
    variants: list[dict[str, Any]] = []
    while wanted > 0:
        size = SIZES[len(variants) % len(SIZES)]
        count = min(wanted, source.randint(1, 7))
        variants.append(_variant(source, name, publisher, version, size, QUANTIZATIONS[:count]))
        wanted -= count
    return {
        "notes": f"{_words(source, 9).capitalize()}.",
        "released": f"202{4 + int(version[0]) % 3}-0{source.randint(1, 9)}-1{source.randint(0, 9)}T08:00:00Z",
        "spec": spec,
        "requirements": {"vram": "80GiB"},
        "environment": {"framework": "pytorch"},
        "variants": variants,
    }


def _variant(
    source: random.Random, name: str, publisher: str, version: str, size: str, quantizations: list[str]
) -> dict[str, Any]:
    stem = f"{name}-{size}"
    weights = float(size[:-1]) * 1e9
    return {
        "format": "gguf",
        "parameters": size,
        "engines": ["llama.cpp"],
        "quantizations": quantizations,
        "sources": {
            "huggingface": {
                "repo": f"{publisher}/{stem}-GGUF",
                "revision": hashlib.sha1(f"{stem}{version}".encode()).hexdigest(),  # noqa: S324 - looks like a commit
                "file": f"{stem}-{{quantization}}.gguf",
            }
        },
        "files": {
            quantization: [
                {
                    "path": f"{stem}-{quantization}.gguf",
                    "size": int(weights * (3 + index) / 8 * source.uniform(1.0, 1.05)),
                    "sha256": hashlib.sha256(f"{stem}{quantization}{version}".encode()).hexdigest(),
                }
            ]
            for index, quantization in enumerate(quantizations)
        },
    }


def _words(source: random.Random, count: int) -> str:
    return " ".join(source.choice(WORDS) for _ in range(count))


def _card(source: random.Random, title: str) -> str:
    parts = []
    for heading in ("Background", "Introduction", "Usage", "Limitations"):
        parts += [
            f"## {heading}",
            "",
            f"**{title}** {_words(source, 35)}, `{_words(source, 1)}` and {_words(source, 20)}.",
            "",
        ]
        parts += [*(f"- {_words(source, 8)}" for _ in range(2)), ""]
    return "\n".join(parts)


def write_registry(root: Path, made: list[Made], base: Path) -> None:
    """A registry in `root/registry`, with the vocabulary of another one."""
    from galleryctl import document  # noqa: PLC0415 - only this half needs it

    registry = root / "registry"
    registry.mkdir(parents=True)
    for name in ("roles.yaml", "policy.yaml", "taxonomy.yaml"):
        shutil.copy(base / name, registry / name)
    settings = (base / "gallery.yaml").read_text(encoding="utf-8").replace("languages: [en, zh]", "languages: [en]")
    _write(registry / "gallery.yaml", settings)
    for publisher in sorted({model.id.partition("/")[0] for model in made}):
        _write(registry / f"publishers/{publisher}.yaml", f"title: {publisher.title()}\nmaintainers: [curator-a]\n")
    for model in made:
        folder = registry / model.folder
        _write(folder / "model.yaml", document.dump(model.model))
        _write(folder / "README.md", model.card)
        for version, release in model.releases.items():
            _write(folder / f"{version}.yaml", document.dump(release))


def write_hugo(root: Path, made: list[Made], site: Path) -> None:
    """The same facts as content files of a Hugo site, with the templates of `site`."""
    shutil.copytree(site, root, dirs_exist_ok=True)
    for model in made:
        latest = max(model.releases)
        front = {
            **{key: value for key, value in model.model.items() if key not in {"tags", "links"}},
            "url": f"/models/{model.id}/",
            "id": model.id,
            "kind_": model.type,
            "publisher": model.id.partition("/")[0],
            "labels": model.model["tags"],
            "addresses": model.model["links"],
            "latest": latest,
            "releases": model.releases,
            "outputs": ["html", "json"],
        }
        _write(
            root / "content" / model.type / f"{model.id.replace('/', '--')}.md",
            f"{json.dumps(front, indent=1)}\n\n{model.card}",
        )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
