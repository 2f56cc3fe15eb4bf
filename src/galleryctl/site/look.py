"""Templates and assets: those of the package and over them, file by file, those of the registry's repository."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from jinja2 import DictLoader, Environment, StrictUndefined, TemplateError

from galleryctl import canonical, resources
from galleryctl.errors import GalleryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jinja2 import Template

FOLDER = "site_templates"
_TEMPLATES = "templates/"
_SCRIPTS = "js/"
_ICONS = frozenset({"llm", "embedding", "rerank", "image", "audio", "video", "vision"})
"""Model types that have an icon of their own."""
_LANGUAGES = {
    "en": "English",
    "zh": "中文",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "ja": "日本語",
    "ko": "한국어",
}
_FOLD = 12
"""Rows of the table of files before the rest is folded away."""
_VENDOR = ("minisearch.js", "minisearch.LICENSE.txt")


class Tree(Protocol):
    """What is needed of a tree of files: a working folder, or a git revision."""

    def entries(self, under: str) -> Mapping[str, object]: ...

    def read(self, path: str) -> bytes: ...


@dataclass(frozen=True)
class Look:
    """How pages look. Compiled when it is made, so that processes forked later share it."""

    templates: Mapping[str, Template]
    """By name: `model.html`."""
    assets: Mapping[str, bytes]
    """What lies under `/assets/`, by path below it."""
    live: bool
    """Whether pages reload themselves."""
    digest: str

    @classmethod
    def of(cls, tree: Tree, *, live: bool = False) -> Look:
        """The look of a registry in a tree; `GalleryError` where a template of it is broken."""
        files = dict(_packaged()) | dict(_own(tree))
        texts = {
            name.removeprefix(_TEMPLATES): data.decode() for name, data in files.items() if name.startswith(_TEMPLATES)
        }
        assets = {_asset(name): data for name, data in files.items() if not name.startswith(_TEMPLATES)}
        assets |= {f"vendor/{name}": (resources.root("vendor") / name).read_bytes() for name in _VENDOR}
        if not live:
            assets.pop("live.js", None)
        environment = Environment(
            loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        environment.globals.update(known_types=_ICONS, language_names=_LANGUAGES, fold=_FOLD)
        try:
            templates = {name: environment.get_template(name) for name in texts}
        except TemplateError as error:
            raise GalleryError(f"{FOLDER}/{_TEMPLATES}{getattr(error, 'name', '')}: {error}") from error
        parts = [f"{name} {canonical.digest(data)}" for name, data in sorted(files.items())]
        parts += [f"{name} {canonical.digest(assets[f'vendor/{name}'])}" for name in _VENDOR]
        return cls(
            templates, dict(sorted(assets.items())), live, canonical.digest("\n".join([*parts, str(live)]).encode())
        )

    def address(self, asset: str) -> str:
        """An asset relative to the root of the site, with its version, so that caches notice a new one."""
        return f"assets/{asset}?v={canonical.digest(self.assets[asset])[:8]}"


def _packaged() -> Iterator[tuple[str, bytes]]:
    folder = resources.root(FOLDER)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _own(tree: Tree) -> Iterator[tuple[str, bytes]]:
    for path in tree.entries(FOLDER):
        yield path.removeprefix(f"{FOLDER}/"), tree.read(path)


def _asset(name: str) -> str:
    return name.removeprefix(_SCRIPTS)
