"""The model that changes are about, on both sides: what each of its changes says of it, and in which file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from galleryctl import layout
from galleryctl.changes.base import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.changes.base import Kind, Pointer, Side
    from galleryctl.gallery import Entry

_WIDTH = ("private", "restricted", "organisation", "public")


@dataclass(frozen=True)
class Subject:
    """A model in base, in the merged tree, or in both: then perhaps under another id or type."""

    base: Side
    merged: Side
    before: Entry | None
    after: Entry | None

    @property
    def entry(self) -> Entry:
        """The model in the merged tree, or in base where it is gone."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - one of them is there
        return found

    def change(
        self,
        kind: Kind,
        *,
        file: str = "model.yaml",
        path: str | None = None,
        pointer: Pointer = (),
        field: str | None = None,
        version: str = "",
        before: Any = None,  # noqa: ANN401 - any JSON value
        after: Any = None,  # noqa: ANN401 - any JSON value
    ) -> Change:
        """A change of this model; `file` lies in its folder, whatever its form, `path` in the registry."""
        sides = [entry.outline for entry in (self.before, self.after) if entry]
        return Change(
            self.entry.id,
            kind,
            version,
            dotted(pointer) if field is None else field,
            before,
            after,
            self._file(file) if path is None else path,
            pointer,
            type=self.entry.outline.type,
            visibility=max((outline.visibility for outline in sides), key=_WIDTH.index),
            edition="enterprise" if any(outline.edition == "enterprise" for outline in sides) else "community",
        )

    def _file(self, name: str) -> str:
        """The file where it lies: in the merged tree, or in base for what is gone."""
        sides = ((self.after, self.merged), (self.before, self.base))
        found = [
            f"{layout.folder(entry.outline.type, entry.id)}/{each}"
            for entry, side in sides
            if entry
            for each in (name, name.removesuffix(".yaml") + ".json")
            if f"{layout.folder(entry.outline.type, entry.id)}/{each}" in side.paths
        ]
        return found[0] if found else f"{layout.folder(self.entry.outline.type, self.entry.id)}/{name}"


def dotted(pointer: Pointer) -> str:
    """`variants.0.license`."""
    return ".".join(map(str, pointer))


def written(paths: Mapping[str, object], path: str) -> str:
    """A file, as YAML or as JSON, as it stands in these paths."""
    other = path.removesuffix(".yaml") + ".json"
    return other if other in paths and path not in paths else path
