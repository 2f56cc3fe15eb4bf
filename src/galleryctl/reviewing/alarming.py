"""The one issue that says that a workflow has stopped, opened when it fails and closed when it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.reviewing import markdown

if TYPE_CHECKING:
    import datetime as dt

    from galleryctl.forge import Forge

_FINE = frozenset({"success"})
_SILENT = frozenset({"cancelled"})


def tell(forge: Forge, workflow: str, outcome: str, run: str, *, now: dt.datetime) -> str:
    """Open or edit the issue, or close it; what was done, in words."""
    marker = f"<!-- galleryctl:alarm {''.join(letter for letter in workflow if letter.isalnum())} -->"
    if outcome in _FINE:
        closed = forge.close_issue(marker)
        return f"closed issue {closed}: {workflow} goes on" if closed else f"{workflow} goes on"
    if outcome in _SILENT:
        return f"{workflow} was cancelled; nobody is told"
    lines = [
        f"{markdown.code(workflow, 40)} ended with {markdown.code(outcome, 40)} at {now:%Y-%m-%d %H:%M} UTC.",
        "The last good gallery stays up.",
        "",
        f"Log: {run if run.startswith('https://') else markdown.code(run, 200)}",
        "",
        "`galleryctl check` on the default branch names what is wrong. This issue closes when it works again.",
        "",
        marker,
    ]
    return f"issue {forge.issue(f'The workflow {workflow} fails', chr(10).join(lines), marker)}: {workflow} fails"
