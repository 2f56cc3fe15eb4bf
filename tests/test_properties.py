"""What holds for any definition, any bytes and any row of edits: reading keeps it, and building forgets nothing."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import MINIMAL, git, write
from fakes import MemoryTree
from galleryctl import building, canonical, document, index, loading, search
from galleryctl.gallery import Gallery
from galleryctl.spec import Limits
from galleryctl.spec.published import ModelDocument
from made import entry, view

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.loading import Loaded

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
TINY = "models/llm/acme/tiny"
NOWHERE = Path(__file__).parent / "nowhere"

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(str.strip)
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)
NAME = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True)
IDS = st.lists(st.builds("{}/{}".format, NAME, NAME), max_size=2, unique=True)
LOCAL = TEXT | st.dictionaries(st.sampled_from(["en", "zh", "de"]), TEXT, min_size=1)
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)).map(dt.date.isoformat)
TIMES = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1)).map(  # noqa: DTZ001 - the zone is written below
    lambda when: when.replace(microsecond=0).isoformat() + "Z"
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | st.floats(-(2**50), 2**50) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=6,
)
OTHERS = st.dictionaries(NAME, JSON, max_size=2)
MODELS = st.fixed_dictionaries(
    {"title": LOCAL},
    optional={
        "summary": LOCAL, "description": TEXT, "license": TEXT, "license_url": TEXT,
        "tags": st.lists(TEXT, max_size=3),
        "links": st.dictionaries(NAME, TEXT | st.lists(TEXT, max_size=2), max_size=3),
        "maintainers": st.lists(TEXT, max_size=2), "base_models": IDS, "aliases": IDS,
        "visibility": st.sampled_from(["public", "organisation", "restricted", "private"]),
        "listed": st.booleans(), "status": st.sampled_from(["active", "deprecated", "discontinued", "quarantined"]),
        "reason": TEXT, "expires": DAYS, "renewable": st.booleans(), "featured": st.booleans(),
        "terms": st.fixed_dictionaries({}, optional={"price": st.just("paid"), "free_days": st.integers(1, 999)}),
    },
)  # fmt: skip
FILES = st.fixed_dictionaries(
    {"path": TEXT}, optional={"size": st.integers(0, 2**53 - 1), "sha256": HEX, "as": TEXT, "role": NAME}
)
HUBS = st.fixed_dictionaries(
    {"repo": TEXT},
    optional={"revision": TEXT, "file": TEXT, "gated": st.booleans(), "quantizations": st.lists(LINE, max_size=2)},
)  # fmt: skip
VARIANTS = st.fixed_dictionaries(
    {},
    optional={
        "key": NAME, "format": NAME, "parameters": st.sampled_from(["8B", "1.8B", "335M"]),
        "quantizations": st.lists(LINE, max_size=3),
        "sources": st.fixed_dictionaries({}, optional={"huggingface": HUBS, "modelscope": HUBS}),
        "files": st.dictionaries(TEXT, st.lists(FILES, min_size=1, max_size=2), max_size=2), "entrypoint": TEXT,
        "requirements": st.fixed_dictionaries({}, optional={"gpus": st.integers(0, 8), "vram": st.just("8GiB")}),
    },
)  # fmt: skip
RELEASES = st.fixed_dictionaries(
    {},
    optional={
        "notes": TEXT, "released": TIMES, "checked": DAYS, "reason": TEXT,
        "spec": st.fixed_dictionaries({}, optional={"context_length": st.integers(1, 2**40), "family": TEXT}),
        "metrics": st.lists(
            st.fixed_dictionaries({}, optional={"name": TEXT, "value": st.integers(-9, 99), "date": DAYS}), max_size=2
        ),
        "variants": st.lists(VARIANTS, max_size=2),
        "runtimes": st.fixed_dictionaries({"xinference": st.fixed_dictionaries({"extra": OTHERS})}),
    },
)  # fmt: skip


def load(files: Mapping[str, str | bytes | None]) -> Loaded:
    tree = MemoryTree({f"registry/{path}": data for path, data in files.items() if data is not None})
    return loading.load(NOWHERE, now=NOW, tree=tree)


def without_empty(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """What a file may say without saying anything."""
    return {key: item for key, item in value.items() if item != {}}


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(MODELS, st.dictionaries(st.sampled_from(["1.0.0", "1.1.0", "2.0.0"]), RELEASES, min_size=1), st.booleans())
def test_what_an_author_wrote_is_what_is_published(
    model: dict[str, Any], releases: dict[str, dict[str, Any]], as_json: bool
) -> None:
    """Definition → files → definition → entry → JSON → entry is the identity, however many rules complain."""
    ending, dump = ("json", json.dumps) if as_json else ("yaml", document.dump)
    files = {path: text for path, text in MINIMAL.items() if not path.startswith(TINY)}
    files[f"{TINY}/model.{ending}"] = dump(model)
    files |= {
        f"{TINY}/{version}.{ending}": dump(release | {"status": "active"}) for version, release in releases.items()
    }
    found = load(files).gallery.by_id["acme/tiny"]
    published = json.loads(found.wire)
    ours = {key: published[key] for key in model}
    assert without_empty(ours) == without_empty(model)
    assert published["releases"].keys() == releases.keys()
    for version, release in releases.items():
        assert published["releases"][version] == release | {"status": "active"}
    again = ModelDocument.model_validate_json(found.wire)
    assert again == found.document()
    dumped = again.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    assert canonical.dumps(dumped) == found.wire


BYTES = st.binary(max_size=30) | st.sampled_from(
    [
        b"\0", b"\t", b"\xff\xfe", b"\xef\xbb\xbf", b": ", b"- ", b"&a ", b"*a", b"<<: ", b"!!python/object:os ",
        b"[", b"{", b'"', b"'", b"|\n", b">-\n", b"%YAML 9\n", b"---\n", b"...\n", b"?", b"#", b"\r",
        "\u2028".encode(), "\u202e".encode(),
    ]
)  # fmt: skip


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_bytes_of_a_file_break_the_reading_of_others(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(MINIMAL)))
    raw = bytearray((MINIMAL[path] or "").encode())
    for cut, length, new in data.draw(
        st.lists(st.tuples(st.integers(0, len(raw)), st.integers(0, 20), BYTES), max_size=3)
    ):
        raw[cut : cut + length] = new
    other = {name.replace("/tiny/", "/other/"): text for name, text in MINIMAL.items() if "/tiny/" in name}
    found = load({**MINIMAL, **other, path: bytes(raw)})
    assert "acme/other" in found.gallery.by_id
    for problem in found.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.lists(BYTES, max_size=12).map(b"".join), st.sampled_from(["a.yaml", "a.json"]))
def test_any_bytes_give_a_document_or_a_problem(raw: bytes, path: str) -> None:
    found, problems = document.parse(path, raw, Limits())
    assert found is not None or problems


ENTRIES = tuple(
    entry(f"{publisher}/{name}", type_, added=f"2025-0{month}-01T00:00:00Z")
    for month, (publisher, name, type_) in enumerate(
        [("acme", "a", "llm"), ("acme", "b", "llm"), ("beta", "a", "embedding"), ("zeta", "c", "audio")], 1
    )
)


@given(st.permutations(ENTRIES))
def test_the_order_of_listing_changes_nothing(entries: list[Any]) -> None:
    first, second = view(*ENTRIES), view(*entries)
    assert Gallery.of(entries) == Gallery.of(ENTRIES)
    for outputs in (lambda shown: index.outputs(shown, schemas={}), search.outputs):
        assert [(each.path, each.render()) for each in outputs(first)] == [
            (each.path, each.render()) for each in outputs(second)
        ]


# -- building


def folder(name: str) -> dict[str, str | None]:
    found = {path: text for path, text in MINIMAL.items() if path.startswith(TINY)}
    return {
        path.replace("/tiny/", f"/{name}/"): (text or "").replace("title: Tiny", f"title: {name.title()}")
        for path, text in found.items()
    }


def release(name: str) -> dict[str, str | None]:
    text = folder(name)[f"models/llm/acme/{name}/1.0.0.yaml"] or ""
    return {f"models/llm/acme/{name}/1.1.0.yaml": text.replace("First", "Second").replace("4096", "8192")}


def model(name: str, extra: str) -> dict[str, str | None]:
    path = f"models/llm/acme/{name}/model.yaml"
    return {path: f"{folder(name)[path]}{extra}"}


GAMMA: dict[str, str | None] = folder("gamma")
GALLERY = f"{MINIMAL['gallery.yaml']}languages: [en, zh]\n"
START = {**MINIMAL, **folder("beta"), "gallery.yaml": GALLERY}
EDITS: dict[str, dict[str, str | None]] = {
    "a model is added": GAMMA,
    "a model goes": dict.fromkeys(GAMMA),
    "a release is added": release("beta"),
    "a summary changes": {
        path: (text or "").replace("A small chat", "Another") for path, text in model("beta", "").items()
    },
    "a model is withdrawn": model("beta", "listed: false\nreason: Being repaired.\n"),
    "a model is deprecated": model("beta", "status: deprecated\nreason: Old.\nsuccessor: acme/tiny\n"),
    "a card changes": {f"{TINY}/README.md": "# Tiny\n\n## Background\n\nOther words.\n"},
    "a card is translated": {f"{TINY}/README.zh.md": "# 小\n\n## 背景\n\n用于测试。\n"},
    "a word of the taxonomy changes": {"taxonomy.yaml": (MINIMAL["taxonomy.yaml"] or "").replace("Chat,", "Talk,")},
    "a publisher is renamed": {"publishers/acme.yaml": (MINIMAL["publishers/acme.yaml"] or "").replace("Acme", "ACME")},
    "the gallery is renamed": {"gallery.yaml": GALLERY.replace("Test", "Other")},
    "it is as it was": START,
}


def published(out: Path) -> dict[str, bytes]:
    """All files, but the head of the index, which counts builds."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.endswith("catalog.json") and not path.name.startswith(".galleryctl")
    }


def carried(files: dict[str, bytes]) -> set[str]:
    """What is there because of earlier heads: their files, what leads from them to the present, and their list."""
    heads = json.loads(files.get("v1/generations.json", b'{"generations":[]}'))["generations"]
    listed = {path for path in files if path.startswith(("v1/delta/", "v1/generations"))}
    return listed.union(*(head["files"] for head in heads))


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(sorted(EDITS)), st.booleans(), st.sampled_from([1, 2])), min_size=1, max_size=5)
)
def test_a_grown_gallery_is_a_clean_one(steps: list[tuple[str, bool, int]]) -> None:
    """Incremental equals clean, byte for byte, for any number of processes; and a second build writes nothing."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        registry = root / "repository" / "registry"
        write(registry, START)
        git(registry.parent, "init", "-q")
        steps = [("it is as it was", True, 1), *steps]
        for edit, commits, jobs in steps:
            files = {path: text for path, text in EDITS[edit].items() if text is not None or (registry / path).exists()}
            write(registry, files)
            if commits:
                git(registry.parent, "add", "--all")
                git(registry.parent, "commit", "-q", "--allow-empty", "-m", edit)
            done = building.build(building.Wanted(registry, root / "grown", NOW, jobs=jobs))
            assert done.errors == ()
        again = building.build(building.Wanted(registry, root / "grown", NOW + dt.timedelta(hours=1)))
        assert again.written is not None
        assert again.written.new == again.written.pruned == ()
        grown = published(root / "grown")
        for jobs in (1, 2):
            building.build(building.Wanted(registry, root / f"clean{jobs}", NOW, jobs=jobs))
            clean = published(root / f"clean{jobs}")
            assert clean == {path: data for path, data in grown.items() if path in clean}
            assert set(grown) - set(clean) - carried(grown) == set()
