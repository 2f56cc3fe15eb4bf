"""FIL: digests, sizes and paths of files."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from galleryctl.checks import placed
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, rule
from galleryctl.document import assign
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from galleryctl.spec import File

_DIGEST = re.compile(r"[0-9a-f]{64}")
_COPY = "copy it from the source"


def _pins(subject: Subject) -> str:
    return f"{_COPY}, or: galleryctl release {subject.place.id} --bump patch"


def bad_digest(subject: Subject) -> Iterator[Finding]:
    """A file's digest is missing or malformed.

    The digest is what makes a download the file that was reviewed. Clients compare it as text, so upper case or a
    prefix makes every download fail, and an empty one switches the comparison off. One that is merely not known yet is
    a warning; nobody should invent it.

    Bad:

    ```yaml
    - {path: tiny.gguf, sha256: 3F79BB7B435B05321651DAEFD374CDC681DC06FAA65E374E38337B88CA046DEA}
    ```

    Good:

    ```yaml
    - {path: tiny.gguf, sha256: 3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea}
    ```
    """
    for path, pointer, file, *_ in placed.files(subject):
        if file.sha256 is None or not _DIGEST.fullmatch(file.sha256):
            yield _digest(subject, path, pointer, file.path, file.sha256)
    for each in placed.releases(subject):
        for index, download in enumerate(each.release.downloads):
            if download.sha256 is None or not _DIGEST.fullmatch(download.sha256):
                yield _digest(subject, each.path, ("downloads", index), download.label, download.sha256)


def _digest(subject: Subject, path: str, pointer: Pointer, name: str, digest: str | None) -> Finding:
    if digest is None:
        fix = _COPY if pointer[0] == "downloads" else _pins(subject)
        return Finding(path, pointer, f"{name} has no digest", fix, severity=Severity.WARN)
    meant = digest.strip().lower().removeprefix("sha256:")
    place = (*pointer, "sha256")
    if _DIGEST.fullmatch(meant):
        edits = assign(subject.documents[path.rpartition("/")[2]], place, meant)
        return Finding(path, place, f"{digest!r} is not 64 lower-case hex digits alone", f"write {meant}", edits)
    if not digest:
        return Finding(path, place, f"the digest of {name} is empty", f"{_COPY}, or remove it")
    what = f"has {len(digest)} characters, not 64" if len(digest) != 64 else "is not hex"  # noqa: PLR2004 - SHA-256
    return Finding(path, place, f"the digest {digest!r} {what}", f"{_COPY}, or remove it")


def bad_size(subject: Subject) -> Iterator[Finding]:
    """A file's size is missing or zero.

    Without sizes nobody can tell whether a model fits, and a client cannot notice a download that was cut short. A size
    that is merely not known yet is a warning.

    Bad:

    ```yaml
    - {path: tiny.gguf, size: 0}
    ```

    Good:

    ```yaml
    - {path: tiny.gguf, size: 396705472}
    ```
    """
    for path, pointer, file, *_ in placed.files(subject):
        if file.size is None:
            yield Finding(path, pointer, f"{file.path} has no size", _pins(subject), severity=Severity.WARN)
        elif file.size == 0:
            yield Finding(path, (*pointer, "size"), f"{file.path} has the size 0", f"{_COPY}, or remove it")


_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


_SAFE = re.compile(
    r"(?:(?!(?:con|prn|aux|nul|com\d|lpt\d)(?:[./]|$))[a-z0-9_.{}+-]*[a-z0-9_{}+-](?:/(?=.)|$))+",
    re.IGNORECASE | re.ASCII,
)
"""Nearly every path: no part needs a closer look."""


def _unsafe(path: str) -> str | None:  # noqa: PLR0911 - one line for each mistake
    """Why a path is not one inside its folder on every system; none where it is."""
    if _SAFE.fullmatch(path):
        return None
    if "\\" in path:
        return "has a backslash"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "is absolute"
    for part in path.split("/"):
        if part in {"..", "."}:
            return f"has `{part}` as a part"
        if not part:
            return "has an empty part"
        if _RESERVED.fullmatch(part):
            return f"has the name {part}, which Windows reserves"
        if part != part.rstrip(". "):
            return f"has the part {part!r}, with a dot or space at its end"
    if re.search(r"[\x00-\x1f\x7f<>:\"|?*]", path):
        return "has a character that no file name can hold everywhere"
    return None


def _paths(subject: Subject) -> Iterator[tuple[str, Pointer, Pointer, str]]:
    """Path of the file, pointer to a block, pointer inside of it, and the text that stands there."""
    for path, pointer, file, *_ in placed.files(subject):
        yield path, pointer, ("path",), file.path
        if file.install_as is not None:
            yield path, pointer, ("as",), file.install_as
    for path, pointer, _, hub, _ in placed.hubs(subject):
        for field, name in (("file", hub.file), ("parts_file", hub.parts_file)):
            if name:
                yield path, pointer, (field,), name
        for index, projector in enumerate(hub.projectors or ()):
            if projector:
                yield path, pointer, ("projectors", index), projector
        for field, more in (("draft", hub.draft), ("lora", hub.lora), ("gguf", hub.gguf)):
            if more and more.file:
                yield path, pointer, (field, "file"), more.file


def unsafe_path(subject: Subject) -> Iterator[Finding]:
    """A file path could lead out of the model's folder.

    A client writes files where a definition says. An absolute path, `..`, or on Windows a backslash or a reserved name
    lets a definition overwrite what it likes on the machine of everybody who installs the model.

    Bad:

    ```yaml
    - {path: ../../.ssh/authorized_keys}
    ```

    Good:

    ```yaml
    - {path: tiny/model.safetensors}
    ```
    """
    for path, pointer, further, name in _paths(subject):
        if wrong := _unsafe(name):
            fix = "write a path relative to the source, with / between its parts"
            yield Finding(path, (*pointer, *further), f"the path {name!r} {wrong}", fix)


_SHARD = re.compile(r"(.*?)(\d{1,6})-of-(\d{1,6})(.*)")


def broken_shards(subject: Subject) -> Iterator[Finding]:
    """The shards of a file have a gap or disagree about their number.

    The runtime asks for the missing part after hours of download, or takes a model that lacks some of its layers.

    Bad:

    ```yaml
    parts: {Q8_0: [00001-of-00003, 00003-of-00003]}
    ```

    Good:

    ```yaml
    parts: {Q8_0: [00001-of-00003, 00002-of-00003, 00003-of-00003]}
    ```
    """
    for path, pointer, _, hub, _ in placed.hubs(subject):
        for quantization, parts in (hub.parts or {}).items():
            if wrong := _gaps(parts):
                yield Finding(path, (*pointer, "parts", quantization), *wrong)
    for path, pointer, variant, _ in placed.variants(subject):
        for quantization, group in variant.files.items():
            if len(group) == 1 and "-of-" not in group[0].path:
                continue
            if wrong := _gaps([file.path for file in group]):
                yield Finding(path, (*pointer, "files", quantization), *wrong)


def _gaps(names: Iterable[str]) -> tuple[str, str] | None:
    sets: dict[tuple[str, str], list[tuple[int, int, int]]] = defaultdict(list)
    for name in names:
        if match := _SHARD.fullmatch(name) if "-of-" in name else None:
            sets[match[1], match[4]].append((int(match[2]), int(match[3]), len(match[3])))
    for (before, after), shards in sets.items():
        totals = sorted({total for _, total, _ in shards})
        total, width = max(totals), shards[0][2]
        last = f"{total:0{width}}"
        fix = f"list {before}{1:0{width}}-of-{last}{after} to {before}{last}-of-{last}{after}"
        if len(totals) > 1:
            return f"shards of {' and '.join(str(each) for each in totals)} parts are mixed", fix
        if missing := sorted(set(range(1, total + 1)) - {number for number, *_ in shards}):
            listed = ", ".join(str(number) for number in missing[:5]) + (", …" if len(missing) > 5 else "")  # noqa: PLR2004
            return f"of {total} shards {listed} {'is' if len(missing) == 1 else 'are'} missing", fix
        if len(shards) > total:
            return f"{len(shards)} shards are listed, of {total}", fix
    return None


def renamed_file(subject: Subject) -> Iterator[Finding]:
    """A file's name differs from the last part of its address.

    Mostly it is an address copied from the entry above, so the file under this name holds another model.

    Bad:

    ```yaml
    - {path: tiny-Q8_0.gguf, url: https://huggingface.co/acme/tiny/resolve/main/tiny-Q4_K_M.gguf}
    ```

    Good:

    ```yaml
    - {path: tiny-Q8_0.gguf, url: https://huggingface.co/acme/tiny/resolve/main/tiny-Q8_0.gguf}
    ```
    """
    for path, pointer, file, *_ in placed.files(subject):
        last = file.url.partition("?")[0].rpartition("/")[2].replace("%20", " ") if file.url else ""
        if last and last != file.path.rpartition("/")[2]:
            message = f"{file.path} is called {last} in its address"
            fix = "correct the one that is wrong; a name of your own goes to `as`"
            yield Finding(path, (*pointer, "url"), message, fix)
    for path, pointer, variant, _ in placed.variants(subject):
        hubs = variant.sources.hubs().values() if variant.sources else ()
        patterns = [hub.file for hub in hubs if hub.file and not hub.parts]
        if not patterns:
            continue
        whole = not any("{" in (hub.file or "") for hub in hubs)
        for quantization, group in variant.files.items():
            usual = patterns[0].replace("{quantization}", quantization)
            if len(group) == 1 and group[0].path == usual and "{" not in usual:
                continue
            names = [
                name for pattern in patterns if "{" not in (name := pattern.replace("{quantization}", quantization))
            ]
            if whole and len(variant.files) > 1 and len(set(names)) == 1:
                continue  # one name for several quantizations: QNT003 tells it
            if (found := _misnamed(names, quantization, placed.weights(group))) is not None:
                file, meant = found
                place = (*pointer, "files", quantization, group.index(file), "path")
                message = f"{file.path} is not the name that `file` of the source gives: {meant}"
                yield Finding(path, place, message, f"write {meant}, or correct `file`")


def _misnamed(names: list[str], quantization: str, group: tuple[File, ...]) -> tuple[File, str] | None:
    if len(group) != 1 or group[0].url or not names or quantization == "default":
        return None
    if group[0].path in names:
        return None
    known = {name.rpartition("/")[2] for name in names}
    return None if group[0].path.rpartition("/")[2] in known else (group[0], names[0])


_WEIGHTS = (".gguf", ".safetensors", ".bin", ".pt", ".pth", ".onnx", ".ckpt")


def repeated_file(subject: Subject) -> Iterator[Finding]:
    """A file stands twice in one variant, or one digest under two paths.

    The second was copied from the first and not finished: the variant lacks the file that was meant.

    Bad:

    ```yaml
    Q4_K_M: [{path: tiny-Q4_K_M.gguf, sha256: 3f79…}]
    Q8_0: [{path: tiny-Q8_0.gguf, sha256: 3f79…}]      # the digest of Q4_K_M
    ```

    Good:

    ```yaml
    Q4_K_M: [{path: tiny-Q4_K_M.gguf, sha256: 3f79…}]
    Q8_0: [{path: tiny-Q8_0.gguf, sha256: 8a1c…}]
    ```
    """
    for path, pointer, variant, _ in placed.variants(subject):
        seen: dict[str, tuple[str, File]] = {}
        digests: dict[str, str] = {}
        for quantization, group in variant.files.items():
            for index, file in enumerate(group):
                place = (*pointer, "files", quantization, index)
                first = seen.setdefault(file.path, (quantization, file))
                if first[1] is not file and (first[0] == quantization or not _alike(first[1], file)):
                    where = "twice" if first[0] == quantization else f"for {first[0]} too, with other bytes"
                    yield Finding(path, (*place, "path"), f"{file.path} stands here {where}", "delete or correct one")
                elif file.sha256 and file.path.endswith(_WEIGHTS):
                    other = digests.setdefault(file.sha256, file.path)
                    if other != file.path:
                        message = f"{file.path} has the digest of {other}"
                        yield Finding(path, (*place, "sha256"), message, "correct the digest, or delete the copy")


def _alike(one: File, other: File) -> bool:
    return (one.sha256, one.size) == (other.sha256, other.size)


RULES: tuple[Rule, ...] = (
    rule("FIL001", Severity.ERROR, entry=bad_digest, fixable=True),
    rule("FIL004", Severity.ERROR, entry=bad_size),
    rule("FIL005", Severity.ERROR, entry=unsafe_path, fixed=True),
    rule("FIL008", Severity.ERROR, entry=broken_shards),
    rule("FIL009", Severity.WARN, entry=renamed_file),
    rule("FIL010", Severity.ERROR, entry=repeated_file),
)
