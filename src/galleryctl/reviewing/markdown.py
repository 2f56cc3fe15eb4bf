"""Texts of strangers inside our Markdown: nothing of them is markup, nobody is notified, and what hides is written out.

Escapes are made for what GitHub does beyond Markdown too: it looks for names, numbers and commits in the *rendered*
text, where a backslash or an entity has gone, so those are parted by a character without width.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from galleryctl.changes.values import shown

_PARTING = "&#8203;"  # a space without width: `@` and `#` before it mean nothing
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>&|!#@$~^]|://|www\.|\b(?=GH-\d)", re.IGNORECASE)
_NAMES = {"@": f"@{_PARTING}", "#": f"#{_PARTING}", "$": "<span>$</span>", "://": f":{_PARTING}//", "": _PARTING}
_COMMIT = re.compile(r"\b(?=[0-9a-f]*[0-9])([0-9a-f]{7})(?=[0-9a-f]{0,57}\b)")
_TAME = re.compile(r"[^\\`|<>&\s](?:[^\\`|<>&]*[^\\`|<>&\s])?").fullmatch
"""What may stand between backticks, in a cell of a table too."""


def plain(text: str, limit: int = 0) -> str:
    """One line of at most `limit` characters, in which everything can be seen."""
    return shown(text, limit)


def prose(text: str, limit: int = 0) -> str:
    """A text as text. Parts between backticks are set as code, as in the sentences of the rules."""
    parts = plain(text, limit).split("`")
    if len(parts) % 2 == 0:  # one is not closed
        parts = ["'".join(parts)]
    return "".join(_code(part) if index % 2 else _words(part) for index, part in enumerate(parts))


def code(text: str, limit: int = 0) -> str:
    """A text as code: inside it GitHub looks for nothing. Goes everywhere, also into a cell of a table."""
    return _code(plain(text, limit))


def _words(text: str) -> str:
    text = _SPECIAL.sub(lambda match: _escaped(match[0]), text)
    return _COMMIT.sub(rf"\1{_PARTING}", text)


def _escaped(found: str) -> str:
    if found.lower() == "www.":
        return f"{found[:3]}{_PARTING}."
    return _NAMES[found] if found in _NAMES else f"&#{ord(found)};"


def _code(text: str) -> str:
    if _TAME(text):
        return f"`{text}`"
    if not text:
        return ""
    # As HTML: a pipe between backticks would end a cell. No character of Markdown is left to mean anything.
    return f"<code>{re.sub(r'[^A-Za-z0-9 ./,;=+%?()-]', _entity, text)}</code>"


def _entity(match: re.Match[str]) -> str:
    return match[0] if not match[0].isascii() else f"&#{ord(match[0])};"


def link(text: str, address: str) -> str:
    """`text` is Markdown already. An address that is none of the web is left out."""
    if not address.startswith(("https://", "http://")):
        return text
    return f"[{text}]({quote(address, safe=_ADDRESS)})"


_ADDRESS = "/:?#=&%@,;+~$-._!*'"  # not brackets, which would end the address


def fence(lines: list[str]) -> str:
    """Commands to copy. No line may come from a stranger but through `shlex.quote` and `plain`."""
    return "\n".join(["~~~~~~sh", *lines, "~~~~~~"])
