"""PTH: what may lie where, and what it may be, read from the tree alone.

A registry is read by people on every system and by programs that trust its layout, so nothing else lies in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

from galleryctl import layout
from galleryctl.checks import life, near
from galleryctl.checks.rule import Finding, Rule, rule
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.checks.rule import Context
    from galleryctl.git import TreeEntry
    from galleryctl.layout import Kind
    from galleryctl.spec import Policy

LONGEST = 200
_FOLDER_PARTS = 5  # models, type, publisher, name, file
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_UNSAFE = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
_GIT = {".gitattributes", ".gitmodules", ".gitignore", ".gitconfig", ".lfsconfig", ".mailmap"}
_MODES = {
    "120000": (
        "a symbolic link: it may point anywhere, or nowhere",
        "commit the file itself; another name goes to `aliases`",
    ),
    "160000": (
        "a repository inside the repository: its files are not part of the registry",
        "commit the files themselves",
    ),
    "100755": ("an executable file: definitions are data", "take the executable bit away: git update-index --chmod=-x"),
}
_MODEL_NAMES = ("model.yaml", "model.json", "README.md", "cover.webp")
_TOP_NAMES = ("gallery.yaml", "roles.yaml", "policy.yaml", "taxonomy.yaml")
_TOP_FOLDERS = ("models", "publishers", "consumers", "removed")
_FILE = "100644"
_ANY = (2**63, "")
_LIMITED: tuple[Kind, ...] = ("model", "release", "publisher", "consumer", "tombstone", "trust")
_TEXTS: tuple[Kind, ...] = ("card", "template")


def findings(entries: Mapping[str, TreeEntry], context: Context) -> Iterator[tuple[str, Finding]]:
    """What the rules about paths find, with the rule's code. Paths are relative to the registry."""
    folders: dict[str, dict[str, Kind | None]] = defaultdict(dict)
    types: dict[str, str] = {}
    at, calm, inside = None, False, False
    sizes = _sizes(context.policy)
    for path, entry in entries.items():
        folder, _, name = path.rpartition("/")
        if folder != at:  # sorted, so that a folder is looked at once
            at, calm, inside = folder, _is_harmless(folder), layout.model_in(folder) is not None
            _kept(folder, path, types)
        kind = _in_model(name) if inside else _anywhere(path)
        if not calm or not _is_harmless(name) or len(path) > LONGEST:
            yield from _named(path)
        if entry.mode != _FILE:
            message, fix = _MODES.get(entry.mode, ("no plain file", "delete it"))
            yield "PTH001", _finding(path, message, fix)
        elif kind is None:
            yield from _outside(path, entries)
        elif entry.size > sizes.get(kind, _ANY)[0]:
            most, fix = sizes[kind]
            yield "PTH005", _finding(path, f"{entry.size} bytes: {most} are allowed here", fix)
        if inside:
            folders[folder][name] = kind
        elif len(parts := path.split("/", _FOLDER_PARTS)) > _FOLDER_PARTS and parts[0] == "models":
            folders["/".join(parts[:4])][parts[4]] = kind
    yield from _types(types, context)
    yield from _doubled(entries)
    for folder, names in folders.items():
        yield from _whole(folder, names)
    yield from _alike(entries)


def _kept(folder: str, path: str, types: dict[str, str]) -> None:
    """The first path of each type of model."""
    parts = folder.split("/")
    if parts[0] == "models" and len(parts) >= _FOLDER_PARTS - 1:
        types.setdefault(parts[1], path)


@lru_cache(4096)
def _in_model(name: str) -> Kind | None:
    """What a file of a model's folder is for, by its name."""
    return _anywhere(f"models/type/publisher/name/{name}")


def _anywhere(path: str) -> Kind | None:
    place = layout.place(path)
    return place.kind if place else None


@lru_cache(65_536)
def _is_harmless(part: str) -> bool:
    """Whether each of its names is certainly one that every system can keep; most are."""
    return not part or (_PLAIN.fullmatch(part) is not None and not _SUSPECT.search(part))


def _finding(path: str, message: str, fix: str) -> Finding:
    shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return Finding(shown, (), message, fix, position=(1, 1))


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _named(path: str) -> Iterator[tuple[str, Finding]]:
    if len(path) > LONGEST:
        yield (
            "PTH003",
            _finding(path, f"a path of {len(path)} characters: Windows has room for {LONGEST}", "shorten it"),
        )
    if _is_harmless(path):
        return
    for part in path.split("/"):
        if _RESERVED.fullmatch(part):
            yield "PTH003", _finding(path, f"`{part}` is a device on Windows, no file", "choose another name")
        elif part.endswith((".", " ")):
            yield (
                "PTH003",
                _finding(path, f"`{part}` ends with a dot or blank, which Windows drops", "choose another name"),
            )
        elif _UNSAFE.search(part) or any("\udc80" <= letter <= "\udcff" for letter in part):
            yield (
                "PTH003",
                _finding(path, "the name has characters that other systems do not take", "use letters and digits"),
            )


_PLAIN = re.compile(r"[A-Za-z0-9._/-]*[A-Za-z0-9_-]")
_SUSPECT = re.compile(r"(?:^|/)(?:con|prn|aux|nul|com|lpt)|\.(?:/|$)", re.IGNORECASE)


def _doubled(entries: Mapping[str, TreeEntry]) -> Iterator[tuple[str, Finding]]:
    for path, entry in entries.items():
        if path.endswith(".json") and f"{path[:-5]}.yaml" in entries and entry.mode == _FILE and _anywhere(path):
            name = _name(path)
            message = f"{name} and {name[:-5]}.yaml side by side: one id would have two truths"
            yield "PTH004", _finding(path, message, "keep one of them")


def _sizes(policy: Policy) -> Mapping[Kind, tuple[int, str]]:
    """Bytes that a file may have, and what to do about more."""
    limits = policy.limits
    found: dict[Kind, tuple[int, str]] = dict.fromkeys(_LIMITED, (limits.definition, "move long text to README.md"))
    found |= dict.fromkeys(_TEXTS, (limits.card, "shorten it, or link to the long form"))
    found["cover"] = (limits.cover, "use a smaller image")
    return found


def _outside(path: str, entries: Mapping[str, TreeEntry]) -> Iterator[tuple[str, Finding]]:
    name = _name(path)
    if name in _GIT:
        yield "PTH006", _finding(path, f"{name} changes what git makes of files when they are checked out", "delete it")
        return
    if name.endswith(".yml") and layout.place(f"{path[:-4]}.yaml"):
        both = f"{path[:-4]}.yaml" in entries
        fix = f"keep {name[:-4]}.yaml alone" if both else f"rename it to {name[:-4]}.yaml"
        yield "PTH004", _finding(path, f"{name}: a definition ends with .yaml or .json", fix)
        return
    in_model = path.startswith("models/") and path.count("/") + 1 == _FOLDER_PARTS
    if in_model and (found := next(life.misnamed(path, entries), None)):
        yield "VER001", found
        return
    yield "PTH002", _finding(path, "a path that has no place in a registry", _right(path))


def _right(path: str) -> str:
    """What to do about a path outside the layout."""
    parts = path.split("/")
    name = parts[-1]
    delete = "delete it, or move it out of the registry"
    if parts[0] == "models":
        if len(parts) == _FOLDER_PARTS:
            return _renamed(name) or delete
        if len(parts) > _FOLDER_PARTS:
            above = parts[4]
            return f"{above} is a file, not a folder: delete the folder" if above in _MODEL_NAMES else delete
        return "models lie at models/<type>/<publisher>/<name>/" if len(parts) > 1 else delete
    if len(parts) == 1:
        meant = near.guess(name.lower(), _TOP_NAMES)
        return f"rename it to {meant}" if meant else delete
    meant = near.guess(parts[0].lower(), _TOP_FOLDERS)
    if meant and meant != parts[0]:
        return f"move it to {meant}/{'/'.join(parts[1:])}"
    return delete


def _renamed(name: str) -> str:
    """The right name for a file of a model's folder; empty where there is none."""
    if name.lower().startswith("cover."):
        return "the cover is cover.webp: convert it"
    card = re.fullmatch(r"readme((?:[._-][a-z-]+)?)\.(?:md|markdown|txt)", name, re.IGNORECASE)
    if card:
        return f"rename it to README{'.' + card[1][1:] if card[1] else ''}.md"
    meant = near.guess(name.lower(), _MODEL_NAMES)
    return f"rename it to {meant}" if meant else ""


def _types(types: Mapping[str, str], context: Context) -> Iterator[tuple[str, Finding]]:
    for name, path in types.items():
        if name not in context.types:
            meant = near.guess(name, context.types)
            known = near.listing(context.types)
            fix = f"move it to models/{meant}/" if meant else f"use {known}, or add schemas/types/{name}.schema.json"
            yield "PTH002", _finding(path, f"`{name}` is no type of model", fix)


def _whole(folder: str, names: Mapping[str, Kind | None]) -> Iterator[tuple[str, Finding]]:
    kinds = set(names.values())
    if "model" in kinds and "release" in kinds:
        return
    identifier = "/".join(folder.split("/")[2:])
    if "model" not in kinds:
        message = f"the folder of {identifier} has no model.yaml"
        yield "PTH007", _finding(f"{folder}/{min(names)}", message, "add model.yaml, or delete the folder")
    else:
        model = next(name for name, kind in names.items() if kind == "model")
        message = f"{identifier} has no release: nothing can be loaded"
        yield "PTH007", _finding(f"{folder}/{model}", message, "write 1.0.0.yaml beside it, or delete the folder")


def _above(entries: Mapping[str, TreeEntry]) -> set[str]:
    """Every folder of these paths."""
    found: set[str] = set()
    for path in entries:
        at = path.rpartition("/")[0]
        while at and at not in found:
            found.add(at)
            at = at.rpartition("/")[0]
    return found


def _alike(entries: Mapping[str, TreeEntry]) -> Iterator[tuple[str, Finding]]:
    """Files or folders that are one and the same on a system that ignores case or normalises names."""
    every = {*entries, *_above(entries)}
    text = "\0".join(every)
    if text.isascii() and len(set(text.lower().split("\0"))) == len(every):
        return
    seen: dict[str, str] = {}
    told: set[str] = set()
    for path in entries:
        at = path
        while at and at not in told:
            told.add(at)
            folded = at.lower() if at.isascii() else unicodedata.normalize("NFC", at).casefold()
            first = seen.setdefault(folded, at)
            if first != at:
                yield (
                    "PTH003",
                    _finding(path, f"`{at}` and `{first}` are one on systems that ignore case", "rename one"),
                )
                break
            at = at.rpartition("/")[0]


def _rule(code: str, page: str, severity: Severity = Severity.ERROR, *, fixed: bool = True) -> Rule:
    return rule(code, severity, page=page, fixed=fixed)


RULES: tuple[Rule, ...] = (
    _rule(
        "PTH001",
        """
        A path that is no plain file.

        Links, submodules and executable bits mean different things to different systems. A link can point outside the
        registry, or at nothing: then the model behind it is missing and no check notices.

        Bad: `models/llm/acme/tiny/README.md` is a symbolic link to `../small/README.md`.

        Good: `README.md` is a file of its own. Another name for a model goes into its definition:

        ```yaml
        aliases: [acme/small]
        ```
        """,
    ),
    _rule(
        "PTH002",
        """
        A path outside the layout of a registry.

        The path is the id, the type and the version of what lies there, and reviews trust that nothing else is hidden
        between the definitions. A misspelt name would otherwise be ignored in silence.

        Bad: `models/llm/acme/tiny/Model.yaml`, `models/llms/acme/tiny/model.yaml`, `models/llm/acme/tiny/old.yaml.bak`

        Good: `models/llm/acme/tiny/model.yaml`, beside it `1.0.0.yaml`, `README.md`, `README.zh.md`, `cover.webp` and
        templates such as `1.0.0.jinja`
        """,
    ),
    _rule(
        "PTH003",
        """
        A name that other systems cannot keep apart, or cannot keep at all.

        On Windows and macOS two paths that differ only in case are one file, so a clone loses one of them. Names of
        devices, trailing dots and long paths cannot be checked out there.

        Bad: `publishers/Acme.yaml` beside `publishers/acme.yaml`; `models/llm/con/tiny/model.yaml`

        Good: `publishers/acme.yaml` alone; `models/llm/conrad/tiny/model.yaml`
        """,
    ),
    _rule(
        "PTH004",
        """
        The same file as YAML and as JSON, or with the ending `.yml`.

        Two files with one stem would be two truths about one id, and which one counts would depend on the reader.

        Bad: `model.yaml` and `model.json` in one folder; `1.0.0.yml`

        Good: `model.yaml` alone; `1.0.0.yaml`
        """,
    ),
    _rule(
        "PTH005",
        """
        A file larger than policy allows.

        Every clone, every review and every build carries each file for ever, also after it was made smaller.

        Bad: a model card of 2 MB with tables of raw results.

        Good: a card that links to them. The limits are in `policy.yaml`:

        ```yaml
        limits: {definition: 65536, card: 262144, cover: 204800}
        ```
        """,
        fixed=False,
    ),
    _rule(
        "PTH006",
        """
        Files that steer git: `.gitattributes`, `.gitmodules`, `.gitignore`, pointers of Git LFS.

        They can run filters on the machine that checks the registry out, hide files from reviews, or stand for content
        that is not in the repository.

        Bad: `models/llm/acme/tiny/.gitattributes`; a `cover.webp` that is an LFS pointer

        Good: neither; the cover itself
        """,
    ),
    _rule(
        "PTH007",
        """
        A model folder without `model.yaml`, or without any release.

        A model is who and what (`model.yaml`) and at least one version that can be loaded. With one of them missing
        there is nothing to show and nothing to run.

        Bad: `models/llm/acme/tiny/model.yaml` alone.

        Good: beside it `1.0.0.yaml` with at least one variant.
        """,
        fixed=False,
    ),
    _rule(
        "PTH008",
        """
        A generated file that was edited by hand or is out of date.

        The schemas of the registry's files follow from the program's types. If they differ, editors and readers are
        told something else than the checks.

        Bad: a field added by hand to `schemas/model.schema.json`.

        Good: `galleryctl schema` writes them; `galleryctl schema --check` finds nothing.
        """,
        fixed=False,
    ),
)
