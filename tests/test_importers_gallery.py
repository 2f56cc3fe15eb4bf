"""Models of another gallery, which is really built and served."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from browsing import serving
from conftest import MINIMAL
from galleryctl import importers
from galleryctl.errors import UsageError
from galleryctl.fetch import FetchError, Http
from galleryctl.importers import Candidate, Options, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Result

    Make = Callable[..., Path]
    Run = Callable[..., Result]

TINY = "models/llm/acme/tiny"
CARD = MINIMAL[f"{TINY}/README.md"]
MODEL, RELEASE = MINIMAL[f"{TINY}/model.yaml"] or "", MINIMAL[f"{TINY}/1.0.0.yaml"] or ""
ORIGIN = "origin: {kind: training, platform: mlflow, ref: run-17}\n"
THERE = {
    f"{TINY}/model.yaml": MODEL
    + "aliases: [acme/little]\nmaintainers: [ada]\nfeatured: true\n"
    + "readme: {source: huggingface:acme/tiny, revision: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567}\n",
    f"{TINY}/1.1.0.yaml": RELEASE.replace("First", "Second") + ORIGIN,
    "models/llm/acme/hidden/model.yaml": MODEL.replace("Tiny", "Hidden") + "listed: false\nreason: Not ready.\n",
    "models/llm/acme/hidden/README.md": CARD,
    "models/llm/acme/large/README.md": CARD,
    "models/llm/acme/hidden/1.0.0.yaml": RELEASE.replace("acme/tiny", "acme/hidden"),
    "models/llm/acme/large/model.yaml": MODEL.replace("Tiny", "Large"),
    "models/llm/acme/large/1.0.0.yaml": RELEASE.replace("acme/tiny", "acme/large"),
}


@pytest.fixture
def site(registry: Make, run: Run, tmp_path: Path) -> Path:
    built = run("build", "-r", registry(THERE, name="there"), "-o", tmp_path / "site")
    assert built.exit_code == 0, built.stderr
    return tmp_path / "site"


@pytest.fixture
def there(site: Path) -> Iterator[str]:
    with serving(site) as address:
        yield address


def read(text: str, options: Options | None = None) -> list[Candidate | Rejected]:
    fetcher = Http(allow_private=True)
    reference = importers.reference(text, fetcher)
    importer = importers.claim(reference)
    assert importer.NAME == "gallery"
    return list(importer.read(reference, fetcher, options or Options()))


def ids(found: list[Candidate | Rejected]) -> list[str]:
    assert all(isinstance(each, Candidate) for each in found), found
    return [each.source for each in found]


def test_which_models(there: str) -> None:
    assert ids(read(f"gallery:{there}")) == ["acme/large", "acme/tiny"]
    assert ids(read(f"{there}.well-known/gallery.json")) == ["acme/large", "acme/tiny"]
    assert ids(read(f"gallery:{there}.well-known/gallery.json#*/t*")) == ["acme/tiny"]
    assert ids(read(f"gallery:{there}#acme/hidden, acme/little")) == ["acme/hidden", "acme/tiny"]
    with pytest.raises(UsageError, match="has no model globex"):
        read(f"gallery:{there}#globex/*")


def test_a_definition_carries_over_whole(there: str, run: Run, registry: Make) -> None:
    here = registry({path: None for path in MINIMAL if path.startswith("models/")}, name="here")
    done = run("import", f"gallery:{there}#acme/tiny", "--all", "--allow-private", "-r", here, "--format", "json")
    assert done.exit_code == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["id"], row["status"], row["path"]) == (
        "acme/tiny",
        "imported",
        f"registry/{TINY}",
    )
    assert [problem["code"] for problem in row["problems"] if problem["severity"] == "error"] == ["DOC001"]
    old = json.loads(run("show", "acme/tiny", "-r", here.parents[1] / "there/registry", "--format", "json").stdout)
    new = json.loads(run("show", "acme/tiny", "-r", here, "--format", "json").stdout)
    assert old.pop("maintainers") == ["ada"]
    for each in (old, new):
        each.pop("provenance", None)
        each.pop("cards", None)
        for release in each["releases"].values():
            release.pop("published", None)
    assert new == old
    assert new["releases"]["1.1.0"]["origin"]["ref"] == "run-17"
    assert new["readme"]["source"] == "huggingface:acme/tiny"


def test_owners_of_there_are_nobody_here(there: str) -> None:
    (found,) = read(f"gallery:{there}#acme/tiny", Options(publisher="mirror"))
    assert isinstance(found, Candidate)
    assert found.id == "mirror/tiny"
    assert "maintainers" not in found.model
    assert [remark.code for remark in found.remarks] == ["OWN007"]


def test_changed_and_missing_documents_are_told_and_stop_nothing(site: Path, there: str) -> None:
    document = site / "v1/models/acme/large.json"
    document.write_bytes(document.read_bytes().replace(b"Large", b"Largo"))
    (changed, whole) = read(f"gallery:{there}")
    assert isinstance(changed, Rejected)
    assert [remark.code for remark in changed.remarks] == ["FIL002"]
    assert isinstance(whole, Candidate)
    document.unlink()
    (missing, _) = read(f"gallery:{there}")
    assert isinstance(missing, Rejected)
    assert [remark.code for remark in missing.remarks] == ["SRC003"]


def test_a_head_that_does_not_hold_stops_all(site: Path, there: str) -> None:
    directory = site / "v1/directory.json"
    directory.write_bytes(directory.read_bytes() + b" ")
    with pytest.raises(FetchError, match=r"directory\.json is not what the documents above it name"):
        read(f"gallery:{there}")
    (site / "v1/catalog.json").write_text('{"schema": "2.0"}')
    with pytest.raises(FetchError, match="newer form"):
        read(f"gallery:{there}")
    (site / ".well-known/gallery.json").write_text('{"catalog": "//elsewhere.example/x"}')
    with pytest.raises(FetchError, match="leads out of itself"):
        read(f"gallery:{there}")
    (site / ".well-known/gallery.json").write_text("<html>")
    with pytest.raises(FetchError, match="is no JSON"):
        read(f"gallery:{there}")


def test_no_address_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="names no address"):
        read("gallery:here")
