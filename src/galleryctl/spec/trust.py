"""The form of the TUF metadata that a registry keeps: root, and targets with their delegation. No signature is checked.

Open to fields that are not known here, as TUF is; https://theupdateframework.github.io/specification/latest/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic, Literal, TypeVar

from pydantic import AwareDatetime, Field

from galleryctl.spec.base import Frozen

if TYPE_CHECKING:
    import datetime as dt

HOLDER = "x-galleryctl-holder"
"""The field of a key of root that says who holds it."""
HOLDER_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"
CATALOG = "catalog"
"""The role that targets delegate the head of the index to."""
KeyId = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Positive = Annotated[int, Field(ge=1, lt=2**53)]


class KeyValue(Frozen):
    """The public half of a key."""

    public: Annotated[str, Field(min_length=1)]
    """Hex for Ed25519, PEM for ECDSA."""


class Key(Frozen):
    """A key by which signatures are judged."""

    keytype: str
    scheme: str
    keyval: KeyValue
    holder: Annotated[str, Field(alias=HOLDER, pattern=rf"^({HOLDER_PATTERN})?$")] = ""
    """Who holds it; empty where that is a program."""


class Role(Frozen):
    """Which keys sign for a role, and how many of them."""

    keyids: Annotated[tuple[KeyId, ...], Field(min_length=1)]
    threshold: _Positive


class DelegatedRole(Role):
    """A role that another one trusts for some paths."""

    name: str
    paths: tuple[str, ...] = ()


class TopRoles(Frozen):
    """The four roles that every root names."""

    root: Role
    targets: Role
    snapshot: Role
    timestamp: Role


class Root(Frozen):
    """`N.root.json`: the keys of all roles."""

    type: Annotated[Literal["root"], Field(alias="_type")]
    version: _Positive
    expires: AwareDatetime
    keys: dict[KeyId, Key]
    roles: TopRoles


class Delegations(Frozen):
    """Whom targets trust."""

    keys: dict[KeyId, Key]
    roles: tuple[DelegatedRole, ...]


class Targets(Frozen):
    """`N.targets.json`: the delegation of the catalog."""

    type: Annotated[Literal["targets"], Field(alias="_type")]
    version: _Positive
    expires: AwareDatetime
    delegations: Delegations

    @property
    def catalog(self) -> DelegatedRole | None:
        """The delegation of the head of the index."""
        return next((role for role in self.delegations.roles if role.name == CATALOG), None)


class Signature(Frozen):
    """One signature; empty where it is still to be made."""

    keyid: KeyId
    sig: str


T = TypeVar("T", Root, Targets)


class Signed(Frozen, Generic[T]):
    """Metadata with its signatures."""

    signed: T
    signatures: tuple[Signature, ...]

    def signers(self) -> frozenset[KeyId]:
        """Keys whose signature is there, right or not."""
        return frozenset(each.keyid for each in self.signatures if each.sig)


def left(expires: dt.datetime, now: dt.datetime) -> int:
    """Whole days until then; negative once it is over."""
    return (expires - now).days
