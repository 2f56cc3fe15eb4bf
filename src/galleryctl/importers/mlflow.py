"""Training runs and registered models of MLflow: framework, latest metrics, and artifacts as files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from galleryctl import canonical
from galleryctl.hubs import facts
from galleryctl.hubs.mlflow import Runs
from galleryctl.importers import folders, records
from galleryctl.importers.base import FIRST, Candidate, Rejected, Remark
from galleryctl.importers.naming import slug
from galleryctl.importers.records import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.fetch import Fetcher
    from galleryctl.hubs.base import RemoteFile, Snapshot
    from galleryctl.hubs.facts import Facts
    from galleryctl.hubs.mlflow import Training
    from galleryctl.importers.base import Options, Reference

NAME = "mlflow"
TITLE = "MLflow training run or registered model"
EXAMPLES = ("mlflow:8a1f1a6e0c5b4d8f9f0e1d2c3b4a5968", "mlflow:models:/tiny/1")

_PREFIX = "mlflow:"
_HOUSE = "mlflow"
"""Publisher where nobody names another: MLflow knows no owners."""
_FRAMEWORKS = {"keras": "keras", "sentence_transformers": "sentence-transformers", "llama_cpp": "llama.cpp"}
_GENERAL = frozenset({"python_function"})
"""Flavours that wrap another, or say nothing of the framework."""
_BEST = ("transformers", "sentence_transformers", "diffusers")
"""Flavours that say more than the framework they are built on."""
_TASKS = {
    "text-generation": "llm",
    "llm/v1/chat": "llm",
    "llm/v1/completions": "llm",
    "llm/v1/embeddings": "embedding",
    "feature-extraction": "embedding",
    "automatic-speech-recognition": "audio",
    "text-to-speech": "audio",
    "text-to-image": "image",
    "image-classification": "vision",
    "object-detection": "vision",
    "image-segmentation": "vision",
}
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/"
_CONFIGS = ("config.json", "model/config.json")


def claims(reference: Reference) -> bool:
    return reference.text.startswith(_PREFIX)


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:
    """The model of one run. Raises `UsageError` or `FetchError` where there is none."""
    hub = Runs(fetcher)
    found = hub.snapshot(reference.text.removeprefix(_PREFIX))
    files = list(found.files)
    if options.digest:
        files = folders.digested(files, lambda path: hub.digest(found, path))
    said, wrong = _facts(hub, found)
    result = translate(found, files, said, options, hub.tracking)
    yield result if wrong is None else replace(result, remarks=(*result.remarks, wrong))


def _facts(hub: Runs, found: Snapshot) -> tuple[tuple[Facts, Mapping[str, Any]] | None, Remark | None]:
    """What the model's own files say, with its `config.json` where there is one."""
    path = next((path for path in _CONFIGS if found.file(path)), None)
    if path is not None:
        config, wrong = folders.config(hub, found, path)
        return (facts.of_config(config), config), wrong
    said = folders.facts_of(hub, found)
    return (None, said) if isinstance(said, Remark) else ((said, {}) if said else None, None)


def translate(
    found: Snapshot,
    files: list[RemoteFile],
    said: tuple[Facts, Mapping[str, Any]] | None,
    options: Options,
    tracking: str,
) -> Candidate | Rejected:
    """A run as a model; `said` is what its `config.json` says, `tracking` the address of the store."""
    training: Training = found.raw["training"]
    at = f"{_PREFIX}{found.repo}"
    reading = Reading({"name": training.name, "description": training.description})
    title = reading.line("name") or training.run
    publisher = options.publisher or _HOUSE
    known, config = said or (None, {})
    type_ = options.type or _type(training, known)
    remarks = reading.remarks
    if not slug(title):
        return Rejected(title, at, (Remark("IDN001", "no id can be made: the name has no Latin letters"),))
    if type_ is None:
        text = "the run does not say what type of model it made"
        return Rejected(title, at, (*remarks, Remark("SCH002", text, "say its type with --type")))
    model: dict[str, Any] = {"title": title, **records.described(reading, title, reading.text("description"))}
    if training.page.startswith("https://"):
        model["links"] = {"training": training.page}
    framework = _framework(training, remarks)
    variants = folders.variants(files, config)
    source = _source(training, tracking, remarks)
    _left(training, files, variants, remarks)
    release: dict[str, Any] = {
        "released": canonical.moment(found.modified) if found.modified else None,
        "spec": folders.described(known, type_, remarks),
        "environment": {"framework": framework} if framework else None,
        "metrics": _metrics(training, remarks),
        "variants": [{**variant, **source} for variant in variants],
        "origin": {"kind": "training", "platform": "mlflow", "ref": training.run}
        | ({"task": training.experiment} if training.experiment else {}),
    }
    return Candidate(
        source=title,
        at=at,
        type=type_,
        id=f"{publisher}/{slug(title)}",
        model=model,
        releases={FIRST: {key: value for key, value in release.items() if value}},
        remarks=tuple(dict.fromkeys(remarks)),
    )


def _type(training: Training, known: Facts | None) -> str | None:
    if "sentence_transformers" in training.flavors:
        return "embedding"
    for name in ("transformers", "python_function"):
        task = training.flavors.get(name, {}).get("task")
        if isinstance(task, str) and task in _TASKS:
            return _TASKS[task]
    return "image" if "diffusers" in training.flavors else folders.type_of(known)


def _framework(training: Training, remarks: list[Remark]) -> str | None:
    """The flavour that says most, as the taxonomy spells frameworks."""
    named = [name for name in training.flavors if name not in _GENERAL and slug(name) and name.isascii()]
    best = next((name for name in _BEST if name in named), next(iter(sorted(named)), None))
    if best is None:
        what = "only a Python function" if training.flavors else "no MLmodel file with flavours"
        remarks.append(Remark("ENV004", f"the run has {what}: its framework is not known", "say it in `environment`"))
        return None
    return _FRAMEWORKS.get(best, slug(best).replace("_", "-"))


def _metrics(training: Training, remarks: list[Remark]) -> list[dict[str, Any]]:
    if training.odd:
        listed = ", ".join(records.clean(name)[:60] for name in training.odd[:10])
        remarks.append(Remark("VAL006", f"no number as the last value: {listed}", "left out"))
    return [
        {"name": name, "value": value, "date": moment.date().isoformat(), "source": training.page}
        for raw, value, moment in training.metrics
        if (name := records.clean(raw)[:200])
    ]


def _source(training: Training, tracking: str, remarks: list[Remark]) -> dict[str, Any]:
    """Where others fetch the artifacts, as far as they can."""
    root = training.root
    if root is None:
        return {}
    parts = urlsplit(root)
    if parts.scheme == "s3":
        return {"sources": {"object": {"prefix": root}}}
    if parts.scheme == "mlflow-artifacts" and not parts.netloc and tracking.startswith("https://"):
        return {"sources": {"url": {"prefix": f"{tracking}{_ARTIFACTS}{parts.path.strip('/')}"}}}
    what = "a folder of one machine" if parts.scheme in {"", "file"} else f"a store of the kind {parts.scheme}"
    what = "a tracking server without https" if parts.scheme == "mlflow-artifacts" else what
    text = f"the artifacts lie in {what}, where nobody else can fetch them"
    remarks.append(Remark("SRC005", text, "copy them to a hub or an object store, and name it in `sources`"))
    return {}


def _left(training: Training, files: list[RemoteFile], variants: list[dict[str, Any]], remarks: list[Remark]) -> None:
    """Remarks on what is missing of the files."""
    if training.several:
        remarks.append(Remark("SCH003", "the run has several models", "one was taken; name another by models:/…"))
    if training.root is None:
        remarks.append(Remark("FIL004", "the run logged no model", "only its facts were imported"))
    elif not files:
        remarks.append(Remark("FIL004", "the artifacts cannot be listed from here", "only its facts were imported"))
    elif not variants:
        remarks.append(Remark("FIL004", "none of the artifacts holds weights", "only its facts were imported"))
    elif lacking := sum(file.sha256 is None for file in files):
        text = f"MLflow keeps no SHA-256 of {lacking} of {len(files)} files"
        remarks.append(Remark("FIL001", text, "compute it with --digest"))
