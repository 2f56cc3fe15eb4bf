"""Questions on a terminal whose answers are text. Ctrl-C raises `KeyboardInterrupt`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def text(question: str, wrong: Callable[[str], str], *, default: str = "", hint: str = "") -> str:
    """One line. `wrong` says what is wrong with an answer, empty where nothing is; then it is asked for again."""
    import questionary  # noqa: PLC0415 - only a question needs it

    given: str = questionary.text(
        question,
        default=default,
        instruction=f"({hint}) " if hint else None,
        validate=lambda said: wrong(said.strip()) or True,
    ).unsafe_ask()
    return given.strip()


def confirm(question: str) -> bool:
    """Yes or no; no unless said."""
    import questionary  # noqa: PLC0415 - only a question needs it

    given: bool = questionary.confirm(question, default=False, auto_enter=False).unsafe_ask()
    return given
