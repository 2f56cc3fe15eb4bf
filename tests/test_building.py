"""One build: nothing while there are errors, nothing where nothing changed, and only what depends on a change."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from conftest import MINIMAL, write
from galleryctl import building, canonical, layout, resources
from galleryctl.errors import OutputError

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
TINY = "models/llm/acme/tiny"
Make = Callable[..., Path]


def others(*names: str) -> dict[str, str]:
    """Further models, like the first."""
    found: dict[str, str] = {}
    for name in names:
        for path, text in MINIMAL.items():
            if text and "/tiny/" in path:
                found[path.replace("/tiny/", f"/{name}/")] = text.replace("title: Tiny", f"title: {name.title()}")
    return found


def build(registry: Path, out: Path, *, now: dt.datetime = NOW, jobs: int = 1, **wanted: str) -> building.Done:
    return building.build(building.Wanted(registry, out, now=now, jobs=jobs, **wanted))  # type: ignore[arg-type]


def tree(out: Path) -> dict[str, bytes]:
    """Every published file."""
    found = {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    return {path: data for path, data in found.items() if not path.startswith(".galleryctl")}


def without_heads(files: dict[str, bytes]) -> dict[str, bytes]:
    """All but the head of the index, whose serial counts builds, and what it keeps of earlier builds."""
    counted = (layout.CATALOG, layout.GENERATIONS)
    return {path: data for path, data in files.items() if path not in counted and not re.search("[0-9a-f]{64}", path)}


def read(out: Path, path: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((out / path).read_bytes())
    return found


def test_the_line_from_files_to_a_gallery_and_an_index(registry: Make, tmp_path: Path) -> None:
    out = tmp_path / "site"
    done = build(registry(), out)
    assert done.errors == ()
    assert done.models == 1
    files = tree(out)
    assert {
        "index.html", "404.html", "feed.atom", "sitemap.xml", "robots.txt", "models/acme/tiny/index.html",
        "types/llm/index.html", "publishers/acme/index.html", "changes/index.html", "about/index.html",
        ".well-known/gallery.json", "v1/catalog.json", "v1/directory.json", "v1/revoked.json", "v1/types/llm.json",
        "v1/models/acme/tiny.json", "v1/search/llm.en.json", "v1/schemas/catalog.schema.json",
    } <= files.keys()  # fmt: skip
    for path, data in files.items():
        if path.startswith("v1/") and "/schemas/" not in path:
            assert canonical.dumps(json.loads(data)) == data, path


def test_a_second_build_renders_nothing(registry: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, out = registry(), tmp_path / "site"
    before = build(root, out)
    monkeypatch.setattr("galleryctl.loading.load", None)  # would raise if it were called
    done = build(root, out)
    assert done.written is not None
    assert before.written is not None
    assert done.written.new == done.written.pruned == ()
    assert done.written.kept == len(before.written.new)


def test_a_changed_template_of_the_package_is_noticed(
    registry: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, out = registry(), tmp_path / "site"
    build(root, out)
    other, whole = tmp_path / "other", resources.root
    shutil.copytree(whole("site_templates"), other)
    (other / "style.css").write_text("p { color: red }")
    monkeypatch.setattr(resources, "root", lambda name: other if name == "site_templates" else whole(name))
    build(root, out)
    assert (out / "assets/style.css").read_text() == "p { color: red }"


def test_a_changed_model_renders_what_depends_on_it(registry: Make, tmp_path: Path) -> None:
    root, out = registry({**MINIMAL, **others("one", "two")}), tmp_path / "site"
    build(root, out)
    path = root / TINY / "model.yaml"
    path.write_text(path.read_text().replace("A small chat model", "A very small chat model"))
    done = build(root, out)
    assert done.written is not None
    models = {name.split("/")[2] for name in done.written.new if name.startswith("models/acme/")}
    assert models == {"tiny"}
    assert "index.html" in done.written.new
    assert "v1/types/llm.json" in done.written.new
    assert not any(name.startswith(("v1/types/audio", "rules/", "assets/")) for name in done.written.new)


def test_an_incremental_build_equals_a_clean_one(registry: Make, tmp_path: Path) -> None:
    root = registry({**MINIMAL, **others("one", "two")})
    build(root, tmp_path / "grown")
    write(root, {f"{TINY}/README.md": "# Tiny\n\nOther words.\n", **dict.fromkeys(others("one"))})
    write(root, others("three"))
    build(root, tmp_path / "grown")
    build(root, tmp_path / "clean")
    grown, clean = tree(tmp_path / "grown"), tree(tmp_path / "clean")
    assert without_heads(grown) == without_heads(clean)
    assert read(tmp_path / "grown", layout.CATALOG)["serial"] == 2
    assert "models/acme/one/index.html" not in grown


def test_two_processes_write_what_one_writes(registry: Make, tmp_path: Path) -> None:
    root = registry({**MINIMAL, **others(*(f"m{number}" for number in range(100)))})
    build(root, tmp_path / "one", jobs=1)
    build(root, tmp_path / "two", jobs=2)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_errors_keep_the_last_good_gallery(registry: Make, tmp_path: Path) -> None:
    root, out = registry(), tmp_path / "site"
    build(root, out)
    before = tree(out)
    write(root, {f"{TINY}/model.yaml": "title: [\n"})
    done = build(root, out)
    assert done.written is None
    assert [problem.code for problem in done.errors] == ["YML001"]
    assert tree(out) == before


@pytest.mark.parametrize("place", ["", "site", "models/llm", "../.git/site"])
def test_nothing_is_built_among_the_files_of_authors(registry: Make, place: str) -> None:
    folder = registry()
    with pytest.raises(OutputError, match="choose a folder beside registry"):
        build(folder, folder / place)
    assert not (folder / "site").exists()


def test_expiry_needs_no_change_of_files(registry: Make, tmp_path: Path) -> None:
    root = registry({f"{TINY}/model.yaml": (MINIMAL[f"{TINY}/model.yaml"] or "") + "expires: 2026-06-01\n"})
    build(root, tmp_path / "site")
    assert (tmp_path / "site/sitemap.xml").read_text().count("models/acme/tiny/") == 1
    build(root, tmp_path / "site", now=dt.datetime(2026, 6, 1, tzinfo=dt.UTC))
    assert "models/acme/tiny/" not in (tmp_path / "site/sitemap.xml").read_text()
    assert (tmp_path / "site/models/acme/tiny/index.html").exists()
    assert read(tmp_path / "site", "v1/types/llm.json")["models"] == {}


def test_a_revision_is_built_without_its_files(registry: Make, tmp_path: Path, commit: Callable[..., str]) -> None:
    root = registry()
    commit(root, others("one"))
    build(root, tmp_path / "disk")
    write(root, dict.fromkeys(others("one")))
    build(root, tmp_path / "revision", revision="HEAD")
    assert tree(tmp_path / "disk") == tree(tmp_path / "revision")


def test_a_new_time_of_the_same_day_changes_nothing(registry: Make, tmp_path: Path) -> None:
    root = registry()
    build(root, tmp_path / "site")
    head = (tmp_path / "site" / layout.CATALOG).read_bytes()
    build(root, tmp_path / "site", now=NOW + dt.timedelta(days=40))
    assert (tmp_path / "site" / layout.CATALOG).read_bytes() == head


def test_an_audience_gets_its_own_tree(registry: Make, tmp_path: Path) -> None:
    secret = {
        path: text.replace("tags: [chat]", "tags: [chat]\nvisibility: private") for path, text in others("one").items()
    }
    private = {**MINIMAL, **secret, "policy.yaml": "version: 1\nrepository: private\n"}
    root = registry({path: text for path, text in private.items() if not path.endswith("one/README.md")})
    assert build(root, tmp_path / "public").errors == ()
    assert not any("/one" in path for path in tree(tmp_path / "public"))


def test_a_damaged_head_says_what_to_do(registry: Make, tmp_path: Path) -> None:
    root, out = registry(), tmp_path / "site"
    build(root, out)
    (out / layout.CATALOG).write_text("{}")
    with pytest.raises(OutputError, match="remove the folder"):
        build(root, out)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_the_last_good_gallery(
    registry: Make, tmp_path: Path, number: signal.Signals
) -> None:
    root, out = registry({**MINIMAL, **others(*(f"m{number}" for number in range(60)))}), tmp_path / "site"
    build(root, out)
    before = tree(out)
    for path in (root / "models/llm/acme").glob("*/model.yaml"):
        path.write_text(path.read_text().replace("A small", "A tiny"))
    build(root, tmp_path / "clean")
    after = without_heads(tree(tmp_path / "clean"))
    command = [sys.executable, "-m", "galleryctl", "build", "-r", str(root), "-o", str(out), "--jobs", "1"]
    for delay in (0.3, 0.6, 0.9):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=dict(os.environ))
        time.sleep(delay)
        process.send_signal(number)
        process.wait()
        if process.returncode == 0:  # it was faster
            break
        left = tree(out)  # a process that has written all may be ended before it could say so
        assert left == before or without_heads(left) == after or process.returncode == -signal.SIGKILL
    build(root, out)
    assert without_heads(tree(out)) == after


_PAYLOAD = b"\x2f" + (199 | 199 << 14).to_bytes(4, "little") + bytes(3)  # a lossless picture of 200 by 200 begins so
WEBP = (
    b"RIFF" + (12 + len(_PAYLOAD)).to_bytes(4, "little") + b"WEBPVP8L" + len(_PAYLOAD).to_bytes(4, "little") + _PAYLOAD
)


def test_a_cover_of_its_own_is_published_and_shown(registry: Make, tmp_path: Path) -> None:
    root, out = registry(), tmp_path / "site"
    build(root, out)
    assert 'class="cover l" src=' not in (out / "models/acme/tiny/index.html").read_text()
    (root / TINY / "cover.webp").write_bytes(WEBP)
    done = build(root, out)
    assert done.errors == ()
    assert (out / "models/acme/tiny/cover.webp").read_bytes() == WEBP
    assert 'class="cover l" src="cover.webp?v=' in (out / "models/acme/tiny/index.html").read_text()


TIMESERIES: Mapping[str, object] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Time series",
    "x-title": {"en": "Time series"},
    "x-order": 8,
    "description": "Time series: models that forecast.",
    "type": "object",
    "additionalProperties": False,
    "required": ["horizon"],
    "properties": {
        "horizon": {
            "type": "integer",
            "title": "Horizon",
            "description": "Steps ahead.",
            "x-row": True,
            "x-unit": "steps",
        },
        "frequency": {
            "type": "array",
            "title": "Frequency",
            "description": "Steps of the series.",
            "items": {"enum": ["hourly", "daily"]},
            "x-facet": {"title": {"en": "Frequency"}, "labels": {"hourly": {"en": "Every hour"}}},
        },
    },
}


def test_a_new_model_type_needs_no_code(registry: Make, tmp_path: Path) -> None:
    files = {path.replace("/llm/", "/timeseries/"): text for path, text in others("oracle").items()}
    spec = "notes: First release.\nspec:\n  horizon: 96\n  frequency: [hourly]\nvariants: []\n"
    root = registry({**MINIMAL, **files, "models/timeseries/acme/oracle/1.0.0.yaml": spec})
    write(root.parent, {"schemas/types/timeseries.schema.json": json.dumps(TIMESERIES)})
    out = tmp_path / "site"
    assert build(root, out).errors == ()
    page = (out / "types/timeseries/index.html").read_text()
    assert "Oracle" in page
    assert "Frequency" in page
    assert "Every hour" in page
    assert "96 horizon" in page
    assert "Horizon" in (out / "models/acme/oracle/index.html").read_text()
    models = read(out, "v1/types/timeseries.json")["models"]
    assert isinstance(models, dict)
    assert models["acme/oracle"]["releases"]["1.0.0"]["spec"]["horizon"] == 96
    assert (out / "v1/search/timeseries.en.json").exists()
    assert "timeseries" in read(out, layout.CATALOG)["types"]  # type: ignore[operator]
    wrong = root / "models/timeseries/acme/oracle/1.0.0.yaml"
    wrong.write_text(spec.replace("hourly", "yearly").replace("horizon: 96", "horizn: 96"))
    assert {problem.code for problem in build(root, out).errors} == {"SCH005"}
