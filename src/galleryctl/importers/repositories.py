"""A repository of a hub as a model: what it says of itself, and what its own files say."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl import canonical
from galleryctl.fetch import DeniedError, FetchError, MissingError, RefusedError
from galleryctl.hubs import RemoteFile, cards, facts, shapes
from galleryctl.hubs.gguf import HeaderError
from galleryctl.importers import weights
from galleryctl.importers.base import FIRST, Candidate, Rejected, Remark
from galleryctl.importers.licences import spdx
from galleryctl.importers.naming import publisher_of, slug

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.hubs import Hub, Snapshot
    from galleryctl.importers.base import Options

_TASKS = {  # what hubs call a task → type and abilities
    "text-generation": ("llm", ()),
    "text2text-generation": ("llm", ("generate",)),
    "conversational": ("llm", ("chat",)),
    "image-text-to-text": ("llm", ("vision",)),
    "video-text-to-text": ("llm", ("vision",)),
    "visual-question-answering": ("llm", ("vision",)),
    "audio-text-to-text": ("llm", ("audio",)),
    "any-to-any": ("llm", ()),
    "feature-extraction": ("embedding", ("embed",)),
    "sentence-similarity": ("embedding", ("embed",)),
    "sentence-embedding": ("embedding", ("embed",)),
    "text-ranking": ("rerank", ("rerank",)),
    "text-to-image": ("image", ("text2image",)),
    "text-to-image-synthesis": ("image", ("text2image",)),
    "image-to-image": ("image", ("image2image",)),
    "automatic-speech-recognition": ("audio", ("audio2text",)),
    "auto-speech-recognition": ("audio", ("audio2text",)),
    "text-to-speech": ("audio", ("text2audio",)),
    "text-to-audio": ("audio", ("text2audio",)),
    "audio-to-audio": ("audio", ("audio_transform",)),
    "voice-activity-detection": ("audio", ("vad",)),
    "text-to-video": ("video", ("text2video",)),
    "text-to-video-synthesis": ("video", ("text2video",)),
    "image-to-video": ("video", ("image2video",)),
    "object-detection": ("vision", ("detection",)),
    "image-object-detection": ("vision", ("detection",)),
    "zero-shot-object-detection": ("vision", ("detection",)),
    "image-classification": ("vision", ("classification",)),
    "zero-shot-image-classification": ("vision", ("classification",)),
    "image-segmentation": ("vision", ("segmentation",)),
    "mask-generation": ("vision", ("segmentation",)),
    "image-feature-extraction": ("vision", ("embed",)),
}
_ENGINES = ("transformers", "sentence-transformers", "diffusers", "vllm", "sglang", "mlx", "onnx", "nemo", "funasr")
_SAID = frozenset({"gguf", "safetensors", "pytorch", "onnx", "awq", "gptq", "fp8", "license", "region", "dataset"}) | {
    *("arxiv", "base_model", "text-classification")
}
"""Tags that repeat what stands in fields: format, engine, task, licence."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_WITH_LANGUAGES = frozenset({"llm", "embedding", "rerank", "audio"})
_WITH_CONTEXT = frozenset({"llm", "embedding", "rerank"})
_ARXIV = re.compile(r"arxiv:([0-9]{4}\.[0-9]{4,5})")
_LICENCES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE")
_SMALL = 2**24
"""Bytes of a file that is fetched to compute its digest; larger ones lie in a store that knows theirs."""
_MOST_FILES = 2000
_CARD = 2**20


class Texts(NamedTuple):
    """Small files of a repository, as far as it has them."""

    config: Mapping[str, Any]
    tokenizer: Mapping[str, Any]
    generation: Mapping[str, Any]
    sentences: Mapping[str, Any]
    pooling: Mapping[str, Any]
    template: str | None
    card: str | None


@dataclass
class _Reader:
    """Reads files of one snapshot, each once, and keeps what went wrong."""

    hub: Hub
    found: Snapshot
    remarks: list[Remark] = field(default_factory=list)
    read: dict[str, bytes] = field(default_factory=dict)

    def text(self, path: str, limit: int = _SMALL) -> str | None:
        file = self.found.file(path)
        if file is None or (file.size or 0) > limit:
            return None
        try:
            if path not in self.read:
                self.read[path] = self.hub.read(self.found, path, limit=limit)
            return self.read[path].decode("utf-8-sig")
        except MissingError:
            return None
        except UnicodeDecodeError:
            self.remarks.append(Remark("TXT001", f"`{path}` is not UTF-8", "left out"))
            return None

    def data(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        text = self.text(path)
        try:
            return None if text is None else json.loads(text, parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            self.remarks.append(Remark("SCH003", f"`{path}` cannot be read as JSON", "left out"))
            return None

    def mapping(self, path: str) -> Mapping[str, Any]:
        return shapes.mapping(self.data(path))

    def complete(self, file: RemoteFile, *, whole: bool) -> RemoteFile:
        """A file with its digest, where it is small enough to be fetched, or everything was asked for."""
        size = file.size
        if file.sha256 is not None or size is None or (size > _SMALL and not whole):
            return file
        if size > _SMALL:
            return self._streamed(file)
        data = self.read.get(file.path)
        data = self.hub.read(self.found, file.path, limit=_SMALL) if data is None else data
        return file._replace(size=len(data), sha256=hashlib.sha256(data).hexdigest())

    def _streamed(self, file: RemoteFile) -> RemoteFile:
        counted, step, total = hashlib.sha256(), 2**24, file.size or 0
        for start in range(0, total, step):
            counted.update(self.hub.part(self.found, file.path, start, min(total, start + step)))
        return file._replace(sha256=counted.hexdigest())


def several(hub: Hub, repos: Iterator[str], options: Options) -> Iterator[Candidate | Rejected]:
    """Each repository as a model; one that cannot be read stops no other."""
    for repo in repos:
        try:
            yield one(hub, repo, None, options)
        except RefusedError:
            raise
        except FetchError as error:
            code = "SRC003" if isinstance(error, MissingError | DeniedError) else "SRC010"
            yield Rejected(repo, f"{hub.kind}:{repo}", (Remark(code, str(error)),))


def one(hub: Hub, repo: str, revision: str | None, options: Options) -> Candidate | Rejected:
    """A repository as a model. Raises `FetchError`."""
    return candidate(hub, hub.snapshot(repo, revision), f"{hub.kind}:{repo}", options)


def candidate(hub: Hub, found: Snapshot, at: str, options: Options) -> Candidate | Rejected:
    """One repository at one moment as a model, or why it is none. Raises `FetchError`."""
    reader = _Reader(hub, found)
    texts = _texts(reader)
    owner, _, name = found.repo.partition("/")
    publisher, own = options.publisher or publisher_of(owner), slug(name)
    if not own or not publisher:
        return Rejected(found.repo, at, (Remark("IDN001", f"no id can be made of {found.repo}"),))
    variants, said = _variants(reader, texts, options)
    if not variants:
        return Rejected(found.repo, at, (*reader.remarks, Remark("FIL004", "there are no weights that can be used")))
    kind, abilities = _kind(found, texts, said, options)
    if kind is None:
        what = f"the task `{found.task}` is no type of this gallery" if found.task else "no task is named"
        return Rejected(found.repo, at, (*reader.remarks, Remark("SCH002", what, "name the type: --type llm")))
    model = _model(found, name, reader)
    files: dict[str, bytes] = {}
    if texts.card and texts.card.strip():
        files["README.md"] = cards.taken(hub, found, texts.card).encode()
        model["readme"] = {"source": cards.page(found), **({"revision": found.revision} if found.revision else {})}
    spec = _spec(found, texts, said, kind, abilities, reader)
    template = texts.template or said.template
    if template and kind == "llm":
        spec["prompt"] = {"template": {"file": f"{FIRST}.jinja"}, **spec.get("prompt", {})}
        files[f"{FIRST}.jinja"] = template.encode("utf-8", "replace")
    moment = found.modified or found.created
    release: dict[str, Any] = {"released": canonical.moment(moment) if moment else None, "spec": spec}
    release |= {"variants": variants}
    if found.revision is None:
        reader.remarks.append(Remark("SRC002", "the hub names no commit", "each file is pinned by its digest alone"))
    if found.unsafe:
        reader.remarks.append(Remark("SEC003", f"the hub flags {', '.join(found.unsafe[:5])} as unsafe"))
    return Candidate(
        source=found.repo,
        at=at,
        type=kind,
        id=f"{publisher}/{own}",
        model={key: value for key, value in model.items() if value not in (None, [], {})},
        releases={FIRST: {key: value for key, value in release.items() if value}},
        texts=files,
        remarks=tuple(dict.fromkeys(reader.remarks)),
    )


def _texts(reader: _Reader) -> Texts:
    modules = reader.data("modules.json")
    pooling = "1_Pooling"
    for module in modules if isinstance(modules, list) else ():
        if str(shapes.mapping(module).get("type")).endswith(".Pooling"):
            pooling = shapes.path(module.get("path")) or pooling
    tokenizer = reader.mapping("tokenizer_config.json")
    template = reader.text("chat_template.jinja") or reader.mapping("chat_template.json").get("chat_template")
    return Texts(
        config=reader.mapping("config.json"),
        tokenizer=tokenizer,
        generation=reader.mapping("generation_config.json"),
        sentences=reader.mapping("sentence_bert_config.json"),
        pooling=reader.mapping(f"{pooling}/config.json"),
        template=facts.template(template or tokenizer.get("chat_template")),
        card=reader.text("README.md", _CARD),
    )


def _variants(reader: _Reader, texts: Texts, options: Options) -> tuple[list[dict[str, Any]], facts.Facts]:
    """What can be loaded, and what its files say of the model."""
    found = reader.found
    said = facts.of_config(texts.config, texts.pooling)
    pipeline = shapes.text(reader.mapping("model_index.json").get("_class_name"))
    if pipeline and not said.classes:
        said = replace(said, classes=(pipeline,))
    made: list[dict[str, Any]] = []
    quantized = weights.gguf(found.files)
    together = weights.whole(found.files, weights.kind(texts.config, found.raw.get("tags") or found.tags))
    if together:
        count = found.raw.get("parameters") if together["format"] in {"pytorch", "fp8"} else None
        engines = [name.replace("-", "_") for name in _ENGINES if name in {found.library, *found.tags}]
        made = [_placed(found, together, weights.named(found.repo, count), engines)]
    elif quantized:
        said = _of_gguf(reader, quantized[0], said)
    sizes = weights.named(found.repo, None if together else said.parameters)
    made += [
        _placed(found, each, sizes if len(quantized) == 1 else weights.Sizes(), ["llama.cpp"]) for each in quantized
    ]
    _digests(reader, made, options)
    return made, said


def _of_gguf(reader: _Reader, variant: Mapping[str, Any], said: facts.Facts) -> facts.Facts:
    """The facts of the first file's header; of a model in several files, the first names them all."""
    choices = list(variant["files"].values())
    listed = min(choices, key=lambda files: sum("role" not in file for file in files))  # whole rather than in parts
    path = listed[0]["path"]
    try:
        found = facts.of_file(reader.hub, reader.found, path, shard=sum("role" not in each for each in listed) > 1)
    except HeaderError as error:
        reader.remarks.append(Remark("FIL004", f"`{path}` {error}", "look whether the file is whole"))
        return said
    return replace(found, classes=said.classes)


def _placed(found: Snapshot, variant: dict[str, Any], sizes: weights.Sizes, engines: list[str]) -> dict[str, Any]:
    source = {"repo": found.repo, "revision": found.revision, **variant.pop("source", {})}
    source |= {"gated": True} if found.gated else {}
    kept = {key: value for key, value in source.items() if value is not None}
    head = {"key": variant.pop("key", None), "format": variant.pop("format"), **sizes._asdict(), "engines": engines}
    return {key: value for key, value in {**head, "sources": {found.kind: kept}}.items() if value} | variant


def _digests(reader: _Reader, variants: list[dict[str, Any]], options: Options) -> None:
    """Fills in digests that the hub does not state, of small files; of all of them where that was asked for."""
    known: dict[str, RemoteFile] = {}
    listed = [file for variant in variants for group in variant["files"].values() for file in group]
    for each_file in listed:
        path = each_file["path"]
        if path not in known:
            given = RemoteFile(path, each_file.get("size"), each_file.get("sha256"))
            known[path] = reader.complete(given, whole=options.digest) if len(known) < _MOST_FILES else given
        each_file.update(weights.entry(known[path]))
    missing = [file.path for file in known.values() if file.sha256 is None]
    if missing:
        text = f"the hub states no digest of {', '.join(missing[:3])}"
        reader.remarks.append(Remark("FIL001", text, "`--digest` computes it, and so does `galleryctl release`"))


def _kind(found: Snapshot, texts: Texts, said: facts.Facts, options: Options) -> tuple[str | None, tuple[str, ...]]:
    """Type and abilities: as asked for, as the hub's task says, else as the model's own classes say."""
    kind, abilities = _TASKS.get(found.task or "", (None, ()))
    hints = {*found.tags, found.library or ""}
    if found.task == "text-classification" and hints & {"reranker", "cross-encoder"}:
        kind, abilities = "rerank", ("rerank",)
    if kind is None and not found.task:
        causal = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in said.classes)
        kind = "llm" if causal or said.template else "embedding" if "sentence-transformers" in hints else None
        abilities = ("embed",) if kind == "embedding" else ()
    if options.type is not None and options.type != kind:
        kind, abilities = options.type, ()
    if kind == "llm" and not {"chat", "generate"} & set(abilities):
        abilities = ("chat" if texts.template or said.template else "generate", *abilities)
    return kind, abilities


def _model(found: Snapshot, name: str, reader: _Reader) -> dict[str, Any]:
    expression = spdx(found.license)
    url = found.license_url if (found.license_url or "").startswith("https://") else None
    if expression and expression.startswith("LicenseRef-") and url is None:
        url = next((cards.shown(found, path) for path in _LICENCES if found.file(path)), None)
    if expression is None and found.license:
        reader.remarks.append(Remark("LIC001", f"`{found.license}` is no licence that is known"))
    papers = [match[1] for tag in (*found.tags, *found.raw.get("tags", ())) if (match := _ARXIV.fullmatch(tag))]
    links: dict[str, Any] = {"weights": cards.page(found)}
    if papers:
        addresses = [f"https://arxiv.org/abs/{number}" for number in dict.fromkeys(papers)]
        links["paper"] = addresses[0] if len(addresses) == 1 else addresses
    bases = [f"{publisher_of(repo)}/{slug(repo.partition('/')[2])}" for repo in found.base_models]
    return {
        "title": name,
        "license": expression,
        "license_url": url if expression and expression.startswith("LicenseRef-") else None,
        "tags": [tag for tag in found.tags if not _repeats(tag, found)],
        "links": links,
        "base_models": [each for each in dict.fromkeys(bases) if not each.startswith("/") and not each.endswith("/")],
    }


def _repeats(tag: str, found: Snapshot) -> bool:
    word = tag.partition(":")[0].lower()
    return word in {*_SAID, *_ENGINES, *_TASKS, (found.library or "").lower()} or tag in found.languages


def _spec(
    found: Snapshot, texts: Texts, said: facts.Facts, kind: str, abilities: tuple[str, ...], reader: _Reader
) -> dict[str, Any]:
    spec: dict[str, Any] = {"abilities": list(abilities)}
    if kind in _WITH_LANGUAGES:
        spec["languages"] = [code for code in found.languages if _LANGUAGE.fullmatch(code)]
        if odd := [code for code in found.languages if not _LANGUAGE.fullmatch(code)]:
            reader.remarks.append(Remark("LNG001", f"no language codes: {', '.join(odd[:5])}", "left out"))
    if kind in _WITH_CONTEXT:
        shortest = shapes.whole(texts.sentences.get("max_seq_length")) if kind != "llm" else None
        spec["context_length"] = shortest or said.context_length
    if kind == "embedding":
        spec["dimensions"] = said.dimensions
    spec["architecture"] = said.architecture
    if kind == "llm" and (stops := _stops(texts)):
        spec["prompt"] = stops
    return {key: value for key, value in spec.items() if value}


def _stops(texts: Texts) -> dict[str, Any]:
    """The tokens at which generation ends, and their texts where all are known."""
    said = texts.generation.get("eos_token_id")
    given = said if isinstance(said, list) else [said]
    ids = [number for each in given if (number := shapes.whole(each)) is not None]
    if not ids:
        return {}
    words = shapes.mapping(texts.tokenizer.get("added_tokens_decoder"))
    named = [shapes.text(shapes.mapping(words.get(str(number))).get("content")) for number in ids]
    return {"stop": named, "stop_token_ids": ids} if all(named) else {"stop_token_ids": ids}
