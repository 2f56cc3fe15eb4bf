"""What an entry installs and tells its backend, as the `spec` of a release and one variant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from galleryctl.importers.base import Remark
from galleryctl.importers.localai.kinds import abilities, says
from galleryctl.runtimes.localai import BACKENDS, ROLES, SAMPLING, is_inside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ENGINES = {backend: engine for engine, backend in BACKENDS.items()}
_PLAIN = re.compile(r"huggingface://([^/@]+/[^/@]+)/([^@?#]+)")
_RESOLVED = re.compile(r"https://huggingface\.co/([^/]+/[^/]+)/resolve/([^/?#]+)/([^?#]+)")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_SCHEMES = frozenset({"https", "http", "huggingface", "hf", "github", "oci", "ollama", "file"})
_QUANTIZATION = re.compile(
    r"(?:^|[-._])((?:I?Q[1-8]|TQ[12])(?:_[A-Z0-9]+)*|BF16|F16|F32|FP16|FP32|MXFP4(?:_MOE)?)(?=[-._]|$)", re.IGNORECASE
)
_SHARD = re.compile(r"-[0-9]{5}-of-[0-9]{5}\.")
_SIZE = re.compile(
    r"(?<![A-Za-z0-9.])([0-9]{1,4}(?:\.[0-9]{1,3})?)([bBmM])(?:-[aA]([0-9]{1,3}(?:\.[0-9]{1,3})?)[bB])?(?![A-Za-z0-9])"
)
_FORMATS = {".gguf": "gguf", ".onnx": "onnx"}
_DEFAULT = "default"


class Unfit(Exception):  # noqa: N818 - not an error of the program
    """Why nothing can be made of an entry."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.remark = Remark(code, message, fix)


def described(type_: str, overrides: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings that `spec` can say, and those that remain."""
    rest = dict(overrides)
    spec: dict[str, Any] = {}
    context = rest.get("context_size")
    if _count(context) and says(type_, "context_length"):
        spec["context_length"] = rest.pop("context_size")
    if found := abilities(type_, rest.get("known_usecases")):
        spec["abilities"] = found
        del rest["known_usecases"]
    stop = rest.get("stopwords")
    texts = isinstance(stop, list) and stop and all(isinstance(word, str) and word for word in stop)
    if texts and says(type_, "prompt", "stop"):
        spec["prompt"] = {"stop": rest.pop("stopwords")}
    parameters = rest.get("parameters")
    if isinstance(parameters, dict) and says(type_, "defaults", "generate"):
        generate = {key: parameters[key] for key in SAMPLING if key in parameters and _sampling(key, parameters[key])}
        if generate:
            spec["defaults"] = {"generate": generate}
            rest["parameters"] = {key: value for key, value in parameters.items() if key not in generate}
    return spec, rest


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _sampling(key: str, value: object) -> bool:
    """Whether a setting is what the schemas take it for."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if key == "max_tokens":
        return isinstance(value, int) and value > 0
    if key == "top_k":
        return isinstance(value, int) and value >= -1
    return key == "presence_penalty" or 0 <= value <= (1 if key in {"top_p", "min_p"} else value)


def variant(name: str, files: Sequence[Any], rest: dict[str, Any]) -> dict[str, Any]:
    """The one variant of an entry. Takes out of `rest` what it says. Raises `Unfit`."""
    build: dict[str, Any] = {}
    if isinstance(engine := rest.get("backend"), str) and engine and engine not in BACKENDS:
        build["engines"] = [_ENGINES.get(engine, engine)]
        del rest["backend"]
    shipped = [_File(file) for file in files]
    parameters = rest.get("parameters")
    stated = parameters.get("model") if isinstance(parameters, dict) else None
    _roles(shipped, rest, stated)
    weights = [file for file in shipped if file.role is None] or shipped
    main = next((file for file in shipped if file.filename == stated), weights[0] if weights else None)
    if main is not None:
        build = _facts(name, main) | build
        _place(build, shipped, main)
    if isinstance(stated, str) and stated and isinstance(parameters, dict):
        if main is None or stated != weights[0].filename:
            build["entrypoint"] = stated
        _without_model(rest, parameters)
    elif shipped:
        build["entrypoint"] = ""
    if main is None and isinstance(stated, str) and _REPOSITORY.fullmatch(stated):
        build["sources"] = {"huggingface": {"repo": stated}}
    if parameters != {} and rest.get("parameters") == {}:
        del rest["parameters"]
    order = ("key", "format", "parameters", "active", "engines", "quantizations", "sources", "files", "entrypoint")
    return {key: build[key] for key in order if key in build}


def _without_model(rest: dict[str, Any], parameters: Mapping[str, Any]) -> None:
    others = {key: value for key, value in parameters.items() if key != "model"}
    if others:
        rest["parameters"] = others
    else:
        del rest["parameters"]


class _File:
    """A file of an entry."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise Unfit("SCH003", "`files` holds something that is no map", "write filename, sha256 and uri")
        filename, uri, digest = value.get("filename"), value.get("uri"), value.get("sha256", "")
        if not (isinstance(filename, str) and filename and isinstance(uri, str) and uri):
            raise Unfit("SCH002", "a file has no filename or no uri", "write filename, sha256 and uri")
        if not isinstance(digest, str):
            raise Unfit("FIL001", f"the digest of {filename[:60]} is no text", "put it in quotes")
        if not is_inside(filename):
            raise Unfit("FIL005", f"{filename[:60]!r} is no path below the folder of models", "write a relative path")
        self.filename, self.uri, self.digest = filename, uri, digest
        self.role: str | None = None
        self._check()
        found = _PLAIN.fullmatch(uri)
        resolved = _RESOLVED.fullmatch(uri)
        self.repo = found[1] if found else resolved[1] if resolved else None
        self.revision = unquote(resolved[2]) if resolved else None
        raw = found[2] if found else resolved[3] if resolved else ""
        self.inner = unquote(raw)
        if self.repo and (quote(self.inner, safe="/!$&'()*+,;=:@~") != raw or not is_inside(self.inner)):
            self.repo = None

    def _check(self) -> None:
        try:
            parts = urlsplit(self.uri)
            inside = parts.username is not None or parts.password is not None
        except ValueError:
            raise Unfit("URL001", f"the uri of {self.filename[:60]} is no address", "write https://…") from None
        if inside and parts.scheme in {"https", "http"}:
            raise Unfit(
                "SEC005", f"the uri of {self.filename[:60]} holds a name or password", "remove it, and change it"
            )
        if (parts.scheme or "github") not in _SCHEMES or any(letter.isspace() for letter in self.uri):
            raise Unfit("SRC005", f"the uri of {self.filename[:60]} is nothing that can be fetched", "write https://…")

    def path(self, *, own: bool) -> str:
        """Path inside the repository; of a file from elsewhere the last part of its address."""
        if own:
            return self.inner
        last = unquote(urlsplit(self.uri).path.rstrip("/").rpartition("/")[2]) or self.inner.rpartition("/")[2]
        return last if last and is_inside(last) and "/" not in last else self.filename


def _roles(shipped: Sequence[_File], rest: dict[str, Any], stated: object) -> None:
    """Projector and draft model, where settings name a file that is shipped."""
    for role, setting in ROLES.items():
        named = rest.get(setting)
        file = next((file for file in shipped if file.filename == named), None)
        if file is not None and file.role is None and named != stated and len(shipped) > 1:
            file.role = role
            del rest[setting]


def _facts(name: str, main: _File) -> dict[str, Any]:
    """What the name of the weights says of them."""
    file = main.path(own=main.repo is not None).rpartition("/")[2]
    build: dict[str, Any] = {}
    ending = file[file.rfind(".") :].lower() if "." in file else ""
    if ending in _FORMATS:
        build["format"] = _FORMATS[ending]
    if found := _QUANTIZATION.findall(file[: len(file) - len(ending)]):
        build["quantizations"] = [found[-1].upper()]
    if size := _stated_size(name, file):
        build |= size
    return build


def _stated_size(name: str, file: str) -> dict[str, str]:
    """Parameters, where entry and file name one size and the same."""
    sizes = [{(value, unit.upper(), active) for value, unit, active in _SIZE.findall(text)} for text in (name, file)]
    known = sizes[0] | sizes[1]
    if len(known) != 1:
        return {}
    value, unit, active = known.pop()
    return {"parameters": f"{value}{unit}"} | ({"active": f"{active}B"} if active else {})


def _place(build: dict[str, Any], shipped: Sequence[_File], main: _File) -> None:
    """Sources and files."""
    quantization = next(iter(build.get("quantizations", ())), _DEFAULT)
    if main.repo:
        source: dict[str, Any] = {"repo": main.repo}
        if main.revision is not None:
            source["revision"] = main.revision
        if build.get("format") == "gguf" and _SHARD.search(main.inner) is None and not set("{}") & set(main.inner):
            source["file"] = _pattern(main.inner, quantization)
        build["sources"] = {"huggingface": source}
    rows: list[dict[str, Any]] = []
    taken: set[str] = set()
    for file in shipped:
        own = main.repo is not None and (file.repo, file.revision) == (main.repo, main.revision)
        path = file.path(own=own)
        if path in taken and not own:
            path = file.filename
        taken.add(path)
        if own and file.role == "projector":
            build["sources"]["huggingface"]["projectors"] = [path]
        row = {"path": path, "sha256": file.digest, "as": file.filename}
        if not own:
            row["url"] = file.uri
        rows.append(row | ({"role": file.role} if file.role else {}))
    build["files"] = {quantization: rows}


def _pattern(path: str, quantization: str) -> str:
    """Name of the file with the placeholder, where the quantization stands in it as we spell it."""
    return path.replace(quantization, "{quantization}") if path.count(quantization) == 1 else path
