"""Lists of models: the home page, the whole list, one type, one publisher; and the list of publishers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl import layout
from galleryctl.site import covers, facets, maintaining, reviews, rows, wording
from galleryctl.site.builds import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.gallery import Entry
    from galleryctl.output import Output
    from galleryctl.site.frame import Frame

NEWEST = 24
"""Rows of the home page."""
PAGE = 48
"""Rows of every other list."""
ALL = "models"


class Tab(NamedTuple):
    href: str
    type: str
    label: str
    models: int
    current: bool


class Profile(NamedTuple):
    name: str
    verified: bool
    links: tuple[tuple[str, str], ...]
    maintainers: tuple[str, ...]
    """People and groups of `roles.yaml`."""
    new: str
    """Address of the forge's page for a new model; empty without a repository."""
    edit: str
    """Address of the forge's page for the profile."""
    pulls: tuple[reviews.Row, ...]
    """Open pull requests about its models."""
    expiring: tuple[tuple[str, str, str], ...]
    """Id, address and day of what will expire soon."""


class Listed(NamedTuple):
    """A list that may need several pages: `scope` is a model type, or empty for all."""

    base: str
    scope: str
    heading: str
    lead: str
    feed: str
    entries: Sequence[Entry]
    crumbs: tuple[tuple[str, str], ...]
    profile: Profile | None = None
    step: str = "page"


def outputs(frame: Frame) -> Iterator[Output]:
    """Every list of the site."""
    newest = frame.view.shown.newest
    every = _every(frame, newest)
    counts = _counts(frame)
    key = frame.fingerprint("home", every, counts, frame.view.commit or "")
    yield frame.output("index.html", "list.html", key, partial(_home, frame, newest))
    whole = Listed(
        f"{ALL}/", "", "All models", "Newest first. Changes never move a model.", layout.feed(), newest,
        (("Models", "./"), ("All", "")), step=_step(frame),
    )  # fmt: skip
    yield from _pages(frame, whole, counts)
    for name, entries in frame.view.by_type.items():
        title = frame.types[name]
        description = str(frame.view.types[name].schema.get("description", "")).partition(": ")[2]
        lead = description[:1].upper() + description[1:]
        listed = Listed(
            layout.address(layout.type_page(name)),
            name,
            f"{title} models",
            lead,
            layout.feed("types", name),
            entries,
            (("Models", "./"), (title, "")),
        )
        yield from _pages(frame, listed, counts)
    for name, entries in frame.view.by_publisher.items():
        yield from _pages(frame, _publisher(frame, name, entries), "")
    everyone = "".join(
        f"{name}{frame.profiles.get(name, '')}{len(found)}" for name, found in frame.view.by_publisher.items()
    )
    yield frame.output(
        "publishers/index.html",
        "publishers.html",
        frame.fingerprint("publishers", everyone),
        partial(_publishers, frame),
    )


def data(frame: Frame, root: str, scope: str = "") -> dict[str, Any]:
    """What the script needs to know of the gallery: see the contract of the package."""
    shown = {name: entries for name, entries in frame.view.by_type.items() if entries and scope in {"", name}}
    return {
        "root": root,
        "language": frame.language,
        "scope": scope,
        "every": ["abilities", *frame.view.taxonomy.dimensions],
        "search": {name: layout.search_document(name, frame.language) for name in shown},
        "types": {
            name: {
                "title": frame.types[name],
                "position": frame.positions[name],
                "rows": [
                    {"name": fact.name, "title": frame.text(fact.title), "unit": fact.unit}
                    for fact in frame.view.types[name].rows
                ],
                "labels": {
                    facet.name: {value: frame.text(label) for value, label in facet.labels.items()}
                    for facet in frame.view.types[name].facets
                    if facet.labels and not facet.ranges
                },
            }
            for name in shown
        },
    }


def _home(frame: Frame, newest: Sequence[Entry]) -> dict[str, Any]:
    view = frame.view
    total = len(newest)
    changed = max((entry.outline.updated for entry in view.gallery if entry.outline.updated), default=None)
    first = newest[:NEWEST]
    return {
        "nav": "models",
        "title": "Models",
        "description": frame.text(view.settings.description)
        or f"{total} AI models with sizes, licences, memory needs and files.",
        "noindex": False,
        "hero": True,
        "heading": "",
        "lead": "",
        "crumbs": (),
        "profile": None,
        "searchable": False,
        "total": total,
        "publishers": len(view.by_publisher),
        "pinned": sum(entry.outline.pinned for entry in newest),
        "commit": (view.commit or "")[:7],
        "commit_href": wording.commit(view.settings, view.commit) if view.commit else "",
        "changed": wording.iso(changed),
        "changed_day": wording.day(changed),
        "feed": layout.feed(),
        "feed_title": "Newest models",
        "previous": "",
        "next": "",
        "tabs": _tabs(frame, "", "./"),
        "groups": facets.groups(frame, newest, view.types),
        "scope": "",
        "rows": rows.rows(frame, first),
        "first": 1 if first else 0,
        "last": len(first),
        "pages": [(f"All {total} models", f"{ALL}/")] if total > NEWEST else [],
        "data": embedded(data(frame, "./")),
    }


def _pages(frame: Frame, listed: Listed, counts: str) -> Iterator[Output]:
    """The pages of a list. Facets stand on the first one; there the script pages through all."""
    total = max(1, -(-len(listed.entries) // PAGE))
    for number in range(1, total + 1):
        part = listed.entries[(number - 1) * PAGE : number * PAGE]
        seen = "".join(
            frame.row_keys[entry.id] for entry in (listed.entries if number == 1 and not listed.profile else part)
        )
        profile = repr(listed.profile)
        key = frame.fingerprint(
            "list", listed.base, listed.step, str(number), str(len(listed.entries)), seen, counts, profile
        )
        yield frame.output(_path(listed, number), "list.html", key, partial(_page, frame, listed, number, total))


def _step(frame: Frame) -> str:
    """The folder of the further pages of all models. A publisher may be called `page`, but none `-`."""
    gallery, stones = frame.view.gallery, frame.view.tombstones
    taken = any(identifier.startswith("page/") for identifier in (*gallery.by_id, *gallery.aliases, *stones))
    return "-" if taken else "page"


def _path(listed: Listed, number: int) -> str:
    return f"{listed.base}index.html" if number == 1 else f"{listed.base}{listed.step}/{number}/index.html"


def _page(frame: Frame, listed: Listed, number: int, last: int) -> dict[str, Any]:
    total, profile = len(listed.entries), listed.profile
    part = listed.entries[(number - 1) * PAGE : number * PAGE]
    path = _path(listed, number)
    first = number == 1 and profile is None
    types = [listed.scope] if listed.scope else list(frame.view.types)
    root = "../" * path.count("/")
    near = {number + step: layout.address(_path(listed, number + step)) for step in (-1, 1)}
    return {
        "nav": "publishers" if profile else "models",
        "title": listed.heading + (f", page {number}" if number > 1 else ""),
        "description": listed.lead or f"{total} models: {listed.heading}.",
        "noindex": False,
        "hero": False,
        "heading": listed.heading,
        "lead": listed.lead,
        "crumbs": listed.crumbs,
        "profile": profile,
        "searchable": first,
        "total": total,
        "feed": listed.feed,
        "feed_title": listed.heading,
        "previous": near[number - 1] if number > 1 else "",
        "next": near[number + 1] if number < last else "",
        "tabs": [] if profile else _tabs(frame, listed.scope, f"{ALL}/"),
        "groups": facets.groups(frame, listed.entries, types) if first else [],
        "scope": listed.scope,
        "rows": rows.rows(frame, part),
        "first": (number - 1) * PAGE + 1 if part else 0,
        "last": (number - 1) * PAGE + len(part),
        "pages": list(_pager(listed, number, last)),
        "data": embedded(data(frame, root, listed.scope) if first else {"root": root, "language": frame.language}),
    }


def _pager(listed: Listed, number: int, last: int) -> Iterator[tuple[str, str | None]]:
    """Label and address of each step; no address is a gap, an empty one the page itself."""
    if last == 1:
        return
    if number > 1:
        yield "Previous", layout.address(_path(listed, number - 1))
    shown = sorted({1, last, *range(max(1, number - 2), min(last, number + 2) + 1)})
    before = 0
    for page in shown:
        if page > before + 1:
            yield "…", None
        yield str(page), "" if page == number else layout.address(_path(listed, page))
        before = page
    if number < last:
        yield "Next", layout.address(_path(listed, number + 1))


def _tabs(frame: Frame, scope: str, everything: str) -> list[Tab]:
    found = [Tab(everything, "", "All", len(frame.view.shown), not scope)]
    for name, entries in frame.view.by_type.items():
        if entries or name == scope:
            found.append(
                Tab(layout.address(layout.type_page(name)), name, frame.types[name], len(entries), name == scope)
            )
    return found


def _publisher(frame: Frame, name: str, entries: Sequence[Entry]) -> Listed:
    profile = frame.view.publishers.get(name)
    links: list[tuple[str, str]] = []
    for kind, found in (profile.links if profile else {}).items():
        addresses = (found,) if isinstance(found, str) else found
        links += [(wording.link(kind), safe) for address in addresses if (safe := wording.safe(address))]
    return Listed(
        layout.address(layout.publisher_page(name)), "",
        frame.publisher(name), frame.text(profile.summary) if profile else "",
        layout.feed("publishers", name), entries, (("Publishers", "publishers/"), (name, "")),
        Profile(
            name, bool(profile and profile.proof), tuple(links), profile.maintainers if profile else (),
            maintaining.new_model(frame.view.settings, name),
            wording.forge(frame.view.settings, "edit", f"publishers/{name}.yaml"),
            tuple(reviews.by_publisher(frame, name)),
            tuple(
                (entry.id, layout.address(layout.model_page(entry.id)), wording.day(entry.outline.expires))
                for entry in entries
                if frame.expiring(entry.outline)
            ),
        ),
    )  # fmt: skip


def _publishers(frame: Frame) -> dict[str, Any]:
    found = [
        {
            "name": name,
            "title": frame.publisher(name),
            "ink": covers.ink(name),
            "cover": covers.holes(name, 0),
            "count": len(entries),
            "verified": bool((profile := frame.view.publishers.get(name)) and profile.proof),
            "types": ", ".join(dict.fromkeys(frame.types[entry.outline.type] for entry in entries)),
        }
        for name, entries in frame.view.by_publisher.items()
    ]
    return {
        "nav": "publishers",
        "title": "Publishers",
        "description": f"{len(found)} publishers of models.",
        "noindex": False,
        "found": sorted(found, key=lambda item: str(item["title"]).casefold()),
    }


def _every(frame: Frame, entries: Sequence[Entry]) -> str:
    return "".join(frame.row_keys[entry.id] for entry in entries)


def _counts(frame: Frame) -> str:
    counts: Mapping[str, int] = {name: len(entries) for name, entries in frame.view.by_type.items()}
    return repr(counts)
