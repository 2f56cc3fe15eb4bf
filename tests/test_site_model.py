"""What a model page says of an entry that uses every field, and how figures are written."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest

from galleryctl import site
from galleryctl.audience import View, project
from galleryctl.gallery import Gallery
from galleryctl.site import feeds, wording
from galleryctl.spec import Publisher, Roles, Settings, Taxonomy
from made import DIGEST, NOW, entry, view
from test_site import LOOK, SETTINGS, model, render

HUBS: dict[str, Any] = {
    "huggingface": {"repo": "acme/full", "revision": "a" * 40, "gated": True},
    "modelscope": {"repo": "acme/full", "revision": "v1", "quantizations": ["Q8_0"]},
    "csghub": {"repo": "acme/full"},
    "oci": {"image": "r.example/acme/full@sha256:" + DIGEST},
    "object": {"prefix": "s3://bucket/full"},
    "url": {"prefix": "https://files.example/full"},
}
RELEASE: dict[str, Any] = {
    "released": "2025-04-01T00:00:00Z",
    "checked": "2025-04-20",
    "spec": {
        "context_length": 32768, "abilities": ["chat", "tools"], "languages": ["en", "zh", "de", "fr", "es"],
        "family": "full", "prompt": {"stop": ["</s>"]},
    },
    "requirements": {"gpus": 2, "vram": "24GiB", "memory": "64GiB"},
    "environment": {"framework": "torch", "image": "r.example/run@sha256:" + DIGEST},
    "metrics": [{"name": "MMLU", "value": 56.7, "unit": "percent", "date": "2025-05-01", "source": "https://m.example"},
        {"name": "Speed", "value": 3}, {"name": "Unmeasured"}],
    "remote_code": {"revision": "b" * 40, "reviewed_by": "ada"},
    "regions": ["eu"],
    "variants": [
        {"format": "gguf", "parameters": "30B", "active": "3B", "quantizations": ["Q4_K_M", "Q8_0"], "sources": HUBS,
            "memory": {"layers": 48, "kv_heads": 4, "head_size": 128}},
        {"key": "other", "format": "pytorch", "quantizations": ["none"]},
    ],
}  # fmt: skip
WORDS: dict[str, Any] = {
    "licenses": {"MIT": {"label": "MIT License", "commercial": "allowed", "url": "https://mit.example"}},
    "frameworks": {"title": "Framework", "values": {"torch": {"label": "PyTorch"}}},
    "regions": {"title": "Region", "values": {"eu": {"label": "European Union"}}},
    "categories": {"title": "Category", "values": {"helper": {"label": "Assistants"}}},
}


def seen(settings: Settings = SETTINGS, **fields: Any) -> View:  # noqa: ANN401 - fields of `model.yaml`
    everything = {
        "terms": {"price": "paid", "effective_from": "2025-06-01"}, "regions": ["eu"], "categories": ["helper"],
        "links": {"weights": ["https://w.example/1", "https://w.example/2"], "chat_room": "https://c.example", "paper": "ftp://x"},
        **fields,
    }  # fmt: skip
    item = entry("acme/tiny", releases={"1.0.0": RELEASE}, updated="2025-07-01T00:00:00Z", **everything)
    profile = Publisher.model_validate(
        {
            "title": "Acme",
            "links": {"homepage": "https://acme.example", "chat": ["javascript:x"]},
            "proof": {"kind": "domain", "value": "a"},
        }
    )
    made = view(item, settings=settings, taxonomy=Taxonomy.model_validate(WORDS))
    return View(
        **{**{name: getattr(made, name) for name in View.__dataclass_fields__}, "publishers": {"acme": profile}}
    )


def test_every_field_of_a_definition_is_shown() -> None:
    pages = render(seen())
    text = model(pages, "tiny")
    for word in (
        "MIT License", "commercial use allowed", "https://mit.example", "30B-A3B", "32,768", "en, zh, de", "fr, es",
        "PyTorch", "24 GiB", "64 GiB", "56.7 %", "https://m.example", "reviewed at bbbbbbb by ada", "European Union",
        "1 Jun 2025", "paid", "https://huggingface.co/acme/full/tree/" + "a" * 40, "@aaaaaaa",
        "https://modelscope.cn/models/acme/full/files?version=v1", "https://opencsg.com/models/acme/full",
        "s3://bucket/full", 'href="https://files.example/full"', "Gated", "Verified publisher", "Chat room",
        "https://w.example/2", "?category=helper", "released by its publisher on 1 Apr 2025", "checked at the source",
        "whole repository", "r.example/acme/full@sha256:", "Specification", "1 Jul 2025",
    ):  # fmt: skip
        assert word in text, word
    assert "ftp://" not in text
    assert "Unmeasured" not in text
    assert text.count("modelscope.cn") == 1  # only where it offers the quantization
    publisher = pages["publishers/acme/index.html"]
    assert "https://acme.example" in publisher
    assert "javascript:" not in publisher
    assert re.search(r'class="badge line">Changed<.*?acme/tiny', pages["changes/index.html"], re.DOTALL)


def test_memory_grows_with_the_context() -> None:
    text = model(render(seen()), "tiny")
    assert re.findall(r'<th scope="col" data-ctx="(\d+)">', text) == ["4096", "8192", "16384", "32768"]
    cells = [re.findall(r'<td class="(\w+)">([\d.]+)<', row) for row in re.findall(r"<tr data-v.*?</tr>", text)]
    assert [len(row) for row in cells] == [4, 4]
    assert all([float(memory) for _, memory in row] == sorted(float(memory) for _, memory in row) for row in cells)
    assert {state for row in cells for state, _ in row} <= {"yes", "tight", "no"}


def test_commands_are_there_for_every_target() -> None:
    text = model(render(seen()), "tiny")
    found = re.search(r'id="commands">(.*?)</script>', text)
    assert found
    data = json.loads(found[1])
    assert data["labels"] == ["30B Q4_K_M", "30B Q8_0", "pytorch"]
    assert [sorted(target) for target in data["commands"]] == [
        ["llama.cpp", "localai", "ollama", "vllm", "xinference"]
    ] * 3
    words = [[data["words"][number] for number in target["ollama"]] for target in data["commands"]]
    assert words[1][0] == "ollama run hf.co/acme/full:Q8_0"
    assert [len(each) for each in words] == [2, 2, 1]


def test_a_gallery_without_repository_or_runtimes_has_no_links_to_them() -> None:
    text = model(render(seen(SETTINGS.model_copy(update={"repository": None, "runtimes": ()}))), "tiny")
    assert "Edit model.yaml" not in text
    assert "/edit/" not in text
    assert "Run it" not in text


def test_a_restricted_model_says_who_sees_it() -> None:
    item = entry("acme/tiny", visibility="restricted", allowed=["staff"])
    found = project(
        Gallery.of([item]), settings=SETTINGS, roles=Roles.model_validate({"groups": {"staff": ["ada"]}}),
        taxonomy=Taxonomy(), types=seen().types, publishers={}, consumers={}, tombstones={}, now=NOW, audience="ada",
    )  # fmt: skip
    text = model({output.path: output.render().decode() for output in site.outputs(found, LOOK)}, "tiny")
    assert "Restricted" in text
    assert "staff" in text


def test_many_addresses_are_several_sitemaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "SITEMAP", 10)
    pages = render(view(*(entry(f"acme/m{number}") for number in range(12)), settings=SETTINGS))
    parts = re.findall(r"<loc>https://models.example/gallery/(.*?)</loc>", pages["sitemap.xml"])
    assert parts == ["sitemap-1.xml", "sitemap-2.xml", "sitemap-3.xml"]
    assert sum(pages[part].count("<loc>") for part in parts) == 26
    assert "acme/m9/" in pages["sitemap-3.xml"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (4_970_000_000, "4.97 GB"),
        (143_000_000_000, "143 GB"),
        (10**15, "1000 TB"),
    ],
)
def test_sizes(number: int, text: str) -> None:
    assert wording.size(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (512, "512"),
        (1024, "1K"),
        (40960, "40K"),
        (1_048_576, "1M"),
        (128_000, "125K"),
        (1_000_000, "1M"),
        (1500, "1.5K"),
        (2050, "2.0K"),
    ],
)
def test_tokens(number: int, text: str) -> None:
    assert wording.tokens(number) == text


def test_days() -> None:
    assert wording.day(dt.date(2026, 10, 9)) == "9 Oct 2026"
    assert wording.day(None) == ""
    assert wording.iso(NOW) == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("https://github.com/a/b", "https://github.com/a/b/edit/main/registry/models/x"),
        ("https://gitlab.example/a/b/", "https://gitlab.example/a/b/-/edit/main/registry/models/x"),
        ("javascript:alert(1)", ""),
        (None, ""),
    ],
)
def test_addresses_of_the_forge(repository: str | None, address: str) -> None:
    # Settings refuse the third as they are read; the page would not link to it either.
    settings = Settings(title="T").model_copy(update={"repository": repository})
    assert wording.forge(settings, "edit", "models/x") == address
    assert bool(wording.commit(settings, "c")) == bool(address)
