"""The one issue that says that a workflow has stopped, opened when it fails and closed when it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.reviewing import markdown

if TYPE_CHECKING:
    import datetime as dt

    from galleryctl.forge import Forge

_FINE = frozenset({"success"})
_SILENT = frozenset({"cancelled"})
_KEYS = "keys"
"""No workflow, but what `refresh` finds out about them."""


def tell(forge: Forge, workflow: str, outcome: str, run: str, *, now: dt.datetime) -> str:
    """Open or edit the issue, or close it; what was done, in words."""
    marker = f"<!-- galleryctl:alarm {''.join(letter for letter in workflow if letter.isalnum())} -->"
    if outcome in _FINE:
        closed = forge.close_issue(marker)
        return f"closed issue {closed}: {workflow} goes on" if closed else f"{workflow} goes on"
    if outcome in _SILENT:
        return f"{workflow} was cancelled; nobody is told"
    when, ended = f"{now:%Y-%m-%d %H:%M} UTC", markdown.code(outcome, 40)
    title = f"The workflow {workflow} fails"
    first = f"{markdown.code(workflow, 40)} ended with {ended} at {when}.\nThe last good gallery stays up."
    todo = "`galleryctl check` on the default branch names what is wrong. This issue closes when it works again."
    if workflow == _KEYS:
        title = "The keys of the gallery need their holders"
        first = f"Something about the keys is due or wrong, as of {when}.\nWhat is signed stays good until it expires."
        todo = "`galleryctl keys status` says what, and which commands come next. This issue closes when it is done."
    log = f"Log: {run if run.startswith('https://') else markdown.code(run, 200)}"
    issue = forge.issue(title, f"{first}\n\n{log}\n\n{todo}\n\n{marker}", marker)
    return f"issue {issue}: {workflow} {'need somebody' if workflow == _KEYS else 'fails'}"
