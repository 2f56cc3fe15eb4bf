"""Registries of the OCI distribution API: manifests, configurations and layers, each verified by its digest."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit

from galleryctl.errors import UsageError
from galleryctl.fetch import DeniedError, FetchError, Limits, MissingError
from galleryctl.hubs.base import RemoteFile, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from galleryctl.fetch import Fetcher, Response

T = TypeVar("T")
MODEL = "application/vnd.cncf.model.manifest.v1+json"
"""Artifact type of a CNCF ModelPack."""
OLLAMA = "registry.ollama.ai"
MIRROR = "OLLAMA_REGISTRY"
"""Environment variable with the address of a mirror of Ollama's registry."""
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    MODEL,
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_PATHS = ("org.cncf.model.filepath", "org.cnai.model.filepath", "org.opencontainers.image.title")
_METADATA = ("org.cncf.model.file.metadata+json", "org.cnai.model.file.metadata+json")
_OLLAMA = "application/vnd.ollama.image."
_NAMED = {"model": "model.gguf", "projector": "projector.gguf", "adapter": "adapter.gguf"}
"""Ollama gives its layers no file names; these are the names that stand for them in definitions."""
_IMAGE = re.compile(
    r"(?P<registry>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?)/"
    r"(?P<name>[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*(?:/[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.[0-9]+){3})(?::[0-9]+)?")
_LONGEST = 255
_MOST_LAYERS = 10_000
_MANIFEST = Limits(bytes=4 * 2**20)


@dataclass(frozen=True, slots=True)
class Image:
    """A reference to an artifact: by tag, by digest, or both; the digest counts."""

    registry: str
    name: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Image:
        """`registry/name[:tag][@sha256:…]`. Raises `UsageError`."""
        found = _IMAGE.fullmatch(text)
        if found is None or len(text) > _LONGEST * 2:
            raise UsageError(
                f"{text[:200]} is no image; write registry/name:tag or registry/name@sha256:<64 hex digits>"
            )
        return cls(found["registry"], found["name"], found["tag"], found["digest"])

    @property
    def repo(self) -> str:
        """Without the digest."""
        return f"{self.registry}/{self.name}" + (f":{self.tag}" if self.tag else "")

    def __str__(self) -> str:
        return self.repo + (f"@{self.digest}" if self.digest else "")


class Layer(NamedTuple):
    """One layer of a manifest."""

    media: str
    sha256: str
    """Of the layer as the registry has it, which is the file's only where the layer is that file."""
    size: int
    path: str | None
    """File name; none where the layer has none, or one that leads out of its folder."""
    named: str = ""
    """Name as it stands in the manifest."""
    length: int | None = None
    """Bytes of the file, where the layer is an archive and says it."""

    @property
    def whole(self) -> bool:
        """Whether the layer is the file as it is, not an archive of it."""
        return ".tar" not in self.media and not self.media.endswith(("+gzip", "+zstd"))

    @property
    def kind(self) -> str:
        """What an Ollama layer is: model, template, params; empty for others."""
        return self.media.removeprefix(_OLLAMA).partition(";")[0] if self.media.startswith(_OLLAMA) else ""


class Oci:
    """A `Hub` of OCI registries. Reads what everybody may read: where a registry wants a token, an anonymous one."""

    kind = "oci"

    def __init__(self, fetcher: Fetcher, at: Mapping[str, str] | None = None) -> None:
        self._fetcher = fetcher
        self._at = at or {}
        self._tokens: dict[tuple[str, str], str] = {}

    def snapshot(self, repo: str, revision: str | None = None) -> Snapshot:
        """An artifact as its tag or digest names it. `repo` of what is found has the tag, `revision` is the digest."""
        image = Image.parse(repo)
        if revision is not None:
            image = Image(image.registry, image.name, image.tag, revision)
        digest, manifest = self._manifest(image)
        layers = _layers(str(image), manifest.get("layers"))
        config = manifest.get("config")
        described = self._config(image, config) if isinstance(config, dict) else {}
        return Snapshot(
            kind=self.kind,
            repo=image.repo,
            revision=digest,
            files=tuple(sorted(map(_file, (layer for layer in layers if layer.path)))),
            raw={
                "type": _text(manifest.get("artifactType")),
                "media": _text(config.get("mediaType")) if isinstance(config, dict) else "",
                "config": described,
                "layers": layers,
            },
        )

    def read(self, found: Snapshot, path: str, *, limit: int = 2**20) -> bytes:
        return self.blob(found, self._layer(found, path), limit=limit)

    def blob(self, found: Snapshot, layer: Layer, *, limit: int = 2**20) -> bytes:
        """The bytes of a layer, verified."""
        if layer.size > limit:
            raise FetchError(f"a layer of {found.repo} has {layer.size:,} bytes, more than the {limit:,} that are read")
        return self._verified(Image.parse(found.repo), layer.sha256, limit)

    def part(self, found: Snapshot, path: str, start: int, stop: int) -> bytes:
        layer, image = self._layer(found, path), Image.parse(found.repo)
        stop, url = min(stop, layer.size), self._blob(image, layer.sha256)
        if start >= stop:
            return b""
        return self._allowed(image, lambda login: self._fetcher.part(url, start, stop, headers=login))

    def address(self, found: Snapshot, path: str) -> str:
        return self._blob(Image.parse(found.repo), self._layer(found, path).sha256)

    def _layer(self, found: Snapshot, path: str) -> Layer:
        for layer in found.raw["layers"]:
            if layer.path == path and layer.whole:
                return layer  # type: ignore[no-any-return]  # raw holds what `snapshot` put there
        raise MissingError(f"{found.repo} has no file {path} that can be read by itself")

    def _base(self, image: Image) -> str:
        if image.registry in self._at:
            return self._at[image.registry].rstrip("/")
        if image.registry == "docker.io":
            return "https://registry-1.docker.io"
        # as container tools do: a registry on this machine speaks plain HTTP
        return f"{'http' if _LOOPBACK.fullmatch(image.registry) else 'https'}://{image.registry}"

    def _blob(self, image: Image, sha256: str) -> str:
        return f"{self._base(image)}/v2/{image.name}/blobs/sha256:{sha256}"

    def _manifest(self, image: Image, depth: int = 0) -> tuple[str, Mapping[str, Any]]:
        """A manifest with its digest; of an index that of the model in it."""
        wanted = image.digest or image.tag or "latest"
        url = f"{self._base(image)}/v2/{image.name}/manifests/{wanted}"
        answer = self._get(image, url, {"Accept": ", ".join(_MANIFESTS)}, _MANIFEST)
        digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        said = answer.headers.get("docker-content-digest", "")
        if image.digest and image.digest != digest:
            raise FetchError(f"{image}: the registry sent another manifest, {digest}: do not use this source")
        if _DIGEST.fullmatch(said) and said != digest:
            raise FetchError(f"{image}: the manifest does not have the digest that the registry states: try again")
        manifest = decoded(str(image), answer.body)
        if "manifests" not in manifest:
            return digest, manifest
        if depth:
            raise FetchError(f"{image}: an index inside an index is not read; name the manifest by its digest")
        chosen = _chosen(image, manifest["manifests"])
        return self._manifest(Image(image.registry, image.name, image.tag, chosen), depth + 1)

    def _config(self, image: Image, config: Mapping[str, Any]) -> Mapping[str, Any]:
        found = _DIGEST.fullmatch(_text(config.get("digest")))
        if found is None:
            return {}
        return decoded(f"the configuration of {image}", self._verified(image, found[1], _MANIFEST.bytes))

    def _verified(self, image: Image, sha256: str, limit: int) -> bytes:
        data = self._get(image, self._blob(image, sha256), {}, Limits(bytes=limit)).body
        if hashlib.sha256(data).hexdigest() != sha256:
            raise FetchError(
                f"{image}: the blob sha256:{sha256} has other bytes than its digest: do not use this source"
            )
        return data

    def _get(self, image: Image, url: str, headers: Mapping[str, str], limits: Limits) -> Response:
        return self._allowed(image, lambda login: self._fetcher.get(url, headers={**headers, **login}, limits=limits))

    def _allowed(self, image: Image, ask: Callable[[Mapping[str, str]], T]) -> T:
        """An answer, with the token that the registry wants to see."""
        key = (image.registry, image.name)
        login = self._login(key)
        try:
            return ask(login)
        except DeniedError as error:
            if login or not error.challenge.lower().startswith("bearer "):
                raise
            self._tokens[key] = self._token(image, error)
        return ask(self._login(key))

    def _login(self, key: tuple[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[key]}"} if key in self._tokens else {}

    def _token(self, image: Image, error: DeniedError) -> str:
        """The token that a registry gives to everybody, at the address its refusal names."""
        challenge = dict(_PARAMETER.findall(error.challenge))
        realm = challenge.get("realm", "")
        if urlsplit(realm).scheme not in {"https", "http"}:
            raise error
        query = {"service": challenge.get("service", ""), "scope": f"repository:{image.name}:pull"}
        joined = "&" if "?" in realm else "?"
        url = realm + joined + urlencode({name: value for name, value in query.items() if value})
        answer = decoded(f"the login of {image.registry}", self._fetcher.get(url, limits=_MANIFEST).body)
        token = answer.get("token") or answer.get("access_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise DeniedError(f"{image}: the registry gives no token to strangers; only public artifacts can be read")
        return token


def hub(fetcher: Fetcher) -> Oci:
    """For all registries; that of Ollama is asked at its mirror where the environment names one."""
    mirror = os.environ.get(MIRROR)
    return Oci(fetcher, {OLLAMA: mirror} if mirror else None)


def decoded(name: str, data: bytes) -> Mapping[str, Any]:
    """A JSON object of a registry. Raises `FetchError`."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FetchError(f"{name}: the answer is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise FetchError(f"{name}: the answer is no JSON object")
    return found


def _chosen(image: Image, manifests: object) -> str:
    """The one manifest of an index that is meant: the model, or the only one there is."""
    entries = [each for each in manifests if isinstance(each, dict)] if isinstance(manifests, list) else []
    found = [each for each in entries if each.get("artifactType") == MODEL] or entries
    digests = [digest for each in found if _DIGEST.fullmatch(digest := _text(each.get("digest")))]
    if len(digests) != 1:
        what = f"{len(digests)} manifests" if digests else "no manifest"
        raise FetchError(f"{image} is an index of {what}; name the one that is meant: name@sha256:<64 hex digits>")
    return digests[0]


def _layers(name: str, layers: object) -> tuple[Layer, ...]:
    if not isinstance(layers, list) or len(layers) > _MOST_LAYERS:
        raise FetchError(f"{name}: the manifest has no list of layers")
    found: list[Layer] = []
    taken: set[str] = set()
    for each in layers:
        layer = _read(each, taken) if isinstance(each, dict) else None
        if layer is None:
            raise FetchError(f"{name}: a layer of the manifest has no media type, SHA-256 digest or size")
        taken |= {layer.path} if layer.path else set()
        found.append(layer)
    return tuple(found)


def _read(layer: Mapping[str, Any], taken: set[str]) -> Layer | None:
    media, size = _text(layer.get("mediaType")), layer.get("size")
    digest = _DIGEST.fullmatch(_text(layer.get("digest")))
    if not media or digest is None or not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**53:
        return None
    said = layer.get("annotations")
    annotations = said if isinstance(said, dict) else {}
    named = next((text for key in _PATHS if (text := _text(annotations.get(key)))), "") or _text(layer.get("name"))
    path = named if inside(named) and named not in taken else None
    own = media.removeprefix(_OLLAMA).partition(";")[0]
    if not named and media.startswith(_OLLAMA) and own in _NAMED:
        stem, _, end = _NAMED[own].partition(".")
        number = sum(each.startswith(stem) for each in taken)
        path = f"{stem}-{number + 1}.{end}" if number else _NAMED[own]
    return Layer(media, digest[1], size, path, named, _length(annotations))


def _length(annotations: Mapping[str, Any]) -> int | None:
    """Bytes of the one file in an archive."""
    text = next((found for key in _METADATA if (found := _text(annotations.get(key)))), "")
    try:
        size = json.loads(text).get("size") if text else None
    except (ValueError, RecursionError, AttributeError):
        return None
    return size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**53 else None


def _file(layer: Layer) -> RemoteFile:
    if layer.whole:
        return RemoteFile(layer.path or "", layer.size, layer.sha256)
    return RemoteFile(layer.path or "", layer.length)


def inside(path: str) -> bool:
    """Whether a path stays in its folder, on every system."""
    parts = path.split("/")
    odd = "\\" in path or ":" in path or not path.isprintable() or len(path) > _LONGEST
    return bool(path) and not odd and not {"", ".", ".."} & set(parts)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
