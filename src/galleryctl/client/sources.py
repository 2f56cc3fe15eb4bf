"""Where the files of a build can be fetched: for each its addresses, in the order in which they are tried.

* An address of its own comes first, then the sources of the definition in their order, then the gallery's mirrors.
* Tokens come from the environment alone, and go to the hub they were made for, never along a redirect to another host.
* What a definition says is not believed: names that would lead out of a repository are refused.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from galleryctl.client.errors import PullError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from galleryctl.client.results import Resolved
    from galleryctl.spec.release import File, Hub, Sources

KINDS = ("address", "huggingface", "modelscope", "csghub", "openmind_hub", "object", "url", "mirror")
"""Kinds of address, in the order in which they are tried."""
TOKENS = {"huggingface": "HF_TOKEN", "modelscope": "MODELSCOPE_API_TOKEN", "csghub": "CSGHUB_TOKEN"}
"""Variables of the environment that log in to hubs."""
_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SCHEMES = frozenset({"https", "http", "s3", "file"})
_TITLES = {
    "address": "its own address",
    "huggingface": "Hugging Face",
    "modelscope": "ModelScope",
    "csghub": "CSGHub",
    "openmind_hub": "openMind",
    "object": "object store",
    "url": "web folder",
    "mirror": "mirror",
    "here": "this folder",
}


@dataclass(frozen=True, slots=True)
class Address:
    """One place of one file."""

    url: str = field(repr=False)
    """`https:`, `s3:` or `file:`; what follows a question mark may be a signature."""
    kind: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What only this host may see."""
    own: bool = False
    """Whether the operator named it: then it may lie inside this network."""

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def title(self) -> str:
        """Its kind, for people; the host where the kind alone says nothing."""
        return (self.host or "this machine") if self.kind in {"address", "url"} else _TITLES.get(self.kind, self.kind)

    @property
    def label(self) -> str:
        """For people, without what may be secret."""
        return f"{_TITLES.get(self.kind, self.kind)} ({self.url.partition('?')[0][:200]})"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file: what it must be, and where it can be had."""

    path: str
    """Path inside its source."""
    name: str
    """Path below the folder it is pulled into."""
    size: int | None = None
    sha256: str | None = None
    addresses: tuple[Address, ...] = ()
    missing: str = ""
    """Why there are no addresses, where there are none; else why some were left out."""


def wanted(
    found: Resolved,
    *,
    order: Sequence[str] = (),
    mirrors: Iterable[str] = (),
    own: Iterable[str] = (),
    allow_private: bool = False,
    environ: Mapping[str, str] | None = None,
) -> tuple[Wanted, ...]:
    """The files of a build, each with its addresses.

    Args:
        found: What a reference was resolved to.
        order: Kinds of address to try first, such as `modelscope` or `mirror`; the others follow in their order.
            Without it, folders that the operator named come first.
        mirrors: Addresses of mirrors of the gallery, which keep files below `weights/`.
        own: Likewise, of mirrors that the operator named: these may lie inside this network, or on this machine.
        allow_private: Whether definitions may name files of this machine.
        environ: The environment: endpoints and tokens of hubs.

    Raises:
        PullError: The definition records no files, or names that lead elsewhere than they should.

    """
    if unknown := sorted(set(order) - set(KINDS)):
        raise PullError(f"no kind of source is called {unknown[0]!r}; there are {', '.join(KINDS)}")
    if not found.files:
        what = f"{found.id} {found.version} {found.variant}".rstrip()
        raise PullError(
            f"{what} records no files, so nobody knows what to fetch; "
            "its publisher lists and pins them with `galleryctl release`"
        )
    environ = os.environ if environ is None else environ
    places = [*((mirror, False) for mirror in mirrors), *((mirror, True) for mirror in own)]
    ranks = {kind: rank for rank, kind in enumerate(dict.fromkeys((*order, *KINDS)))}

    def one(file: File) -> Wanted:
        digest = file.sha256.lower() if file.sha256 else None
        if digest is not None and not _DIGEST.fullmatch(digest):
            raise PullError(f"{file.path!r}: {file.sha256!r:.100} is no SHA-256; nothing was fetched")
        known = _once(
            [
                _address(file.url, "address") if file.url else None,
                *(_sourced(found.sources, file, found.quantization, environ) if found.sources else ()),
                *(_mirrored(digest, places) if digest else ()),
            ]
        )
        usable = [each for each in known if allow_private or each.own or urlsplit(each.url).scheme != "file"]
        addresses = tuple(sorted(usable, key=lambda each: -1 if not order and _near(each) else ranks[each.kind]))
        missing = "" if addresses else _absent(found.sources)
        return Wanted(file.path, file.install_as or file.path, file.size, digest, addresses, missing)

    return tuple(one(file) for file in found.files)


def itself(gallery: str) -> list[str]:
    """A gallery as a mirror of its own; a folder only where it keeps files of models."""
    parts = urlsplit(gallery)
    return [gallery] if parts.scheme != "file" or Path(unquote(parts.path), "weights").is_dir() else []


def _near(address: Address) -> bool:
    """Whether it is a folder that the operator named: where there is no network, nothing else would answer."""
    return address.own and urlsplit(address.url).scheme == "file"


def _once(known: Iterable[Address | None]) -> Iterator[Address]:
    """What can be read at all, each address as it came first."""
    seen: dict[str, Address] = {}
    for each in known:
        if each is not None:
            seen.setdefault(each.url, each)
    return iter(seen.values())


def _sourced(sources: Sources, file: File, quantization: str, environ: Mapping[str, str]) -> Iterator[Address | None]:
    from galleryctl.runtimes.base import fill  # noqa: PLC0415 - on use: all runtimes come with it

    for kind, hub in sources.hubs().items():
        if quantization in (hub.quantizations or (quantization,)) and kind in _HUBS:
            yield _hosted(kind, hub, file.path, quantization, environ)
    for kind, prefix in (("object", sources.object), ("url", sources.url)):
        if prefix is not None:
            yield _address(_below(fill(prefix.prefix, quantization), file.path), kind)


def _hosted(kind: str, hub: Hub, path: str, quantization: str, environ: Mapping[str, str]) -> Address | None:
    from galleryctl.runtimes.base import fill  # noqa: PLC0415 - as above

    repo = fill(hub.repo, quantization)
    revision = hub.revision or {"modelscope": "master"}.get(kind, "main")
    if not _REPO.fullmatch(repo) or not _REVISION.fullmatch(revision) or ".." in revision:
        raise PullError(
            f"{repo[:200]!r} at {revision[:200]!r} is no repository of {_TITLES[kind]}; nothing was fetched"
        )
    endpoint, headers = _HUBS[kind](environ)
    url = f"{endpoint.rstrip('/')}/{repo}/resolve/{quote(revision, safe='')}/{quote(path)}"
    return _address(url, kind, headers)


def _huggingface(environ: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    token = environ.get("HF_TOKEN") or environ.get("HUGGING_FACE_HUB_TOKEN")
    return environ.get("HF_ENDPOINT") or "https://huggingface.co", _bearer(token)


def _modelscope(environ: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    domain, token = environ.get("MODELSCOPE_DOMAIN"), environ.get("MODELSCOPE_API_TOKEN")
    endpoint = environ.get("MODELSCOPE_ENDPOINT") or f"https://{domain or 'www.modelscope.cn'}"
    headers = {"cookie": f"m_session_id={token}"} if token and _plain(token) else {}
    return f"{endpoint.rstrip('/')}/models", headers


def _csghub(environ: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """CSGHub answers like Hugging Face below `hf`."""
    endpoint = environ.get("CSGHUB_DOMAIN") or "https://hub.opencsg.com"
    return f"{endpoint.rstrip('/')}/hf", _bearer(environ.get("CSGHUB_TOKEN"))


_HUBS = {"huggingface": _huggingface, "modelscope": _modelscope, "csghub": _csghub}


def _bearer(token: str | None) -> Mapping[str, str]:
    return {"authorization": f"Bearer {token}"} if token and _plain(token) else {}


def _plain(token: str) -> bool:
    return re.fullmatch(r"[\x21-\x7e]{1,16384}", token) is not None


def _mirrored(digest: str, mirrors: Iterable[tuple[str, bool]]) -> Iterator[Address | None]:
    for mirror, own in mirrors:
        yield _address(_below(mirror, weight(digest)), "mirror", own=own)


def weight(sha256: str) -> str:
    """Path of a file in a mirror, by its digest."""
    return f"weights/{sha256[:2]}/{sha256}"


def _below(prefix: str, path: str) -> str:
    """The address of a file under a prefix; a signature behind a question mark stays where it is."""
    head, mark, rest = prefix.partition("?")
    inside = path if prefix.startswith("s3:") else quote(path)
    return f"{head.rstrip('/')}/{inside}{mark}{rest}"


def _address(url: str, kind: str, headers: Mapping[str, str] | None = None, *, own: bool = False) -> Address | None:
    """None for what nothing here reads, such as `gs://`: another source may do."""
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return None
    return Address(url, kind, headers or {}, own) if scheme in _SCHEMES else None


def _absent(sources: Sources | None) -> str:
    if sources is not None and sources.oci is not None:
        return (
            f"it is in an OCI artifact, which a runtime pulls by itself, with the same digest: {sources.oci.image}. "
            "Give the runtime this name, or let the publisher record another source"
        )
    if sources is not None and sources.openmind_hub is not None:
        return "openMind has no address for single files that is known here; a second source would help"
    return "its definition names no source that is read here: https, s3, a hub, or with --allow-private file and http"


__all__ = ["KINDS", "Address", "Wanted", "itself", "wanted", "weight"]
