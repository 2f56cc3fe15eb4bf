"""The house form of a typed value, and the small vocabularies that several types share."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import ValidationError


class Frozen(BaseModel):
    """Frozen. Published documents are read open to unknown fields, authors' files with extra="forbid"."""

    # Building the validators of all types takes longer than many a command; each is built when it is first used.
    # The text below a field is read by `told`, where somebody asks: here, the source would be parsed at every start.
    model_config = ConfigDict(frozen=True, serialize_by_alias=True, defer_build=True)


Text = str | dict[str, str]
"""Plain text, or a map from language (BCP-47) to text."""

ID_PATTERN = r"[a-z0-9][a-z0-9._-]*"
LONGEST_NAME = 96
"""Characters of a publisher's or a model's name."""
VERSION_PATTERN = r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})"

Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text on one line: it becomes a line of what runtimes read."""

Slug = Annotated[str, Field(pattern=rf"^{ID_PATTERN}$", max_length=96)]
ModelId = Annotated[str, Field(pattern=rf"^{ID_PATTERN}/{ID_PATTERN}$")]
Version = Annotated[str, Field(pattern=rf"^{VERSION_PATTERN}$")]
Size = Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?(KiB|MiB|GiB|TiB)$", examples=["8GiB"])]
Parameters = Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?[KMBT]$", examples=["8B", "1.8B", "335M"])]
Duration = Annotated[str, Field(pattern=r"^[0-9]{1,6}[smhd]$", examples=["10m", "72h", "30d"])]
Count = Annotated[int, Field(ge=0)]

Status = Literal["active", "deprecated", "discontinued", "quarantined"]
Visibility = Literal["public", "organisation", "restricted", "private"]

_NAME = re.compile(ID_PATTERN).fullmatch
_VERSION = re.compile(VERSION_PATTERN).fullmatch
_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SCALES = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def localised(text: Text | None, language: str, default: str) -> str:
    """The text in one language, else in the default language, else in any; empty where there is none."""
    if text is None:
        return ""
    if isinstance(text, str):
        return text
    return text.get(language) or text.get(default) or next(iter(text.values()), "")


def folded(identifier: str) -> str:
    """Ids that fold to the same text are one: neither case nor `-` and `_` tell them apart; the dot of `2.7b` does."""
    return identifier.casefold().replace("_", "-")


@lru_cache(4096)
def size_in_bytes(size: str) -> int:
    """`8GiB` as 8589934592."""
    return int(float(size[:-3]) * _UNITS[size[-3:]])


@lru_cache(4096)
def time_span(duration: str) -> dt.timedelta:
    """`72h` as three days."""
    return dt.timedelta(seconds=int(duration[:-1]) * _SECONDS[duration[-1]])


@lru_cache(4096)
def parameter_count(parameters: str) -> int:
    """`1.8B` as 1800000000."""
    return round(float(parameters[:-1]) * _SCALES[parameters[-1]])


def parameters_text(count: int) -> str | None:
    """`8.2B` for 8190735360; none for what is no size of a model."""
    letter, scale = next(((letter, scale) for letter, scale in _SCALES.items() if count < scale * 999.5), ("T", 10**12))
    figure = count / scale
    if not 0.9995 <= figure < 10**4:  # noqa: PLR2004 - a thousand of the smallest unit, ten thousand of the largest
        return None
    return f"{figure:.0f}{letter}" if figure >= 100 else f"{figure:.1f}".removesuffix(".0") + letter  # noqa: PLR2004


@lru_cache(4096)
def version_key(version: str) -> tuple[int, ...]:
    """Orders versions as numbers: 1.10.0 comes after 1.9.0."""
    return tuple(int(part) for part in version.split("."))


def is_name(text: str) -> bool:
    """Whether a publisher or a model can be called so."""
    plain = _NAME(text) is not None and ".." not in text and not text.endswith(".")
    return plain and len(text) <= LONGEST_NAME


def is_version(text: str) -> bool:
    return _VERSION(text) is not None


def newest(versions: Mapping[str, Status]) -> str | None:
    """The newest active version, else the newest deprecated one, else none."""
    for status in ("active", "deprecated"):
        found = [version for version, state in versions.items() if state == status]
        if found:
            return max(found, key=version_key)
    return None


def first_fault(error: ValidationError | RecursionError) -> str:
    """Where the first thing is that is wrong with a document, and what: on one line, whoever wrote it."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    found = error.errors(include_url=False, include_input=False)[0]
    place = ascii(".".join(map(str, found["loc"])) or "the document")[1:-1]
    return f"{place[:100]}: {found['msg'][:100]}"
