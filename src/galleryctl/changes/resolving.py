"""Definitions with their defaults and all that they inherit: what is meant, whatever is written down.

What a part inherits is `Lent`: when that changes, the change is the lender's, and shows there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from galleryctl.changes.leaves import Lent
from galleryctl.spec import Model, Release
from galleryctl.spec.model import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.spec import Hub, Variant

Json = dict[str, Any]

_SHARED_HOSTS = frozenset(
    {
        "bitbucket.org", "codeberg.org", "gitee.com", "github.com", "gitlab.com", "hf-mirror.com", "hf.co",
        "huggingface.co", "modelers.cn", "modelscope.cn", "opencsg.com", "raw.githubusercontent.com",
        "storage.googleapis.com", "s3.amazonaws.com", "www.modelscope.cn",
    }
)  # fmt: skip
"""Hosts on which the first part of a path says whose it is."""
_LICENCE = "license"


def model(raw: Mapping[str, Any]) -> Json:
    """`model.yaml` from a published document, with every default."""
    read = Model.model_validate(raw)
    found = _dump(read)
    found["terms"] = _dump(read.terms or Terms())
    return found | {"featured": bool(read.featured), "renewable": bool(read.renewable)}


def release(raw: Mapping[str, Any], of: Mapping[str, Any]) -> Json:
    """A release from a published document `of` a model, with every default and what it inherits."""
    found = _dump(Release.model_validate(raw))
    found.setdefault("regions", Lent(of.get("regions")))
    for variant in found["variants"]:
        variant.setdefault(_LICENCE, Lent(of.get(_LICENCE)))
        variant.setdefault("requirements", Lent(found.get("requirements")))
        for file in (file for group in variant["files"].values() for file in group):
            file.setdefault("role", "model")
        for source in variant.get("sources", {}).values():
            if "repo" in source:
                source.setdefault("quantizations", Lent(variant["quantizations"]))
                for addition in ("gguf", "lora"):
                    source.setdefault(addition, Lent(variant.get(addition)))
    return found


def licences(raw: Mapping[str, Any], of: Mapping[str, Any]) -> tuple[bool, list[str]]:
    """Whether some variant of a release says a licence of its own, and the licences of all of them, sorted."""
    said = [variant.get(_LICENCE) for variant in raw.get("variants", ())]
    return any(said), sorted({each or of.get(_LICENCE) or "" for each in said})


def origins(raw: Mapping[str, Any]) -> list[str]:
    """Where the bytes of a release come from, as `host/owner`, sorted; a host alone where one owner has all of it."""
    read = Release.model_validate(raw)
    found = {origin for variant in read.variants for origin in _of_variant(variant)}
    found |= {_of_address(download.url) for download in read.downloads}
    found |= {_of_address(text) for text in _texts([read.spec, read.runtimes]) if "://" in text[:24]}
    if read.environment and read.environment.image:
        found.add(_of_image(read.environment.image))
    return sorted(found - {""})


def _dump(value: Model | Release | Terms) -> Json:
    return value.model_dump(mode="json", exclude_none=True)


def _of_variant(variant: Variant) -> Iterator[str]:
    for group in variant.files.values():
        yield from (_of_address(file.url) for file in group if file.url)
    sources = variant.sources
    if sources is None:
        return
    for kind, hub in sources.hubs().items():
        yield from (f"{kind}/{repo.partition('/')[0]}" for repo in _repos(hub, variant))
    if sources.oci:
        yield _of_image(sources.oci.image)
    yield from (_of_address(folder.prefix) for folder in (sources.object, sources.url) if folder)


def _repos(hub: Hub, variant: Variant) -> Iterator[str]:
    yield hub.repo
    parts = (hub.draft, hub.gguf or variant.gguf, hub.lora or variant.lora)
    yield from (part.repo for part in parts if part)


def _of_image(reference: str) -> str:
    """`ghcr.io/acme` of `ghcr.io/acme/tool@sha256:…`."""
    first, _, rest = reference.removeprefix("oci://").removeprefix("docker://").partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        return f"{first}/{rest.partition('/')[0]}" if "/" in rest else first
    return f"docker.io/{first if rest else 'library'}"


def _of_address(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower() + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return address
    if parts.scheme not in {"http", "https"}:
        return f"{parts.scheme}/{host}"
    owner = parts.path.strip("/").partition("/")[0]
    return f"{host}/{owner}" if host in _SHARED_HOSTS and owner else host


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
