"""GPT4All's model list: one GGUF file each, every number a text, descriptions in HTML, digests mostly MD5."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from galleryctl.hubs import shapes
from galleryctl.importers import records
from galleryctl.importers.base import FIRST, Candidate, Rejected, Remark
from galleryctl.importers.licences import spdx
from galleryctl.importers.naming import publisher_of, slug
from galleryctl.importers.records import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.fetch import Fetcher
    from galleryctl.importers.base import Options, Reference

NAME = "gpt4all"
TITLE = "GPT4All models3.json"
EXAMPLES: tuple[str, ...] = ()

_KEYS = ('"filename"', '"ramrequired"', '"filesize"')
_HOUSE = "gpt4all"
"""Publisher of what the list's own host serves."""
_PARAMETERS = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?) (thousand|million|billion|trillion)")
_SCALE = {"thousand": "K", "million": "M", "billion": "B", "trillion": "T"}
_QUANTIZATION = re.compile(r"[A-Z0-9][A-Z0-9_.-]{0,31}")
_LICENCE = re.compile(r"(?:^|\n)- Licen[sc]e: \[([^\]\n]{1,80})\]\((https?://[^\s()]+)\)")
_TAG = re.compile(r"(?:^|\n)- #([a-z][a-z0-9-]{0,31})(?=\n|$)")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){1,3}")
_KNOWN = frozenset({"name", "filename", "filesize", "ramrequired", "parameters", "quant", "type", "description"}) | {
    *("url", "chatTemplate", "md5sum", "sha256sum", "embeddingModel", "removedIn", "order", "requires")
}
_UNSAID = frozenset({"systemPrompt", "systemMessage", "promptTemplate", "disableGUI"})
"""A Jinja template takes the place of the old ones; what the system says is the user's to choose."""


def claims(reference: Reference) -> bool:
    start = records.content(reference)
    return start.startswith("[") and all(key in start for key in _KEYS)


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:  # noqa: ARG001
    """Entries of the list. Raises `UsageError` where it is no JSON array."""
    for record in records.array(records.named(reference), reference.data):
        yield translate(record.at, record.value, options)


def translate(at: str, value: object, options: Options) -> Candidate | Rejected:
    """One entry as a model."""
    if not isinstance(value, dict):
        return Rejected("", at, (Remark("SCH003", "an entry must be an object"),))
    reading = Reading(value)
    title = reading.line("name")
    if title is None:
        return Rejected("", at, (Remark("SCH002", "the entry has no name"),))
    name = slug(title)
    variant = _variant(reading)
    if not name:
        return Rejected(title, at, (Remark("IDN001", "no id can be made: the name has no Latin letters"),))
    if variant is None:
        return Rejected(title, at, (*reading.remarks, Remark("FIL004", "the entry has no file that can be used")))
    sources = variant.get("sources", {})
    publisher = options.publisher or publisher_of(
        next((each.get("repo", "") for each in sources.values()), "") or _HOUSE
    )
    model, texts = _model(reading, title), {}
    template = _template(reading)
    spec: dict[str, Any] = {}
    if family := reading.line("type"):
        spec["family"] = family
    embedding = value.get("embeddingModel") in (True, "true")
    if template and not embedding:
        spec |= {"abilities": ["chat"], "prompt": {"template": {"file": f"{FIRST}.jinja"}}}
        texts[f"{FIRST}.jinja"] = template
    reading.left_out(_KNOWN, _UNSAID)
    memory = records.whole(value.get("ramrequired"))
    release = {"spec": spec, "variants": [variant]}
    release |= {"requirements": {"memory": f"{memory}GiB"}} if memory else {}
    return Candidate(
        source=title,
        at=at,
        type=options.type or ("embedding" if embedding else "llm"),
        id=f"{publisher}/{name}",
        model=model,
        releases={FIRST: {key: each for key, each in release.items() if each}},
        texts=texts,
        remarks=tuple(dict.fromkeys(reading.remarks)),
    )


def _template(reading: Reading) -> bytes | None:
    """The Jinja template as it stands: each of its spaces counts."""
    found = reading.value.get("chatTemplate")
    try:
        return found.encode() if isinstance(found, str) and found.strip() else None
    except UnicodeEncodeError:
        reading.remark("TPL001", "`chatTemplate` is no Unicode text", "left out")
        return None


def _model(reading: Reading, title: str) -> dict[str, Any]:
    raw = reading.text("description") or ""
    text = markdown(raw)
    if text != raw:
        reading.remark("TXT005", "the description is HTML", "it was written as Markdown")
    plain = text if "\n" in text else text.replace("**", "")
    model: dict[str, Any] = {"title": title, **records.described(reading, title, plain)}
    if found := _LICENCE.search(text):
        expression = spdx(found[1])
        address = records.address(found[2])
        model |= {"license": expression} if expression else {}
        model |= {"license_url": address} if expression and expression.startswith("LicenseRef-") and address else {}
    if tags := list(dict.fromkeys(_TAG.findall(text))):
        model["tags"] = tags
    gone = reading.line("removedIn")
    if gone and _VERSION.fullmatch(gone):
        model |= {"status": "deprecated", "reason": f"GPT4All {gone} and later do not offer it."}
    return model


def _variant(reading: Reading) -> dict[str, Any] | None:
    url = records.address(reading.value.get("url"))
    name = reading.line("filename") or (url or "").partition("?")[0].rpartition("/")[2]
    place = records.hub_file(url)
    path = place.path if place else name
    if url is None or not records.safe(path):
        return None
    if name != path.rpartition("/")[2]:
        last = path.rpartition("/")[2]
        reading.remark("FIL009", f"the file is called `{name}`, its address ends in `{last}`", "the address was taken")
    file = {"path": path, "size": records.whole(reading.value.get("filesize")), "sha256": _digest(reading)}
    variant: dict[str, Any] = {"format": "gguf"} if path.lower().endswith(".gguf") else {}
    if found := _PARAMETERS.fullmatch(reading.line("parameters") or ""):
        variant["parameters"] = f"{found[1]}{_SCALE[found[2]]}"
    said = (reading.line("quant") or "").upper()
    quantization = said if _QUANTIZATION.fullmatch(said) else "default"
    variant["quantizations"] = [quantization]
    if place:
        revision = shapes.commit(place.revision)
        if revision is None:
            reading.remark("SRC002", f"`{place.repo}` follows `{place.revision}`", "`galleryctl release` pins it")
        source = {"repo": place.repo, "revision": revision, "file": path if "{" not in path else None}
        variant["sources"] = {place.kind: {key: each for key, each in source.items() if each}}
    elif url.endswith(f"/{path}"):
        variant["sources"] = {"url": {"prefix": url.removesuffix(path)}}
    else:
        file["url"] = url
    variant["files"] = {quantization: [{key: each for key, each in file.items() if each is not None}]}
    return variant


def _digest(reading: Reading) -> str | None:
    found = shapes.digest(reading.value.get("sha256sum"))
    if found is None:
        what = "an MD5 sum is no SHA-256 digest" if reading.value.get("md5sum") else "the digest is missing"
        reading.remark("FIL001", what, "`galleryctl release` fills it in")
    return found


def markdown(text: str) -> str:
    """HTML as Markdown: lists, line breaks, strong words and links; other tags are dropped, their text stays."""
    parser = _Text()
    parser.feed(text)
    parser.close()
    lines = "".join(parser.parts).split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(" ".join(line.split()) for line in lines)).strip()


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "li":
            self.parts.append("\n- ")
        elif tag in {"br", "p", "ul", "ol"}:
            self.parts.append("\n\n" if tag == "p" else "\n")
        elif tag in {"strong", "b"}:
            self.parts.append("**")
        elif tag == "a":
            self._open.append(records.address(dict(attrs).get("href")) or "")
            self.parts.append("[" if self._open[-1] else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"strong", "b"}:
            self.parts.append("**")
        elif tag in {"ul", "ol", "p"}:
            self.parts.append("\n")
        elif tag == "a" and self._open:
            address = self._open.pop()
            self.parts.append(f"]({address})" if address else "")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
