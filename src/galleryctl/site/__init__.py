"""The gallery for people: static pages, feeds, and the assets they load. See `pages` for what there is.

Pages work without script, under any path, and hold no inline script or style. What the script may rely on:

* `<html data-root>` is the way from the page to the root of the site. `assets/start.js` (classic, before the page is
  drawn) puts the class `js` on `<html>` and the theme into `data-theme`; `.js-only` and `.nojs-only` follow the
  class. `assets/app.js` is a module. Both are loaded if they exist, as `?v=<digest>`; MiniSearch is
  `assets/vendor/minisearch.js`.
* Lists (home, `/models/`, `/types/<type>/`, `/publishers/<publisher>/`): `#models[data-scope]` holds `.rows > .row`
  with `data-id`, `data-type`, `data-n` (place in the list). A row's `.ruler[data-v]` has the builds, `label|GiB|KiB
  per token` joined by `;`, the same as `builds` of a search record. In `.in > svg` (0 0 1000 11) a path `.bar` goes
  from the smallest to the largest, paths `.y .t .n` hold a tick `M<x> 0v11` for each build that fits, is tight or too
  large, and `path.b.<state>` the dot `M<x> 5.5h.01` of the chosen one; x is `fit.along` and so on: `fit` has the
  formulas to keep. `.fit.<state>` is the sentence. `:root` has `--needle`, the place of the machine.
* Controls: `#q`, `#sort` (new, updated, name, mem, ctx), `#ctx`, `#gib` (0 to 1000 along the axis), `.flag`, `.facets
  input` (name is the facet, value, `data-label`, a sibling `.count`), `.facets-toggle`, `.tabs a[data-type]`,
  `.active` (chips), `#status`, `#none`, `#clear`, `.pager`, `#theme-switch`. Tags link to
  `/?<facet>=<value>`.
* `#gallery` (JSON) on lists: `root`, `language`; and on the first page of home, `/models/` and types also `scope`,
  `search` (type → path of its search document), `every` (facets of which all chosen values must match, not one),
  `types` (type → title, position for the cover, rows, labels by facet). The rows of search documents are
  `spec.published.SearchRecord`; covers are drawn as `covers` does.
* Model pages: `[data-copy]` copies its value, or the `pre` beside it where empty. `#commands` (JSON): `labels` of
  targets, `words`, and `commands[target][runtime]` = `[command, note]` or `[reason]`, numbers into `words`; `#target`
  chooses, each `.runs > section[data-runtime]` has `.cmd pre`, `.why .for`, `.why .said`. `.mem tbody[data-size]`
  with rows `tr[data-v="GiB|KiB"]`, columns `th[data-ctx]`; `[data-pick]` chooses a size, `#mine` the machine.
  `[data-more]` shows rows of that class. `.subnav a` mark the section in view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.site import events, feeds, lists, model, pages, reviews
from galleryctl.site.frame import Frame
from galleryctl.site.look import Look

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.audience import View
    from galleryctl.gallery import Entry
    from galleryctl.output import Output
    from galleryctl.runtimes import Natives

__all__ = ["Look", "latest", "outputs"]


def latest(view: View) -> tuple[Entry, ...]:
    """The models of whose last change the pages tell."""
    return events.latest(events.telling(view), pages.CHANGES).entries


def outputs(
    view: View, look: Look, natives: Natives | None = None, told: Mapping[str, tuple[str, ...]] | None = None
) -> Iterator[Output]:
    """Every page, feed and asset of a view in a look, with what is said of its native exports and of its changes."""
    frame = Frame(view, look, natives, told or {})
    yield from lists.outputs(frame)
    for entry in view.gallery:
        yield model.output(frame, entry)
    yield from pages.outputs(frame)
    yield from reviews.outputs(frame)
    yield from feeds.outputs(frame)
