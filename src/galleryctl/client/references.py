"""How a model is named: `publisher/name[@version or range][:build]`. Pure.

* `1.2.0` is a pin: exactly this release. All else is a range, of which the newest usable release is meant: `1` and
  `1.2` are all that begins so; `^1.2` goes up to the next major, `^0.2` up to 0.3; `~1.2.3` goes up to the next minor;
  of `>=1.0,<2.0` both hold; `latest` and nothing at all are any.
* After the colon stands what of the release is meant: a variant, a quantization, both as `<variant>-<quantization>`, a
  size such as `8b`, or a format. Case does not count there; the first of these that something has is what is meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.client.errors import UnknownError
from galleryctl.spec.base import is_name, is_version, version_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_LONGEST = 300
_SHOWN = 60
_MOST = 8
"""Terms of a range."""
_END = 10**9 + 1
"""Above every number of a version."""
_HINT = "write publisher/name, publisher/name@1.2.0 or publisher/name@^1:q4_k_m"
_TERM = re.compile(r"(==|=|\^|~|>=|<=|>|<|)\s?((?:0|[1-9][0-9]{0,8})(?:\.(?:0|[1-9][0-9]{0,8})){0,2})")
_ANY = frozenset({"", "latest", "*"})

Key = tuple[int, ...]


class Bounds(NamedTuple):
    """Versions from one number on, up to another one that does not belong to them."""

    low: Key
    high: Key


@dataclass(frozen=True, slots=True)
class Range:
    """Which releases are meant."""

    text: str = ""
    """As written, without spaces; empty for any."""
    bounds: tuple[Bounds, ...] = ()
    exact: str | None = None
    """The one release, where it is a pin."""

    def allows(self, version: str) -> bool:
        """Whether a version `x.y.z` belongs to it."""
        key = version_key(version)
        return all(low <= key < high for low, high in self.bounds)


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference, taken apart. `str()` gives it in one spelling."""

    id: str
    versions: Range = Range()
    build: str = ""
    """What stands after the colon; empty for whatever suits best."""

    @property
    def pinned(self) -> bool:
        """Whether it names one release exactly."""
        return self.versions.exact is not None

    def __str__(self) -> str:
        version = f"@{self.versions.text}" if self.versions.text else ""
        return f"{self.id}{version}" + (f":{self.build}" if self.build else "")


def parse(text: str, known: Callable[[], Iterable[str]] = tuple) -> Reference:
    """Take a reference apart; `known` gives ids to suggest from. UnknownError: it is none."""
    if len(text) > _LONGEST or not text.isprintable():
        raise UnknownError(f"{short(text)} is no reference: {_HINT}")
    if "//" in text:
        raise UnknownError(f"{short(text)} is an address, not a model of a gallery: {_HINT}")
    identifier, at, rest = text.strip().partition("@")
    version = build = ""
    colon = ":" in identifier
    if colon:
        identifier, _, build = identifier.partition(":")
        build += at + rest
    elif at:
        version, mark, build = rest.partition(":")
        colon = mark == ":"
        if not version.strip():
            raise UnknownError(f"{short(text)} has no version after the @: leave the @ out for the newest release")
    if colon and not build.strip():
        raise UnknownError(f"{short(text)} has nothing after the colon: name a variant, a quantization, size or format")
    _identifier(identifier, text, known)
    return Reference(identifier, versions(version), build.strip())


def versions(text: str) -> Range:
    """A pin or a range. UnknownError: it is neither."""
    bare = ",".join(term.strip() for term in text.split(","))
    if bare in _ANY:
        return Range()
    terms = [_TERM.fullmatch(term) for term in bare.split(",")]
    if len(terms) > _MOST or None in terms:
        raise UnknownError(f"{short(text)} is no version or range: {_instead(bare)}")
    parts = [(found[1], found[2]) for found in terms if found]
    plain = "".join(f",{operator}{number}" for operator, number in parts)[1:]
    if len(parts) == 1 and parts[0][0] in {"", "=", "=="} and is_version(parts[0][1]):
        exact = parts[0][1]
        return Range(exact, (_bounds("", exact),), exact)
    found = tuple(_bounds(operator, number) for operator, number in parts)
    if max(low for low, _ in found) >= min(high for _, high in found):
        raise UnknownError(f"nothing can be in the range {short(text)}: its lower end is not below its upper end")
    return Range(plain, found)


def nearest(word: str, known: Iterable[str], *, most: int = 3) -> Sequence[str]:
    """Known words that look like one, the likest first; else those that begin so."""
    from difflib import get_close_matches  # noqa: PLC0415 - on use: only mistakes need it

    folded = {each.casefold(): each for each in sorted(known, reverse=True)}
    wanted = word.casefold()[:_LONGEST]
    found = get_close_matches(wanted, folded, n=most) or sorted(each for each in folded if each.startswith(wanted))
    return [folded[each] for each in found[:most]]


def meant(word: str, known: Iterable[str]) -> str:
    """`; did you mean a or b?`, or nothing."""
    found = nearest(word, known)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def short(text: str) -> str:
    """Text of strangers for a message: quoted, on one line, not long."""
    shown = "".join(character if character.isprintable() else "·" for character in text[: _SHOWN + 1])
    return f"`{shown[:_SHOWN]}…`" if len(text) > _SHOWN else f"`{shown}`"


def _identifier(identifier: str, text: str, known: Callable[[], Iterable[str]]) -> None:
    publisher, slash, name = identifier.partition("/")
    if slash and is_name(publisher) and is_name(name):
        return
    if name.count("/"):
        raise UnknownError(f"{short(text)} is a path, not a model of a gallery: {_HINT}")
    lower = identifier.casefold()
    if not slash and is_name(lower):
        same = [each for each in known() if each.partition("/")[2] == lower]
        other = f"; did you mean {' or '.join(sorted(same)[:3])}?" if same else meant(lower, known())
        raise UnknownError(f"{short(text)} names no publisher{other or f': {_HINT}'}")
    if slash and lower != identifier and all(map(is_name, lower.split("/"))):
        raise UnknownError(f"{short(text)} is no id: ids are lower case; did you mean {lower}?")
    raise UnknownError(f"{short(text)} is no reference: {_HINT}")


def _instead(text: str) -> str:
    plain = re.sub(r"(?:\.[xX*])+$", "", text.removeprefix("v").removeprefix("V"))
    if plain != text and _TERM.fullmatch(plain):
        return f"did you mean {plain}?"
    return "write 1.2.0 for exactly that release, or a range: 1, 1.2, ^1.2, ~1.2.3, `>=1.0,<2.0`, latest"


def _bounds(operator: str, number: str) -> Bounds:
    given = version_key(number)
    low = _filled(given)
    if operator in {">=", "<"}:
        return Bounds(low, (_END,)) if operator == ">=" else Bounds(_filled(()), low)
    if operator in {">", "<="}:
        return Bounds(_after(given), (_END,)) if operator == ">" else Bounds(_filled(()), _after(given))
    if operator == "~":
        return Bounds(low, _after(given[:2]))
    if operator == "^":
        # The first number that is not zero is the one that promises to stay; `^0.0` and `^0` promise what they name.
        kept = next((index for index, part in enumerate(given) if part), len(given) - 1)
        return Bounds(low, _after(given[: kept + 1]))
    return Bounds(low, _after(given))


def _filled(given: Key) -> Key:
    return (*given, 0, 0, 0)[:3]


def _after(given: Key) -> Key:
    """The first version after all that begin so."""
    return _filled((*given[:-1], given[-1] + 1))
