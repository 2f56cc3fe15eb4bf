"""Changes of public models, as pull requests to the repositories that `upstream` names: one for each repository.

What goes there is the export for the runtime, put into the file that is there: the entry of the model is replaced, or
added at the end, and nothing else of the file is touched.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl import exports, layout
from galleryctl.errors import GalleryError
from galleryctl.gallery import Gallery
from galleryctl.reviewing import markdown
from galleryctl.reviewing.proposing import Proposed, propose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from galleryctl.audience import View
    from galleryctl.forge import Forge
    from galleryctl.spec.model import Upstream

BRANCH = "gallery/models"
_ADDRESS = re.compile(r"([a-z]+)://([^\s/\"'@?#]+)(?:/([^\s/\"'@?#]*))?")
_NAMES = ("model_name", "name", "id")
"""Fields by which runtimes tell entries of a list apart."""


class Left(NamedTuple):
    """A model that was not proposed, and why."""

    id: str
    reason: str


class Pushed(NamedTuple):
    """What became of one repository."""

    repository: str
    proposed: Proposed
    models: tuple[str, ...]
    left: tuple[Left, ...]


def push(view: View, forge_of: Callable[[str], Forge], *, title: str, about: str) -> tuple[Pushed, ...]:
    """Bring the pull request in each upstream repository up to date. `view` is what the public sees.

    `forge_of` opens a repository by `owner/name`. What fails for one repository is raised after the others were done.
    """
    wanted: dict[str, list[tuple[str, Upstream]]] = defaultdict(list)
    for entry in view.shown:
        for each in entry.document().upstream:
            wanted[each.repo].append((entry.id, each))
    done, failed = [], []
    for repository, targets in sorted(wanted.items()):
        try:
            done.append(_push(view, forge_of(repository), repository, targets, title, about))
        except GalleryError as error:
            failed.append(f"{repository}: {error}")
    if failed:
        raise GalleryError("; ".join(failed))
    return tuple(done)


def _push(
    view: View, forge: Forge, repository: str, targets: list[tuple[str, Upstream]], title: str, about: str
) -> Pushed:
    base = forge.settings().default_branch
    files: dict[str, bytes] = {}
    original: dict[str, bytes | None] = {}
    models, left = [], []
    for identifier, target in targets:
        made = exported(view, identifier, target.runtime)
        if target.path not in original:
            original[target.path] = forge.read(target.path, base)
        present = files.get(target.path, original[target.path])
        try:
            files[target.path] = merged(present, target.path, made, identifier)
        except ValueError as error:
            left.append(Left(identifier, str(error)))
            continue
        if files[target.path] != present:
            models.append(identifier)
    changed = {path: data for path, data in files.items() if data != original[path]}
    body = "\n".join(_body(models, about))
    return Pushed(
        repository,
        propose(forge, changed, branch=BRANCH, base=base, title=title, body=body),
        tuple(models),
        tuple(left),
    )


def exported(view: View, identifier: str, runtime: str) -> Mapping[str, bytes]:
    """What one model gives to a runtime, by path relative to the runtime's folder."""
    alone = replace(view, gallery=Gallery.of([view.gallery.by_id[identifier]]))
    with exports.prepared(alone, (runtime,)) as made:
        return {layout.inside(each.path): each.render() for each in made.outputs()}


def merged(present: bytes | None, path: str, made: Mapping[str, bytes], identifier: str) -> bytes:
    """The upstream file with the entry of a model in it. Raises `ValueError` where nobody knows how.

    A list of entries (JSON, or YAML as LocalAI writes it) gets the entry by its name. A file of the model alone, which
    is a new one or is named after the model, is replaced whole.
    """
    if any(part in {"", ".."} or part.startswith(".") for part in path.split("/")):
        raise ValueError(f"{path} is no place for a definition: workflows and settings lie there")
    name, own = path.rpartition("/")[2], identifier.partition("/")[2]
    if present is not None and path.endswith(".json") and (entries := _lists(made)):
        text = present.decode()
        for entry in entries:
            text = _json(text, entry)
        return text.encode()
    if present is not None and path.endswith((".yaml", ".yml")) and "index.yaml" in made:
        return _yaml(present.decode(), made["index.yaml"].decode()).encode()
    same = [data for file, data in made.items() if file.rpartition(".")[2] == name.rpartition(".")[2] and "/" in file]
    if len(same) == 1 and (present is None or own in {name, name.rpartition(".")[0]}):
        return same[0]
    what = "is no list, and is not named after the model" if same else "is of a form that the export does not have"
    raise ValueError(f"{path} {what}: the export has {', '.join(sorted(made)[:5]) or 'nothing'}")


def _lists(made: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Entries of the lists of an export: those of models that share a file."""
    found: list[dict[str, Any]] = []
    for file, data in made.items():
        if file.endswith(".json") and "/" not in file and data.lstrip()[:1] == b"[":
            found += [entry for entry in json.loads(data) if isinstance(entry, dict)]
    return found


def _json(text: str, entry: Mapping[str, Any]) -> str:
    """A JSON list with one entry replaced or added; all else stays as it was written."""
    if not isinstance(json.loads(text), list):
        raise ValueError("the upstream file is no JSON list")  # noqa: TRY004 - of the file, not of an argument
    key = next((name for name in _NAMES if name in entry), "")
    indent = match[1] if (match := re.search(r"\[\s*?\n([ \t]+)", text)) else "  "
    inner = match[1] if (match := re.search(r"\{\s*?\n([ \t]+)", text)) else indent * 2
    step = inner[len(indent) :] or "  "
    written = json.dumps(entry, ensure_ascii=False, indent=step).replace("\n", f"\n{indent}")
    spans = list(_spans(text))
    for start, stop, value in spans:
        if isinstance(value, dict) and value.get(key) == entry[key]:
            _judge_owner(str(entry[key]), text[start:stop], written)
            return text if value == entry else text[:start] + written + text[stop:]
    if not spans:
        return f"[\n{indent}{written}\n]\n"
    last = spans[-1][1]
    return f"{text[:last]},\n{indent}{written}{text[last:]}"


def _spans(text: str) -> Iterator[tuple[int, int, Any]]:
    """Begin, end and value of each item of a JSON list."""
    decoder, place = json.JSONDecoder(), text.index("[") + 1
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        if place >= len(text) or text[place] == "]":
            return
        value, stop = decoder.raw_decode(text, place)
        yield place, stop, value
        place = stop


def _yaml(text: str, ours: str) -> str:
    """A list of entries in YAML, each beginning with `- ` in the first column, with ours replaced or added by name."""
    known = _items(text)
    for name, item in _items(ours).items():
        if name not in known:
            text = text.rstrip("\n") + "\n" + item.rstrip("\n") + "\n"
        elif known[name].rstrip("\n") != item.rstrip("\n"):
            _judge_owner(name, known[name], item)
            text = text.replace(known[name], item.rstrip("\n") + "\n", 1)
    return text


def _judge_owner(name: str, there: str, ours: str) -> None:
    """An entry whose files come from somebody else only happens to have the same name."""
    old, new = (set(map(_whose, _ADDRESS.findall(each))) for each in (there, ours))
    if old and new and old.isdisjoint(new):
        raise ValueError(f"the upstream file has a {name} of somebody else: {', '.join(sorted(old)[:3])}")


def _whose(address: tuple[str, str, str]) -> str:
    scheme, host, owner = address
    return f"{host}/{owner}" if scheme in {"http", "https"} else f"{scheme}.co/{host}"


def _items(text: str) -> dict[str, str]:
    found = {}
    for item in re.split(r"^(?=- )", text, flags=re.MULTILINE):
        name = re.search(r"""^(?:- |  )name:[ \t]*["']?([^"'\n#]+?)["']?[ \t]*$""", item, re.MULTILINE)
        if item.startswith("- ") and name:
            found[name[1]] = item
    return found


def _body(models: list[str], about: str) -> Iterator[str]:
    yield f"Brings these models up to date with {about}:"
    yield ""
    yield from (f"- {markdown.code(model)}" for model in models)
    yield ""
    yield "Made from reviewed definitions; updated in place when they change again."
