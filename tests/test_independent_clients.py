"""Other people's TUF clients read what is published, as it is published, and refuse what ours refuse."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import readers
import vectors
from galleryctl import layout
from galleryctl.client import ClientError, ExpiredError, Gallery, RollbackError, SchemaError, VerificationError
from publishing import publish, rotate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from publishing import Published

    Client = Callable[..., readers.Outcome]

CASES: list[dict[str, Any]] = json.loads((vectors.FOLDER / "cases.json").read_bytes())["cases"]
MODEL = "models/llm/acme/tiny/model.yaml"
ERRORS: dict[str, type[ClientError]] = {
    "rollback": RollbackError,
    "lower-serial": RollbackError,
    "expired-timestamp": ExpiredError,
    "later-major": SchemaError,
    "later-reader": SchemaError,
}
every = pytest.mark.parametrize("client", readers.OTHERS)


@pytest.fixture
def published(tmp_path: Path, registry: Callable[..., Path]) -> Published:
    """A gallery, published now: these clients know no other time."""
    return publish(registry(), tmp_path / "site", tmp_path / "keys")


def change(site: Path, path: str, old: bytes, new: bytes) -> None:
    """The same length, another content; a file of its own, for it may be a link."""
    file = site / path
    data = file.read_bytes()
    assert old in data
    assert len(old) == len(new)
    file.unlink()
    file.write_bytes(data.replace(old, new, 1))


def catalog(site: Path) -> str:
    return layout.addressed(layout.CATALOG, readers.head(site))


def role(site: Path) -> str:
    """The newest metadata of the role that signs the catalog."""
    return max(
        (path.name for path in (site / layout.METADATA).glob("*.catalog.json")),
        key=lambda name: int(name.split(".")[0]),
    )


def again(published: Published, title: str) -> None:
    """Publish a second time, with another title of the model."""
    model = published.site.parent / "repository/registry" / MODEL
    model.write_text(model.read_text().replace("title: Tiny", f"title: {title}"))
    publish(model.parents[4], published.site, published.keys)


@every
def test_what_is_published_verifies_and_so_do_the_next_publication_and_new_keys(
    published: Published, client: Client, tmp_path: Path
) -> None:
    with readers.address(published.site) as url:
        for step in ("first", "second", "rotated", "rotated again"):
            if step == "second":
                again(published, "Tinier")
            if step.startswith("rotated"):
                rotate(published.keys)
                published.sign()
            for state in (tmp_path / "kept", tmp_path / step):  # who was here before, and who comes for the first time
                done = client(url, published.root, state)
                assert done == (0, f"{readers.head(published.site)}\n", ""), step


@every
@pytest.mark.parametrize("attack", ["catalog", "role", "timestamp"])
def test_what_was_changed_is_refused(published: Published, client: Client, tmp_path: Path, attack: str) -> None:
    site = published.site
    if attack == "catalog":
        change(site, catalog(site), b'"serial":1', b'"serial":7')
    elif attack == "role":
        change(site, f"metadata/{role(site)}", b'"version":1', b'"version":7')
    else:
        change(site, layout.TIMESTAMP, b'"version":1', b'"version":7')
    with readers.address(site) as url:
        done = client(url, published.root, tmp_path / "state")
    assert (done.code, done.shown) == (3, "")


@every
def test_a_gallery_that_goes_back_is_refused(published: Published, client: Client, tmp_path: Path) -> None:
    site = published.site
    shutil.copytree(site, tmp_path / "before")
    again(published, "Tinier")
    with readers.address(site) as url:
        assert client(url, published.root, tmp_path / "state").code == 0
        shutil.rmtree(site)
        shutil.copytree(tmp_path / "before", site)
        done = client(url, published.root, tmp_path / "state")
        assert done.code == 3
        assert "ersion" in done.said
        assert client(url, published.root, tmp_path / "new").code == 0  # who never saw the newer one cannot know


@every
def test_a_timestamp_that_expired_is_refused(registry: Callable[..., Path], client: Client, tmp_path: Path) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=8)
    published = publish(registry(), tmp_path / "site", tmp_path / "keys", now=past)
    with readers.address(published.site) as url:
        done = client(url, published.root, tmp_path / "state")
        assert done.code == 3
        assert "xpired" in done.said
        published.sign()
        assert client(url, published.root, tmp_path / "state").code == 0


@every
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_recorded_trees_are_judged_alike(case: Mapping[str, Any], client: Client, tmp_path: Path) -> None:
    """What the steps after TUF decide (serial, schema, audience, documents) is not theirs to judge: `tuf` says so."""
    site = tmp_path / "site"
    site.mkdir()
    with readers.address(site) as url:
        for step in case["steps"]:
            vectors.lay(site, step["trees"])
            done = client(url, vectors.FOLDER / case["root"], tmp_path / "state")
            refused = "refused" in step and step["tuf"] == "refused"
            assert (done.code == 3) is refused, (step, done)
            if "serial" in step:
                document = json.loads((site / layout.addressed(layout.CATALOG, done.shown.strip())).read_bytes())
                assert document["serial"] == step["serial"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_our_client_judges_them_as_they_say(case: Mapping[str, Any], tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    now = dt.datetime.fromisoformat(vectors.NOW)
    with readers.address(site) as url:
        gallery = Gallery(url, root=vectors.FOLDER / case["root"], cache=tmp_path / "cache", now=lambda: now)
        serial = None
        for step in case["steps"]:
            vectors.lay(site, step["trees"])
            if "refused" in step:
                with pytest.raises(ERRORS.get(case["name"], VerificationError)):
                    gallery.sync()
                if serial is not None:
                    assert gallery.state().serial == serial
            else:
                synced = gallery.sync()
                serial = step["serial"]
                assert (synced.serial, synced.stale, len(list(gallery.models()))) == (serial, "", step["models"])
