"""Who is known on the forges of the tests, and what each may do in the repository."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from galleryctl.spec.review import Login

REPOSITORY = "acme/gallery"


@dataclass(frozen=True)
class Account:
    """One account. `none` is everybody else on a public forge: may read, comment and propose from a fork."""

    id: int
    login: str
    permission: Literal["admin", "write", "read", "none"] = "none"
    bot: bool = False

    @property
    def token(self) -> str:
        """Looks like a token, so that what hides tokens can be tried with it."""
        return f"ghp_{self.login.replace('[', '').replace(']', ''):x<12.12}{self.id:0>24}"

    @property
    def known(self) -> Login:
        return Login(id=self.id, login=self.login, bot=self.bot)

    @property
    def pushes(self) -> bool:
        return self.permission in {"admin", "write"}


ADA = Account(1001, "ada", "admin")
BOB = Account(1002, "bob", "write")
EVE = Account(1003, "eve", "read")
MALLORY = Account(1666, "mallory")
ROBOT = Account(2001, "galleryctl[bot]", "write", bot=True)
EVERYBODY = (ADA, BOB, EVE, MALLORY, ROBOT)
