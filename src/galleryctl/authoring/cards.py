"""`readme`: the card of a model's source, or a scaffold where there is none. A person's card is never written over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl import document
from galleryctl.authoring.files import Files
from galleryctl.authoring.scaffold import card
from galleryctl.checks.observed import ASKED, origin
from galleryctl.errors import GalleryError, UsageError
from galleryctl.fetch import DeniedError, FetchError, MissingError
from galleryctl.hubs import cards
from galleryctl.spec import Limits, Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from galleryctl.document import Document
    from galleryctl.hubs import Hub, Snapshot
    from galleryctl.layout import Place

_NAMES = ("README.md", "readme.md", "Readme.md")
_ORDER = tuple(Model.model_fields)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Carded(NamedTuple):
    """Where a card was written, and where it came from; `source` is empty for a scaffold."""

    path: str
    source: str = ""
    revision: str | None = None
    why: str = ""
    """Why it is a scaffold."""
    changed: bool = True


def readme(
    registry: Path, identifier: str, hub: Callable[[str], Hub], *, language: str | None = None, replace: bool = False
) -> Carded:
    """Write `README.md`, or `README.<language>.md`, from the model's source, and `readme:` into its definition.

    `UsageError` where a person wrote the card, unless `replace`; `FetchError` where a source gives no answer.
    """
    files = Files(registry.resolve())
    place = files.find(identifier)
    path = files.model_file(place)
    model = files.document(path)
    folder = path.rpartition("/")[0]
    target = f"{folder}/README.{language}.md" if language else f"{folder}/README.md"
    present = files.tree.read(f"{files.name}/{target}") if target in files.entries else None
    asked = list(dict.fromkeys(_sources(files, place, model)))
    title = _title(model, identifier)
    if present is not None and not replace and not _ours(present, model, hub, title):
        raise UsageError(f"{files.name}/{target} was written by a person; to write over it, add --replace")
    found = next((each for kind, repo in asked if (each := _fetched(kind, repo, hub, language))), None)
    if found is None:
        if present is not None:
            raise GalleryError(f"no source of {identifier} has a card; {files.name}/{target} stays as it is")
        files.write({target: card(title)})
        why = f"{', '.join(repo for _, repo in asked)} has no card" if asked else "no source of it is known"
        return Carded(f"{files.name}/{target}", why=why)
    snapshot, body = found
    text = _attributed(body, snapshot)
    source = {"source": cards.page(snapshot), "revision": snapshot.revision}
    texts = {target: text}
    if not language:
        value = {name: each for name, each in source.items() if each}
        texts[path] = document.splice(model, document.assign(model, ("readme",), value, order=_ORDER))
    changed = present is None or present.decode("utf-8", "replace") != text
    files.write(texts)
    return Carded(f"{files.name}/{target}", str(source["source"]), snapshot.revision, changed=changed)


def _sources(files: Files, place: Place, model: Document) -> Iterator[tuple[str, str]]:
    """Where the card came from before, else the repositories of the newest release."""
    stated = model.data.get("readme")
    if isinstance(stated, dict) and isinstance(text := stated.get("source"), str) and (known := origin(text)):
        yield known
        return
    for path in list(files.releases(place).values())[:1]:
        variants = files.document(path).data.get("variants")
        for variant in variants if isinstance(variants, list) else ():
            sources = variant.get("sources") if isinstance(variant, dict) else None
            for kind in ASKED:
                block: Any = sources.get(kind) if isinstance(sources, dict) else None
                repo = block.get("repo") if isinstance(block, dict) else None
                if isinstance(repo, str) and "{" not in repo:
                    yield kind, repo


def _title(model: Document, identifier: str) -> str:
    stated = model.data.get("title")
    titles = list(stated.values()) if isinstance(stated, dict) else [stated]
    return next((title for title in titles if isinstance(title, str)), identifier)


def _ours(present: bytes, model: Document, hub: Callable[[str], Hub], title: str) -> bool:
    """Whether a card is a scaffold, or what was fetched the last time, as nobody has touched it since."""
    text = present.decode("utf-8", "replace")
    if text.strip() in {"", card(title).strip()}:
        return True
    stated = model.data.get("readme")
    known = origin(str(stated.get("source"))) if isinstance(stated, dict) else None
    if known is None or not isinstance(stated, dict) or not isinstance(revision := stated.get("revision"), str):
        return False
    again = _fetched(*known, hub, None, revision)
    return again is not None and text.strip() in {again[1], _attributed(again[1], again[0]).strip()}


def _fetched(
    kind: str, repo: str, hub: Callable[[str], Hub], language: str | None, revision: str | None = None
) -> tuple[Snapshot, str] | None:
    """The card of a repository as it is now; none where it has none."""
    names = [f"README_{language}.md", f"README.{language}.md", f"README-{language}.md"] if language else _NAMES
    try:
        found = hub(kind).snapshot(repo, revision)
    except (MissingError, DeniedError):
        return None
    for name in names:
        known = found.file(name)
        if found.files and known is None:
            continue
        most = Limits().card
        if known and known.size and known.size > most:
            raise GalleryError(f"the card of {repo} has {known.size:,} bytes, more than the {most:,} that one may have")
        try:
            data = hub(kind).read(found, name, limit=most)
        except MissingError:
            continue
        except DeniedError as error:
            raise FetchError(f"{error}; the card of {repo} is only for those who agreed to its terms") from error
        return found, _text(data, found, hub(kind))
    return None


def _text(data: bytes, found: Snapshot, hub: Hub) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise GalleryError(f"the card of {found.repo} is not UTF-8 text; nothing was written") from None
    if _CONTROL.search(text):
        raise GalleryError(f"the card of {found.repo} has control characters; nothing was written")
    body = cards.taken(hub, found, text).strip()
    if not body:
        raise GalleryError(f"the card of {found.repo} is empty but for its front matter; write one by hand")
    return body


def _attributed(body: str, found: Snapshot) -> str:
    """The card, and below it a line that says whose it is."""
    at = f" at commit `{found.revision}`" if found.revision else ""
    under = f", published under {found.license}" if found.license else ""
    return f"{body}\n\n---\n\nThis card is that of [{found.repo}]({cards.page(found)}){at}{under}.\n"
