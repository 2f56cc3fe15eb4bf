"""python-tuf's own client: what a runtime that knows nothing of this program would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuf.ngclient import Updater

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path


class Yesterday:
    """A client with a state of its own, which it goes on from."""

    def __init__(self, folder: Path, url: str, root: bytes) -> None:
        self.folder, self.url, self.root = folder, url.rstrip("/"), root
        for name in ("metadata", "targets"):
            (folder / name).mkdir(parents=True)

    def head(self, now: dt.datetime | None = None) -> bytes:
        """The head of the index, verified at a time, the present one unless given; raises what the library raises."""
        updater = Updater(
            str(self.folder / "metadata"),
            f"{self.url}/metadata/",
            target_dir=str(self.folder / "targets"),
            target_base_url=f"{self.url}/",
            bootstrap=self.root,
        )
        if now is not None:
            updater._trusted_set.reference_time = now  # noqa: SLF001 - it has no other clock
        updater.refresh()
        found = updater.get_targetinfo("v1/catalog.json")
        assert found is not None
        path = updater.download_target(found)
        with open(path, "rb") as file:  # noqa: PTH123 - a path as the library gives it
            return file.read()
