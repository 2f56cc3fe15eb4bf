"""models.dev: a folder of TOML files, one of them, or the JSON made from them. Only models whose weights are open.

It states what providers offer; sizes, formats and revisions stand at the hubs that its `weights` name.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from galleryctl.errors import UsageError
from galleryctl.hubs import shapes
from galleryctl.importers import records
from galleryctl.importers.base import FIRST, Candidate, Rejected, Remark
from galleryctl.importers.licences import spdx
from galleryctl.importers.naming import publisher_of, slug
from galleryctl.importers.records import Reading, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from galleryctl.fetch import Fetcher
    from galleryctl.importers.base import Options, Reference

NAME = "modelsdev"
TITLE = "Models.dev folder of TOML, or the JSON made from it"
EXAMPLES: tuple[str, ...] = ()

_LARGEST = 2**20
_MOST = 2**53
_LABEL = re.compile(r"[^a-z0-9]+")
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_FORMATS = frozenset({"awq", "gptq", "fp8", "fp4", "bnb", "gguf", "mlx", "onnx", "pytorch", "safetensors"})
_KNOWN = frozenset({"id", "name", "description", "family", "release_date", "attachment", "reasoning", "tool_call"}) | {
    *("modalities", "open_weights", "limit", "benchmarks", "weights", "links", "license", "last_updated", "temperature")
}
_UNSAID = frozenset(
    {"knowledge", "structured_output", "cost", "reasoning_options", "interleaved", "status", "provider"}
)
_HEARS = {("audio", "text"): ("audio", "audio2text"), ("text", "audio"): ("audio", "text2audio")}


def claims(reference: Reference) -> bool:
    if reference.path is not None and reference.path.is_dir():
        first = next(_files(reference.path), None)
        return first is not None and _open(first) is not None
    start = records.content(reference)
    if reference.path is not None and reference.path.suffix == ".toml":
        return re.search(r"(?m)^open_weights\s*=", start) is not None
    return start.startswith("{") and '"open_weights"' in start and '"modalities"' in start


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:  # noqa: ARG001
    """Models with open weights by place; the others are no part of a gallery and left out without a word.

    Raises `UsageError` where nothing can be read, or no model has open weights.
    """
    empty = True
    for record in _records(reference):
        made = record.value if isinstance(record.value, Rejected) else translate(record, options)
        if made is not None:
            empty = False
            yield made
    if empty:
        raise UsageError(f"{records.named(reference)} holds no model with open weights")


def _records(reference: Reference) -> Iterator[Record]:
    if reference.path is not None and reference.path.is_dir():
        for path in _files(reference.path):
            yield _toml(path, path.relative_to(reference.path).as_posix())
    elif reference.path is not None and reference.path.suffix == ".toml":
        yield _toml(reference.path, reference.path.name)
    else:
        name = records.named(reference)
        yield from _members(name, records.loads(name, reference.data))


def _files(folder: Path) -> Iterator[Path]:
    """`models/<lab>/<model>.toml`, of the whole project or of its folder of models; links are not followed."""
    root = folder / "models" if (folder / "models").is_dir() else folder
    labs = sorted(each for each in root.iterdir() if each.is_dir() and not each.is_symlink())
    for lab in labs or [root]:
        yield from sorted(each for each in lab.glob("*.toml") if each.is_file() and not each.is_symlink())


def _open(path: Path) -> Mapping[str, Any] | None:
    """A model's file; none for TOML of something else."""
    value = _toml(path, path.name).value
    return value if isinstance(value, dict) and "open_weights" in value else None


def _toml(path: Path, at: str) -> Record:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST).decode()
        found: dict[str, Any] = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        return Record(at, Rejected(path.stem, at, (Remark("YML001", f"the file does not parse: {error}"),)))
    return Record(at, {**found, "id": f"{path.parent.name}/{path.stem}"})


def _members(name: str, value: object) -> Iterator[Record]:
    """Models of `models.json`, and those of every provider of `api.json`; `catalog.json` holds both."""
    block = value.get("models", value) if isinstance(value, dict) else value
    if not isinstance(block, dict):
        raise UsageError(f"{name}: is no object of models")
    for key, each in block.items():
        at = f"{name}: {records.clean(key)[:120]}"
        offered = each.get("models") if isinstance(each, dict) else None
        if isinstance(offered, dict):
            for inner, model in offered.items():
                place = f"{at}/{records.clean(inner)[:120]}"
                own = inner if "/" in inner else f"{key}/{inner}"
                yield Record(place, {**model, "id": own} if isinstance(model, dict) else model)
        else:
            yield Record(at, {**each, "id": key} if isinstance(each, dict) else each)


def translate(record: Record, options: Options) -> Candidate | Rejected | None:
    """One model; none where its weights are not open."""
    value, at = record.value, record.at
    if not isinstance(value, dict):
        return Rejected("", at, (Remark("SCH003", "a model must be an object"),))
    if value.get("open_weights") is not True:
        return None
    reading = Reading(value)
    key = reading.line("id") or ""
    title = reading.line("name")
    if title is None:
        return Rejected(key[:120], at, (Remark("SCH002", "the model has no name"),))
    variants = _variants(reading)
    repositories = [hub["repo"] for variant in variants for hub in variant["sources"].values() if "repo" in hub]
    publisher = options.publisher or publisher_of(repositories[0] if repositories else key)
    name = slug(key.rpartition("/")[2]) or slug(title)
    if not publisher or not name:
        return Rejected(title, at, (Remark("IDN001", "no id can be made: the name has no Latin letters"),))
    type_, spec = _spec(reading)
    release = {"released": reading.moment("release_date"), "spec": spec, "metrics": _metrics(reading)}
    model = {"title": title, **records.described(reading, title, reading.text("description"))}
    reading.left_out(_KNOWN, _UNSAID)
    return Candidate(
        source=key or title,
        at=at,
        type=options.type or type_,
        id=f"{publisher}/{name}",
        model=model | _licence(reading) | _links(reading, value),
        releases={FIRST: {key: each for key, each in {**release, "variants": variants}.items() if each}},
        remarks=tuple(dict.fromkeys(reading.remarks)),
    )


def _spec(reading: Reading) -> tuple[str, dict[str, Any]]:
    """Model type and `spec`, by what goes in and comes out."""
    modes = reading.value.get("modalities")
    goes_in, comes_out = (_words(modes.get(side)) if isinstance(modes, dict) else () for side in ("input", "output"))
    spec: dict[str, Any] = {}
    if family := reading.line("family"):
        spec["family"] = family
    heard = _HEARS.get((",".join(goes_in), ",".join(comes_out)))
    if heard:
        return heard[0], {**spec, "abilities": [heard[1]]}
    for made in ("image", "video"):
        if comes_out and set(comes_out) <= {made}:
            able = [f"{source}2{made}" for source in ("text", "image") if source in goes_in]
            return made, {**spec, **({"abilities": able} if able else {})}
    says = {name: reading.value.get(name) is True for name in ("tool_call", "reasoning")}
    writes = "text" in goes_in and "text" in comes_out
    able = [
        *(["chat" if any(says.values()) else "generate"] if writes else []),
        *(["tools"] if says["tool_call"] else []),
        *(["reasoning"] if says["reasoning"] else []),
        *(["vision"] if "image" in goes_in else []),
        *(["audio"] if "audio" in goes_in else []),
        *(["omni"] if "audio" in comes_out else []),
    ]
    limit = reading.value.get("limit")
    length = records.whole(limit.get("context")) if isinstance(limit, dict) else None
    return "llm", spec | ({"abilities": able} if able else {}) | ({"context_length": length} if length else {})


def _variants(reading: Reading) -> list[dict[str, Any]]:
    """One for each repository of the weights. Nothing says their size or format but a label such as fp8."""
    found: list[dict[str, Any]] = []
    for item in _blocks(reading.value.get("weights")):
        inner = Reading(item, reading.remarks)
        url = records.address(item.get("url"))
        if url is None:
            reading.remark("URL001", "weights without an address", "left out")
            continue
        said = [(inner.line(name) or "").lower() for name in ("format", "quantization")]
        format_ = next((word for word in said if word in _FORMATS), None)
        precision = next((word for word in said if _WORD.fullmatch(word) and word not in _FORMATS), None)
        variant: dict[str, Any] = {"format": format_} if format_ else {}
        variant |= {"quantizations": [precision.upper() if format_ == "gguf" else precision]} if precision else {}
        variant["sources"] = _source(inner, url)
        if variant not in found:
            found.append(variant)
    names = [variant.get("format", "default") for variant in found]
    if len(set(names)) < len(names):
        for number, variant in enumerate(found, 1):
            repo = next((source["repo"] for source in variant["sources"].values() if "repo" in source), "")
            variant["key"] = slug(repo.rpartition("/")[2])[:80] + f"-{number}" if repo else f"weights-{number}"
    return found


def _source(reading: Reading, url: str) -> dict[str, Any]:
    place = records.repository(url)
    if place is None:
        return {"url": {"prefix": url}}
    kind, repo, revision = place
    pinned = shapes.commit(revision)
    if pinned is None:
        what = f"follows `{revision}`" if revision else "has no revision"
        reading.remark("SRC002", f"`{repo}` {what}", "`galleryctl release` pins it")
    return {kind: {"repo": repo} | ({"revision": pinned} if pinned else {})}


def _metrics(reading: Reading) -> list[dict[str, Any]]:
    """Benchmarks with all that tells two figures of one name apart."""
    found = []
    for item in _blocks(reading.value.get("benchmarks")):
        inner = Reading(item, reading.remarks)
        name, score = inner.line("name"), item.get("score")
        if name is None or isinstance(score, bool) or not isinstance(score, int | float) or not abs(score) < _MOST:
            reading.remark("VAL006", "a benchmark without a name or a score", "left out")
            continue
        version = inner.line("version") or ""
        more = ", ".join(text for part in ("dataset", "harness", "variant") if (text := inner.line(part)))
        full = name if not version or version in name else f"{name} {version}"
        day = inner.moment("date")
        unit = inner.line("metric")
        metric = {
            "name": f"{full} ({more})" if more else full,
            "value": score,
            "date": day[:10] if day else None,
            "source": records.address(item.get("source")),
            "unit": unit if unit != "score" else None,
        }
        found.append({key: each for key, each in metric.items() if each is not None})
    return found


def _licence(reading: Reading) -> dict[str, str]:
    said = reading.line("license")
    expression = spdx(said)
    if said and expression is None:
        reading.remark("LIC002", f"`{said[:60]}` is no licence", "left out")
    return {"license": expression} if expression else {}


def _links(reading: Reading, value: Mapping[str, Any]) -> dict[str, Any]:
    links: dict[str, list[str]] = {}
    weights = [{"type": "weights", "url": item.get("url")} for item in _blocks(value.get("weights"))]
    for item in [*weights, *_blocks(value.get("links"))]:
        inner = Reading(item, reading.remarks)
        url = records.address(item.get("url"))
        kind = _LABEL.sub("_", (inner.line("type") or inner.line("label") or "other").lower()).strip("_")[:32]
        if url and url not in links.setdefault(kind or "other", []):
            links[kind or "other"].append(url)
    return (
        {"links": {kind: urls[0] if len(urls) == 1 else urls for kind, urls in links.items() if urls}} if links else {}
    )


def _blocks(value: object) -> Iterator[dict[str, Any]]:
    yield from (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def _words(value: object) -> tuple[str, ...]:
    return tuple(sorted(each for each in value if isinstance(each, str))) if isinstance(value, list) else ()
