"""What exporters make of models in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import made
from galleryctl import exports, layout
from galleryctl.spec import Settings

if TYPE_CHECKING:
    from galleryctl.gallery import Entry

COMMIT = "a" * 40


def files(name: str, *entries: Entry, runtimes: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The files of one exporter by their path below its folder; `runtimes` are enabled beside it."""
    settings = Settings(title="Test: gallery", runtimes=(name, *runtimes))
    with exports.prepared(made.view(*entries, settings=settings), (name,)) as found:
        return {layout.inside(output.path): output.render() for output in found.outputs()}


def left(name: str, *entries: Entry) -> dict[str, list[tuple[str, str, str]]]:
    """What one exporter leaves out: variant, quantization and the English reason, by id."""
    with exports.prepared(made.view(*entries, settings=Settings(title="T", runtimes=(name,))), (name,)) as found:
        reports = list(found.reports())
    reasons = {
        report.id: [(each.variant, each.quantization, each.reason) for each in report.left] for report in reports
    }
    return {
        identifier: [(*where, reason["en"]) for *where, reason in each if isinstance(reason, dict)]  # type: ignore[misc]
        for identifier, each in reasons.items()
        if each
    }
