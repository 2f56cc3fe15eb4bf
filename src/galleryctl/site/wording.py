"""How pages write figures: days, sizes, numbers, addresses of a forge and of a hub."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    import datetime as dt

    from galleryctl.spec import Settings

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HUBS = {
    "huggingface": ("Hugging Face", "https://huggingface.co/{repo}", "/tree/{revision}"),
    "modelscope": ("ModelScope", "https://modelscope.cn/models/{repo}", "/files?version={revision}"),
    "openmind_hub": ("openMind", "https://modelers.cn/models/{repo}", "/tree/{revision}"),
    "csghub": ("CSGHub", "https://opencsg.com/models/{repo}", "/files/{revision}"),
}
_LINKS = {
    "homepage": "Home page",
    "repository": "Source code",
    "paper": "Paper",
    "weights": "Weights",
    "documentation": "Documentation",
    "demo": "Demo",
    "discussion": "Discussion",
    "license": "Licence text",
    "github": "GitHub",
    "huggingface": "Hugging Face",
    "modelscope": "ModelScope",
}


def day(when: dt.date | None) -> str:
    """`9 Oct 2026`; empty for none."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}" if when else ""


def iso(when: dt.datetime | None) -> str:
    """`2026-10-09T08:00:00Z`; empty for none."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else ""


def size(number: int) -> str:
    """Bytes in the decimal units of hubs: `4.97 GB`."""
    value, unit = float(number), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:  # noqa: PLR2004 - the step of the units
            break
        value, unit = value / 1000, larger
    if unit == "bytes":
        return f"{number} bytes"
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"  # noqa: PLR2004 - three digits


def count(number: int) -> str:
    """`40,960`."""
    return f"{number:,}"


def tokens(number: int) -> str:
    """A length of context: `40K`, `1M`, `512`."""
    for step, unit in ((1_048_576, "M"), (1024, "K")):
        if number >= step and number % step == 0:
            return f"{number // step}{unit}"
    for step, unit in ((1_000_000, "M"), (1000, "K")):
        if number >= step:
            return (
                f"{number / step:.0f}{unit}"
                if number % step == 0 or number >= 10 * step
                else f"{number / step:.1f}{unit}"
            )
    return str(number)


def hub(kind: str, repo: str, revision: str | None) -> tuple[str, str]:
    """Name of a hub, and the address of a repository on it at a revision."""
    title, base, at = _HUBS[kind]
    pinned = at.format(revision=quote(revision, safe="")) if revision else ""
    return title, base.format(repo=quote(repo)) + pinned


def link(kind: str) -> str:
    """What a link of a definition is called."""
    return _LINKS.get(kind, kind.replace("_", " ").replace("-", " ").capitalize())


def safe(address: str) -> str:
    """An address that a page may link to: http, https or mailto; else empty."""
    return address if urlsplit(address).scheme in {"http", "https", "mailto"} else ""


def forge(settings: Settings, action: str, path: str) -> str:
    """Address of a path of the registry on its forge; empty without a repository. Actions: edit, commits, tree."""
    if not settings.repository or not safe(settings.repository):
        return ""
    place = quote(f"{settings.branch}/{settings.folder}/{path}".replace("//", "/"))
    return f"{settings.repository.rstrip('/')}/{_dash(settings.repository)}{action}/{place}"


def commit(settings: Settings, identifier: str) -> str:
    """Address of a commit on the forge; empty without a repository."""
    if not settings.repository or not safe(settings.repository):
        return ""
    return f"{settings.repository.rstrip('/')}/{_dash(settings.repository)}commit/{identifier}"


def _dash(repository: str) -> str:
    return "-/" if "gitlab" in (urlsplit(repository).hostname or "") else ""
