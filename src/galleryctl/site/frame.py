"""What every page shares: the view, the look, the language, and what each page's fingerprint is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from galleryctl import canonical, layout, resources
from galleryctl.output import Output
from galleryctl.site import wording
from galleryctl.spec.base import Text, localised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from galleryctl.audience import View
    from galleryctl.gallery import Outline
    from galleryctl.runtimes import Natives
    from galleryctl.site.look import Look

NEW_DAYS = 14
"""How long a model counts as new."""
SOON_DAYS = 60
"""How long before its end a model is said to expire."""


@dataclass(frozen=True)
class Frame:
    """A view in a look."""

    view: View
    look: Look
    natives: Natives | None = None
    """The native exports of the gallery."""
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the last commit of a model changed, in words, by id; of those that changed last."""

    @cached_property
    def language(self) -> str:
        """The language of the pages: their own words are English, so English where the gallery has it."""
        languages = self.view.settings.languages
        return "en" if "en" in languages else self.view.settings.default_language

    def text(self, text: Text | None) -> str:
        return localised(text, self.language, self.view.settings.default_language)

    @cached_property
    def gallery(self) -> str:
        """The name of the gallery."""
        return self.text(self.view.settings.title)

    @cached_property
    def base(self) -> str:
        """The address of the site, with a slash at its end."""
        return self.view.settings.url.rstrip("/") + "/"

    @cached_property
    def absolute(self) -> str:
        """The root for links from a page that is shown at any address."""
        return "/" if self.look.live else urlsplit(self.base).path

    @cached_property
    def types(self) -> Mapping[str, str]:
        """Titles of the model types."""
        return {name: self.text(schema.title) for name, schema in self.view.types.items()}

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Place of each type in the order of the site."""
        return {name: index for index, name in enumerate(self.view.types)}

    def publisher(self, name: str) -> str:
        profile = self.view.publishers.get(name)
        return self.text(profile.title) if profile else name

    def new(self, outline: Outline) -> bool:
        return outline.added is not None and (self.view.now - outline.added).days < NEW_DAYS

    def expiring(self, outline: Outline) -> bool:
        """Whether it will expire soon; what has expired is discontinued."""
        today = self.view.now.date()
        return outline.expires is not None and 0 < (outline.expires - today).days <= SOON_DAYS

    @cached_property
    def words(self) -> str:
        """Digest of what every page is written with. Publishers are not in it: each page names those it shows."""
        kept = sorted(self.view.include)
        return canonical.digest(f"{self.view.words}{self.look.digest}{resources.program()}{kept}".encode())

    @cached_property
    def profiles(self) -> Mapping[str, str]:
        """Digests of the publishers' profiles."""
        return {
            name: canonical.digest(profile.model_dump_json().encode()) for name, profile in self.view.publishers.items()
        }

    @cached_property
    def row_keys(self) -> Mapping[str, str]:
        """By id, all that a row, or a mention, of a model depends on."""
        return {entry.id: self._row_key(entry.outline) for entry in self.view.gallery}

    def _row_key(self, outline: Outline) -> str:
        state = f"{outline.status}{outline.latest}{self.new(outline):d}{self.expiring(outline):d}"
        return f"{outline.id}{outline.sha256}{state}{self.profiles.get(outline.publisher, '')}"

    def fingerprint(self, *parts: str) -> str:
        return canonical.digest("\0".join([self.words, *parts]).encode())

    @cached_property
    def shared(self) -> Mapping[str, Any]:
        """What the base template needs, the same for every page."""
        settings, look = self.view.settings, self.look
        return {
            "gallery": self.gallery,
            "about": self.text(settings.description),
            "repository": wording.safe(settings.repository or ""),
            "contact": settings.contact or "",
            "style": look.address("style.css"),
            "starts": [look.address(name) for name in ("start.js",) if name in look.assets],
            "modules": [look.address(name) for name in ("app.js", "live.js") if name in look.assets],
            "language": self.language,
            "base": self.base,
            "kept": sorted(self.view.include),
        }

    def page(self, template: str, path: str, values: Mapping[str, Any], *, root: str | None = None) -> bytes:
        """One page: `path` tells how far the root is, unless it is given."""
        up = "../" * path.count("/") if root is None else root
        shared = {**self.shared, "root": up or "./", "address": layout.address(path)}
        return self.look.templates[template].render(shared, **values).encode()

    def output(self, path: str, template: str, depends_on: str, values: Callable[[], Mapping[str, Any]]) -> Output:
        """A page whose values are made when it is rendered."""
        return Output(path, depends_on, partial(self._render, template, path, values))

    def _render(self, template: str, path: str, values: Callable[[], Mapping[str, Any]]) -> bytes:
        return self.page(template, path, values())
