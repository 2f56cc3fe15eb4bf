"""What machines follow: Atom feeds of what happened, the same as one JSON document, the sitemap, and robots.txt."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from galleryctl import canonical, layout
from galleryctl.output import Output
from galleryctl.site import events, wording
from galleryctl.spec.published import Changes, Happening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from galleryctl.site.frame import Frame

ENTRIES = 30
"""Entries of a feed."""
EVENTS = 200
"""Events of `/changes.json`."""
SITEMAP = 45_000
"""Addresses of one sitemap; the protocol allows 50 000."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NEVER = "1970-01-01T00:00:00Z"


def outputs(frame: Frame) -> Iterator[Output]:
    view = frame.view
    title = frame.text(view.settings.title)
    telling = events.telling(view)
    yield _feed(frame, layout.feed(), title, "", telling)
    yield _changes(frame, telling)
    for name in view.by_type:
        address = layout.address(layout.type_page(name))
        about = telling.about(partial(_typed, name))
        yield _feed(frame, layout.feed("types", name), f"{title}: {frame.types[name]}", address, about)
    for name in view.by_publisher:
        address = layout.address(layout.publisher_page(name))
        about = telling.about(partial(_published, name))
        yield _feed(frame, layout.feed("publishers", name), f"{title}: {frame.publisher(name)}", address, about)
    yield from _sitemap(frame)
    robots = f"User-agent: *\nAllow: /\n\nSitemap: {frame.base}sitemap.xml\n".encode()
    yield Output("robots.txt", frame.fingerprint("robots"), partial(bytes, robots))


def _typed(wanted: str, identifier: str, kind: str) -> bool:  # noqa: ARG001 - as `Telling.about` asks
    return kind == wanted


def _published(wanted: str, identifier: str, kind: str) -> bool:  # noqa: ARG001 - as `Telling.about` asks
    return identifier.partition("/")[0] == wanted


def _feed(frame: Frame, path: str, title: str, address: str, telling: events.Telling) -> Output:
    # an entry may have had several releases, and each entry changed after its newest one
    newest = events.latest(telling, ENTRIES)
    values = partial(_values, frame, path, title, address, newest)
    return Output(
        path, frame.fingerprint("feed", title, events.key(frame, newest)), partial(_render, frame, path, values)
    )


def _values(frame: Frame, path: str, title: str, address: str, newest: events.Telling) -> dict[str, Any]:
    found = [event for event in events.events(frame, newest, ENTRIES) if event.kind != "changed" or event.summary]
    return {
        "feed": f"{frame.base}{path}",
        "page": f"{frame.base}{address}",
        "feed_title": title,
        "stamp": wording.iso(found[0].when) if found else _NEVER,
        "events": [(_plain(event), wording.iso(event.when)) for event in found],
    }


def _changes(frame: Frame, telling: events.Telling) -> Output:
    newest = events.latest(telling, EVENTS)
    return Output(
        layout.CHANGES, frame.fingerprint("happenings", events.key(frame, newest)), partial(_document, frame, newest)
    )


def _document(frame: Frame, newest: events.Telling) -> bytes:
    known, stones = {entry.id: entry.outline for entry in newest.entries}, dict(newest.gone)
    happened = tuple(
        Happening(
            when=event.when,
            kind=event.kind,
            id=event.id,
            type=known[event.id].type if event.id in known else stones[event.id].type,
            version=event.version or None,
            title=known[event.id].title if event.id in known else event.id,
            what=event.told or ((event.notes,) if event.notes else ()),
            address=event.href,
        )
        for event in events.events(frame, newest, EVENTS)
    )
    return canonical.dumps(Changes(changes=happened).model_dump(mode="json", exclude_none=True))


def _plain(event: events.Event) -> events.Event:
    """Without the control characters that XML cannot hold."""
    return event._replace(title=_CONTROL.sub("", event.title), summary=_CONTROL.sub("", event.summary))


def _render(frame: Frame, path: str, values: partial[dict[str, Any]]) -> bytes:
    return frame.page("feed.xml", path, values())


def _sitemap(frame: Frame) -> Iterator[Output]:
    """One file while it may be, else an index of several. Only what lists show is in it."""
    pages = [("", ""), ("models/", ""), ("publishers/", ""), ("changes/", ""), ("about/", ""), ("rules/", "")]
    pages += [(layout.address(layout.type_page(name)), "") for name in frame.view.by_type]
    pages += [(layout.address(layout.publisher_page(name)), "") for name in frame.view.by_publisher]
    for entry in frame.view.shown:
        pages.append((layout.address(layout.model_page(entry.id)), wording.iso(entry.outline.updated)))
    parts = [pages[start : start + SITEMAP] for start in range(0, len(pages), SITEMAP)]
    if len(parts) == 1:
        yield _addresses(frame, "sitemap.xml", parts[0])
        return
    names = [f"sitemap-{number}.xml" for number in range(1, len(parts) + 1)]
    for name, part in zip(names, parts, strict=True):
        yield _addresses(frame, name, part)
    lines = "".join(f"<sitemap><loc>{escape(frame.base + name)}</loc></sitemap>\n" for name in names)
    index = _xml("sitemapindex", lines)
    yield Output("sitemap.xml", frame.fingerprint("sitemap", str(len(parts))), partial(bytes, index))


def _addresses(frame: Frame, path: str, pages: Sequence[tuple[str, str]]) -> Output:
    seen = "".join(f"{address}{when}" for address, when in pages)
    return Output(path, frame.fingerprint("sitemap", seen), partial(_urls, frame.base, pages))


def _urls(base: str, pages: Sequence[tuple[str, str]]) -> bytes:
    lines = "".join(
        f"<url><loc>{escape(base + address)}</loc>{f'<lastmod>{when}</lastmod>' if when else ''}</url>\n"
        for address, when in pages
    )
    return _xml("urlset", lines)


def _xml(name: str, lines: str) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<{name} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}</{name}>\n'.encode()
