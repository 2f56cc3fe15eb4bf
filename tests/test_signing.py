"""Signing a built gallery: what is due, what is refused, and what clients make of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tuf.ngclient import Updater

from publishing import publish, serve

if TYPE_CHECKING:
    from collections.abc import Callable


def updated(url: str, root: Path, folder: Path) -> bytes:
    """What a TUF client that knows nothing of galleries fetches."""
    (folder / "targets").mkdir(parents=True, exist_ok=True)
    client = Updater(str(folder), f"{url}/metadata/", str(folder / "targets"), f"{url}/", bootstrap=root.read_bytes())
    client.refresh()
    target = client.get_targetinfo("v1/catalog.json")
    assert target is not None
    return Path(client.download_target(target)).read_bytes()


def test_a_tuf_client_fetches_the_head(registry: Callable[..., Path], tmp_path: Path) -> None:
    published = publish(registry(), tmp_path / "site", tmp_path / "keys")
    with serve(published.site) as host:
        found = updated(host.url, published.root, tmp_path / "client")
    assert found == (published.site / "v1/catalog.json").read_bytes()
