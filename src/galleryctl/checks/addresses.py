"""URL: addresses that people follow and machines fetch."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, parse_qs, urlsplit

from galleryctl.checks import placed
from galleryctl.checks.identity import data_file
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, World, once, rule
from galleryctl.document import assign
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Address(NamedTuple):
    path: str
    pointer: Pointer
    text: str
    fetched: bool = False
    """Whether a machine fetches what lies there, so that a page in its place is wrong."""


@once
def _addresses(subject: Subject) -> Iterator[_Address]:
    model, path = subject.definition.model, subject.model_file
    for kind, link in model.links.items():
        if isinstance(link, str):
            yield _Address(path, ("links", kind), link)
        else:
            yield from (_Address(path, ("links", kind, index), each) for index, each in enumerate(link))
    if model.license_url is not None:
        yield _Address(path, ("license_url",), model.license_url)
    for each in placed.releases(subject):
        yield from _of_release(each)
    for path, pointer, file, *_ in placed.files(subject):
        if file.url is not None:
            yield _Address(path, (*pointer, "url"), file.url, fetched=True)


def _of_release(each: placed.PlacedRelease) -> Iterator[_Address]:
    origin = each.release.origin
    task = f"{origin.platform}:{origin.ref}" if origin else None  # the run that reported a metric may have no address
    for index, metric in enumerate(each.release.metrics):
        if metric.source is not None and metric.source != task:
            yield _Address(each.path, ("metrics", index, "source"), metric.source)
    for index, download in enumerate(each.release.downloads):
        yield _Address(each.path, ("downloads", index, "url"), download.url, fetched=True)
    for index, variant in enumerate(each.release.variants):
        if variant.sources and variant.sources.url:
            pointer = ("variants", index, "sources", "url", "prefix")
            yield _Address(each.path, pointer, variant.sources.url.prefix, fetched=True)


@lru_cache(4096)
def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts


_PRIVATE_NAMES = (".local", ".internal", ".lan", ".home", ".corp", ".intranet", ".localhost", ".test", ".invalid")


_PRIVATE_ENDS = frozenset(name[1:] for name in _PRIVATE_NAMES)
_FINE = re.compile(r"https://(?:[a-z0-9-]+\.)+([a-z]+)(?:/[^\s\[\]@\\]*)?")
"""Nearly every address: it needs no closer look, but for the last part of its host."""


@lru_cache(4096)
def _private(host: str) -> bool:
    """Whether a host cannot be reached by everybody."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_PRIVATE_NAMES)
    return not address.is_global


def _wrong(text: str) -> tuple[str, str] | None:  # noqa: PLR0911 - one line for each mistake
    """What is wrong with an address, and how to mend it."""
    if (fine := _FINE.fullmatch(text)) and fine[1] not in _PRIVATE_ENDS:
        return None
    if re.search(r"\s", text):
        return "has a space", "write %20, or the name as published"
    parts = _split(text)
    if parts is None:
        return "is no address", "write https://host/path"
    if parts.scheme == "http":
        return "is not https", f"write https{text[4:]}, if the host answers there"
    if parts.scheme != "https":
        return (f"has the scheme {parts.scheme}" if parts.scheme else "has no scheme"), "write https://…"
    if not parts.hostname:
        return "has no host", "write https://host/path"
    if parts.username is not None or parts.password is not None:
        return "holds a name or password", "remove what stands before the @, and change that password"
    if _private(parts.hostname):
        return "leads to a private network", "use an address that everybody can reach"
    return None


def bad_link(world: World) -> Iterator[Finding]:
    """A link of a publisher is no address."""
    for name, publisher in world.context.publishers.items():
        for kind, value in publisher.links.items():
            for index, link in enumerate((value,) if isinstance(value, str) else value):
                if wrong := _wrong(link):
                    pointer: Pointer = ("links", kind) if isinstance(value, str) else ("links", kind, index)
                    path = data_file(world, f"publishers/{name}") or f"publishers/{name}.yaml"
                    yield Finding(path, pointer, f"{_shown(link)!r} {wrong[0]}", wrong[1])


def _shown(address: str) -> str:
    """An address without its password."""
    return re.sub(r"//[^/@]*@", "//…@", address)


def bad_address(subject: Subject) -> Iterator[Finding]:
    """An address has spaces, another scheme than https, credentials or a private host.

    Spaces break the address in most programs; plain http can be changed on the way; a password in it is public from
    the first commit; and a private host is reachable for nobody, or only for machines that should not be reached. A
    metric may name the release's own `origin` instead, as `platform:ref`: a training run may have no address.

    Bad:

    ```yaml
    links: {homepage: "http://192.168.0.7/models/DeepSeek-R 1"}
    ```

    Good:

    ```yaml
    links: {homepage: https://www.deepseek.com/models/DeepSeek-R1}
    ```
    """
    for each in _addresses(subject):
        if wrong := _wrong(each.text):
            yield Finding(each.path, each.pointer, f"{_shown(each.text)!r} {wrong[0]}", wrong[1])


_PAGES = (
    (re.compile(r"(https://(?:huggingface\.co|hf\.co)/[^?#]+?)/blob/([^?#]+)(?:[?#].*)?"), r"\1/resolve/\2"),
    (re.compile(r"(https://github\.com/[^/]+/[^/]+)/blob/([^?#]+)(?:[?#].*)?"), r"\1/raw/\2"),
    (
        re.compile(r"(https://(?:www\.)?modelscope\.cn/models/[^/]+/[^/]+)/file/view/([^?#]+)(?:[?#].*)?"),
        r"\1/resolve/\2",
    ),
)


def page_address(subject: Subject) -> Iterator[Finding]:
    """An address leads to a page about a file, and not to the file.

    Who fetches it gets a few kilobytes of HTML under the name of the weights, and the digest does not fit.

    Bad:

    ```yaml
    url: https://huggingface.co/acme/tiny/blob/main/tiny.gguf
    ```

    Good:

    ```yaml
    url: https://huggingface.co/acme/tiny/resolve/main/tiny.gguf
    ```
    """
    for each in _addresses(subject):
        for pattern, file in _PAGES if each.fetched and ("/blob/" in each.text or "/view/" in each.text) else ():
            if pattern.fullmatch(each.text):
                meant = pattern.sub(file, each.text)
                edits = assign(subject.documents[each.path.rpartition("/")[2]], each.pointer, meant)
                yield Finding(each.path, each.pointer, f"{each.text} is a page, not the file", f"write {meant}", edits)


_COPY = re.compile(
    r"https://(?:huggingface\.co|hf\.co|(?:www\.)?modelscope\.cn)/\S*?[-_/.](gguf|ggml|gptq|awq|mlx|exl2|bnb|[348]bit|[348]-bit|int[48]|fp8|i1)(?:[-_/.?#]|$)",
    re.IGNORECASE,
)


def copied_homepage(subject: Subject) -> Iterator[Finding]:
    """The homepage is a quantized copy of the model.

    Readers follow it for the paper, the licence and the people who made the model, and find a converter instead.

    Bad:

    ```yaml
    links: {homepage: https://huggingface.co/bartowski/Qwen3-8B-GGUF}
    ```

    Good:

    ```yaml
    links: {homepage: https://huggingface.co/Qwen/Qwen3-8B}
    ```
    """
    home = subject.definition.model.links.get("homepage", ())
    for index, link in enumerate((home,) if isinstance(home, str) else home):
        if copy := _COPY.match(link):
            pointer: Pointer = ("links", "homepage") if isinstance(home, str) else ("links", "homepage", index)
            message = f"{link} is a copy in the form {copy[1]}, not the model's home"
            yield Finding(subject.model_file, pointer, message, "link to the original, or call the link `weights`")


_SHORTENERS = {
    "bit.ly", "t.co", "tinyurl.com", "goo.gl", "ow.ly", "is.gd", "buff.ly", "t.ly", "rb.gy", "cutt.ly", "shorturl.at",
    "dwz.cn", "suo.im", "url.cn", "t.cn", "tiny.cc", "rebrand.ly", "lnkd.in", "aka.ms",
}  # fmt: skip
_SIGNATURES = {
    "x-amz-signature", "x-amz-expires", "x-amz-security-token", "x-goog-signature", "x-goog-expires", "signature",
    "expires", "key-pair-id", "awsaccesskeyid", "googleaccessid", "ossaccesskeyid", "x-oss-signature", "sig", "token",
    "access_token", "q-signature", "x-cos-security-token",
}  # fmt: skip


def passing_address(subject: Subject) -> Iterator[Finding]:
    """An address is signed, expires, or is shortened.

    A signature is good for hours or days and then the file is gone; a short address leads wherever its owner likes.

    Bad:

    ```yaml
    links: {weights: "https://files.acme.example/tiny.gguf?X-Amz-Expires=3600&X-Amz-Signature=5f0c"}
    ```

    Good:

    ```yaml
    links: {weights: https://files.acme.example/tiny.gguf}
    ```
    """
    for each in _addresses(subject):
        if "?" not in each.text and _FINE.fullmatch(each.text) and each.text.split("/", 3)[2] not in _SHORTENERS:
            continue
        parts = _split(each.text)
        if parts is None:
            continue
        if parts.hostname in _SHORTENERS:
            message = f"{each.text} is a shortened address"
            yield Finding(each.path, each.pointer, message, "write the address it leads to")
        elif parts.query and (signed := [key for key in parse_qs(parts.query) if key.lower() in _SIGNATURES]):
            bare = each.text.partition("?")[0]
            message = f"the address {bare} is signed ({', '.join(signed)}) and will expire"
            yield Finding(each.path, each.pointer, message, "write the permanent address")


RULES: tuple[Rule, ...] = (
    rule("URL001", Severity.ERROR, entry=bad_address, gallery=bad_link),
    rule("URL002", Severity.ERROR, entry=page_address, fixable=True),
    rule("URL005", Severity.WARN, entry=copied_homepage),
    rule("URL006", Severity.ERROR, entry=passing_address),
)
