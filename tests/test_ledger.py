"""What was published so far, read from published trees: folders and sites, and whatever is wrong with them."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from conftest import MINIMAL
from galleryctl import canonical, index, layout, schemas
from galleryctl.checks.rule import Ledger
from galleryctl.cli import options
from galleryctl.errors import GalleryError
from galleryctl.fetch import Fetcher, FetchError, Http
from galleryctl.loading.ledger import LedgerError, read
from galleryctl.output import write as written
from galleryctl.spec import Roles, Settings, Tombstone
from made import RELEASE, NoFiles, entry, view
from servers import Answer, files, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROLES = Roles(groups={"partners": ("chen", "dora"), "staff": ("ada", "bob")})


def nobody() -> Fetcher:
    raise AssertionError("a folder is read without asking anybody")


def asking() -> Fetcher:
    return Http(allow_private=True)


def published(out: Path, audience: str = "public") -> Path:
    """A published tree with every kind of id."""
    settings = Settings(title="Test", organisation="staff")
    stone = Tombstone(type="llm", reason="rights", since=dt.date(2026, 1, 1), releases=("0.9.0",))
    part = Tombstone(type="llm", reason="mistake", since=dt.date(2026, 1, 1), releases=("1.1.0",), whole=False)
    shown = view(
        entry("acme/tiny", aliases=["acme/mini"], releases={"1.0.0": RELEASE, "2.0.0": RELEASE}),
        entry("acme/inner", visibility="organisation"),
        entry("acme/shared", visibility="restricted", allowed=["partners"]),
        entry("acme/own", visibility="private", maintainers=["partners"]),
        audience=audience,
        settings=settings,
        roles=ROLES,
        tombstones={"acme/old": stone, "acme/tiny": part},
    )
    written(out, index.outputs(shown, schemas=schemas.public(NoFiles())))
    return out


def test_a_public_tree_tells_versions_and_who_saw_them(tmp_path: Path) -> None:
    assert read([str(published(tmp_path / "site"))], nobody) == Ledger(
        {"acme/tiny": frozenset({"1.0.0", "1.1.0", "2.0.0"}), "acme/old": frozenset({"0.9.0"})},
        {name: frozenset({"public"}) for name in ("acme/tiny", "acme/mini", "acme/old")},
    )


def test_several_trees_are_one_ledger(tmp_path: Path) -> None:
    places = [str(published(tmp_path / name, name)) for name in ("public", "staff", "partners")]
    found = read(places, nobody)
    assert found.audiences["acme/tiny"] == {"public", "staff", "partners"}
    assert found.audiences["acme/inner"] == {"staff"}
    assert found.audiences["acme/shared"] == {"partners"}


def test_what_is_private_was_never_published_but_its_versions_are_known(tmp_path: Path) -> None:
    found = read([str(published(tmp_path / "site", "partners"))], nobody)
    assert "acme/own" not in found.audiences
    assert found.releases["acme/own"] == {"1.0.0"}


def test_none_is_a_gallery_that_was_never_published(tmp_path: Path) -> None:
    assert read(["none"], nobody) == Ledger()
    site = str(published(tmp_path / "site"))
    assert read([site, "none"], nobody) == read([site], nobody)


def test_an_older_tree_without_versions_still_tells_its_ids(tmp_path: Path) -> None:
    site = published(tmp_path / "site")
    directory = json.loads((site / layout.DIRECTORY).read_bytes())
    for row in (*directory["models"].values(), *directory["removed"].values()):
        del row["releases"]
    _replace(site, canonical.dumps(directory))
    found = read([str(site)], nobody)
    assert found.releases == {"acme/tiny": frozenset(), "acme/old": frozenset()}
    assert found.audiences["acme/old"] == {"public"}


def _replace(site: Path, directory: bytes) -> None:
    """Put another directory under the head."""
    catalog = json.loads((site / layout.CATALOG).read_bytes())
    catalog["directory"] |= {"sha256": canonical.digest(directory), "length": len(directory)}
    (site / layout.CATALOG).write_bytes(canonical.dumps(catalog))
    path = site / layout.addressed(layout.DIRECTORY, canonical.digest(directory))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(directory)


def contents(site: Path) -> dict[str, bytes]:
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()}


@pytest.mark.parametrize("end", ["", "/", "/.well-known/gallery.json"])
def test_a_site_is_read_like_a_folder(tmp_path: Path, end: str) -> None:
    site = published(tmp_path / "site")
    with serving(files(contents(site))) as there:
        assert read([f"{there.url.rstrip('/')}{end}"], asking) == read([str(site)], nobody)


def test_site_stands_for_the_address_of_the_settings(tmp_path: Path) -> None:
    site = published(tmp_path / "site")
    with serving(files(contents(site))) as there:
        assert read(["site"], asking, site=there.url) == read([str(site)], nobody)


def test_a_site_that_has_nothing_is_no_empty_ledger(tmp_path: Path) -> None:
    with serving(files({})) as there, pytest.raises(LedgerError, match=r"has no \.well-known/gallery\.json.*none"):
        read([there.url], asking)
    with pytest.raises(LedgerError, match="--ledger none"):
        read([str(tmp_path)], nobody)
    with pytest.raises(LedgerError, match="--ledger none"):
        read([str(tmp_path / "nowhere")], nobody)


def test_a_file_is_no_site(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("x")
    with pytest.raises(LedgerError, match="cannot be read: Not a directory"):
        read([str(tmp_path / "site")], nobody)


def test_a_site_that_is_away_is_no_empty_ledger() -> None:
    with serving(lambda _: Answer(403)) as there, pytest.raises(FetchError):
        read([there.url], asking)


def _spoil(path: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def spoil(site: Path) -> None:
        found = json.loads((site / path).read_bytes())
        (site / path).write_bytes(canonical.dumps(change(found)))

    return spoil


def _other_directory(site: Path) -> None:
    catalog = json.loads((site / layout.CATALOG).read_bytes())
    path = site / layout.addressed(layout.DIRECTORY, catalog["directory"]["sha256"])
    path.write_bytes(b'{"models":{},"schema":"1.0"}')


def _huge(site: Path) -> None:
    (site / layout.CATALOG).write_bytes(b" " * (2**20 + 1))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_other_directory, "is not what the head of the index names"),
        (_huge, "has more than 1048576 bytes"),
        (_spoil(layout.CATALOG, lambda old: old | {"audience": "staff"}), "is for public, and its head for staff"),
        (_spoil(layout.CATALOG, lambda old: old | {"schema": "2.0"}), "of a newer form"),
        (_spoil(layout.DISCOVERY, lambda old: old | {"gallery": 2}), "of a newer form"),
        (_spoil(layout.CATALOG, lambda _: []), "v1/catalog.json is no document of a gallery"),
        (lambda site: (site / layout.CATALOG).unlink(), "its publication is not whole"),
        (lambda site: _replace(site, b'{"models":{"acme/x":{}},"schema":"1.0"}'), "no document of a gallery"),
        (lambda site: _replace(site, b'{"models":{},"schema":"2.0"}'), "of a newer form"),
    ],
)
def test_a_tree_that_is_not_whole_stops(tmp_path: Path, spoil: Callable[[Path], None], message: str) -> None:
    site = published(tmp_path / "site")
    spoil(site)
    with pytest.raises(LedgerError, match=message):
        read([str(site)], nobody)
    with serving(files(contents(site))) as there, pytest.raises(GalleryError):
        read([there.url], asking)


def test_the_option_reads_what_base_calls_its_site(
    registry: Callable[..., Path], commit: Callable[..., str], tmp_path: Path
) -> None:
    root = registry()
    assert options.published((), root, "HEAD") is None
    assert options.published(("none",), root, "HEAD") == Ledger()
    out = published(tmp_path / "site")
    expected = read([str(out)], nobody)
    assert options.published((str(out),), root, "HEAD") == expected
    with serving(files(contents(out))) as there, serving(files({})) as elsewhere:
        for site in (elsewhere, there):
            settings = (MINIMAL["gallery.yaml"] or "").replace("https://gallery.example", site.url.rstrip("/"))
            commit(root, {"gallery.yaml": settings})
        assert options.published(("site",), root, "HEAD") == expected
        with pytest.raises(LedgerError):
            options.published(("site",), root, "HEAD~1")
