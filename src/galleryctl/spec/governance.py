"""The files beside the models: settings, people, policy, vocabulary, publishers, consumers, tombstones."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from galleryctl.spec.base import Count, Duration, Frozen, ModelId, Slug, Status, Text, Version
from galleryctl.spec.model import Agreements

Address = Annotated[
    str,
    Field(
        pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[^\s\"'<>`{|}^\\]*)?$",
        examples=["https://models.example.org"],
    ),
]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", examples=["en", "zh"])]


class Settings(Frozen):
    """`gallery.yaml`: what the gallery is called, where it lies and what it offers."""

    title: Text
    """Name of the gallery."""
    description: Text | None = None
    """One sentence about the gallery."""
    url: Address = "http://127.0.0.1:8000"
    """Address under which the gallery is published."""
    repository: Address | None = None
    """Address of the repository, for links to source, history and editing."""
    branch: str = "main"
    """Default branch of the repository."""
    folder: str = "registry"
    """Folder of the registry inside the repository."""
    default_language: Language = "en"
    """Language shown where a translation is missing."""
    languages: tuple[Language, ...] = ("en",)
    """Languages of the gallery, BCP-47."""
    runtimes: tuple[Slug, ...] = ()
    """Runtimes for which native exports are made."""
    organisation: str | None = None
    """Group of `roles.yaml` that is the organisation audience."""
    contact: str | None = None
    """Address for questions."""
    mirrors: tuple[Address, ...] = ()
    """Other addresses of the same gallery, which clients ask where this one does not answer."""
    epoch: Annotated[int, Field(ge=1)] = 1
    """Raised by hand, only after somebody published serials that must be forgotten."""


class Account(Frozen):
    """An account of the forge: the number counts, the login is for display."""

    id: Count
    """Numeric id of the account."""
    login: str
    """Login at the time of writing."""


class Person(Frozen):
    """Somebody who may be given rights."""

    github: Account
    """GitHub account."""
    kind: Literal["person", "bot"] = "person"
    """Bots never approve."""


class Grant(Frozen):
    """A role given to people, within a scope."""

    role: str
    """Role of `roles`."""
    to: str | tuple[str, ...]
    """People or groups."""
    scope: str
    """`publisher/name`, `publisher/*`, `type:audio` or `*`."""
    only: tuple[str, ...] | None = None
    """Actions of the role that are meant; absent means all."""
    visibility: tuple[str, ...] | None = None
    """Visibilities to which the grant is limited."""
    types: tuple[str, ...] | None = None
    """Model types to which the grant is limited."""
    edition: tuple[str, ...] | None = None
    """Editions to which the grant is limited."""


Asked = Literal["owner", "reviewer", "steward", "clearance", "admin"]
"""Who is asked to approve: whoever holds an action of that role, where the change is."""


class Rules(Frozen):
    """How approvals are counted."""

    admin_quorum: Annotated[int, Field(ge=1)] = 2
    """Approvals that a change of governance needs."""
    author_may_approve: bool = False
    """Whether the author's own approval counts. That of the last pusher never does, nor that of a bot."""
    maintainer_consent: bool = True
    """Whether a new maintainer has to agree."""
    new_publisher: tuple[Asked | Literal["proof"], ...] = ("reviewer", "proof")
    """Who approves a new publisher; without the `proof` it stays unclaimed."""
    remove: tuple[Asked, ...] = ("owner", "steward")
    """Who approves a removal; twice the same role means two people."""
    lift_quarantine: tuple[Asked, ...] = ("steward", "steward")
    """Who approves that a quarantine ends; twice the same role means two people."""
    owner_silent_after: Duration = "180d"
    """After how long without an answer of the owners a reviewer may act for them."""


class Roles(Frozen):
    """`roles.yaml`: people, groups, roles and grants. Read from the base revision only."""

    version: Literal[1] = 1
    """Format of this file."""
    people: dict[str, Person] = {}
    """People by the name used everywhere else."""
    groups: dict[str, tuple[str, ...]] = {}
    """Groups of people."""
    roles: dict[str, tuple[str, ...]] = {}
    """Actions each role covers."""
    grants: tuple[Grant, ...] = ()
    """Who has which role where."""
    rules: Rules = Rules()
    """Quorum, consent and other rules of the review."""


class Limits(Frozen):
    """How large things may be."""

    files: Count = 100
    """Files of one pull request."""
    models: Count = 20
    """Models of one pull request."""
    definition: Count = 64 * 1024
    """Bytes of a definition file."""
    card: Count = 256 * 1024
    """Bytes of a model card."""
    cover: Count = 200 * 1024
    """Bytes of a cover."""
    depth: Count = 20
    """Nesting of a definition file."""
    nodes: Count = 5_000
    """Values of a definition file."""
    expires_days: Count = 1_830
    """How far ahead `expires` may lie, in days."""
    cover_ratio: tuple[float, float] = (0.5, 2.0)
    """Narrowest and widest cover, width by height."""
    cover_pixels: Count = 2_000
    """Longest side of a cover in pixels."""


class Reserved(Frozen):
    """A name nobody may take."""

    name: str
    """Publisher, or id."""
    reason: str
    """Why."""
    link: str | None = None
    """Where it was decided."""


class Declined(Frozen):
    """Something that was proposed and not taken."""

    name: str
    """Publisher, or id."""
    reason: Annotated[str, Field(min_length=1)]
    """Why it was declined."""
    link: str | None = None
    """Where it was decided."""
    until: dt.date | None = None
    """Last day on which this counts; absent means for good."""


class Wait(Frozen):
    """A lane whose pull requests may be merged without a review, after a while."""

    open: bool = True
    """Whether the lane is open; else its pull requests are reviewed like all others."""
    wait: Duration = "10m"
    """How long anybody may object before the merge."""


class NewWait(Frozen):
    """The lane of new models."""

    open: bool = True
    """Whether the lane is open."""
    owner: Duration = "72h"
    """How long a new model of an owner waits in public, if no reviewer approves it earlier."""
    reviewer: Duration = "10m"
    """How long one waits whose author may approve new models."""


class UrgentWait(Frozen):
    """The lane of quarantines."""

    open: bool = True
    """Whether the lane is open."""
    wait: Duration = "0m"
    """How long a quarantine waits."""
    confirm: Duration = "24h"
    """Within which time another steward should confirm it."""


class Lanes(Frozen):
    """What may be merged without a review. Everything else is `manual`."""

    release: Wait = Wait()
    """One new release of an existing model: same licence, audience, status, hosts and owners of its sources."""
    text: Wait = Wait()
    """Summary, tags, links, card, translations and cover of existing models."""
    new: NewWait = NewWait()
    """New models of an existing publisher, without a warning."""
    urgent: UrgentWait = UrgentWait()
    """Only a quarantine, by a steward."""


class Clocks(Frozen):
    """How long things take."""

    widen: Duration = "24h"
    """How long a wider audience waits, on top of its lane."""
    undo: Duration = "72h"
    """How long after its first publication something may be taken back by its owner alone."""
    stale: Duration = "30d"
    """After how long in the author's turn a pull request counts as stale."""


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
_DATE = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_ZONE = r"(Z|[+-][0-9]{2}:[0-9]{2})?"
Bound = Annotated[str, Field(pattern=rf"^({_TIME}|{_DATE}(T{_TIME}{_ZONE})?)$", examples=["09:00", "2026-12-24"])]
"""A time of a day, a day, or a moment; in UTC where no zone is named."""


class Busy(Frozen):
    """A window in which changes are better not merged: hours of a day, or days; all in UTC."""

    days: tuple[Day, ...] = ()
    """Days of the week on which a window of hours begins; absent means every day."""
    start: Annotated[Bound, Field(alias="from")]
    """Time of day or date at which it begins."""
    until: Bound
    """Time of day or date at which it ends; a date counts to its end."""
    reason: str | None = None
    """Why."""


class Scanner(Frozen):
    """A program that looks at files or container images; run by `check --online` and by nothing else."""

    looks_at: Annotated[Literal["images", "files"], Field(alias="for")]
    """What it looks at. The image, or the path of the file, is added to the command."""
    command: Annotated[tuple[str, ...], Field(min_length=1)]
    """Program and arguments; no shell reads them. An exit code other than 0 is a finding."""
    seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    """How long it may take for one file or image."""


class Policy(Frozen):
    """`policy.yaml`: severities, limits, reserved names, lanes. Read from the base revision only."""

    version: Literal[1] = 1
    """Format of this file."""
    severities: dict[str, Literal["error", "warn", "note", "off"]] = {}
    """Severity by rule code (`LIC006`) or group (`TAX`)."""
    limits: Limits = Limits()
    """How large things may be."""
    reserved: tuple[Reserved, ...] = ()
    """Names nobody may take."""
    repository: Literal["public", "private"] = "public"
    """Whether strangers can read the repository itself."""
    hosts: tuple[str, ...] = ()
    """Hosts from which `url` sources may come; empty means any."""
    lanes: Lanes = Lanes()
    """What may be merged without a review."""
    clocks: Clocks = Clocks()
    """Waiting periods."""
    busy: tuple[Busy, ...] = ()
    """Windows in which changes are better not merged."""
    declined: tuple[Declined, ...] = ()
    """What was proposed before and not taken."""
    sign_off: bool = False
    """Whether every commit has to carry `Signed-off-by`."""
    backports: bool = False
    """Whether a release may be numbered below the highest one, as long as its number was never used."""
    agreements: Agreements = Agreements()
    """Current versions of the agreements, which a new model or release has to accept."""
    scanners: tuple[Scanner, ...] = ()
    """Programs that look at files and container images before they are published."""


class Value(Frozen):
    """One value of a vocabulary."""

    label: Text
    """How the site writes it."""
    aliases: tuple[str, ...] = ()
    """Other spellings that are replaced by this one."""


class Dimension(Frozen):
    """A vocabulary: value → label and aliases. The site has one facet for each."""

    title: Text
    """Name of the facet."""
    values: dict[str, Value] = {}
    """The values."""


class Licence(Frozen):
    """A licence the gallery accepts."""

    label: Text
    """Name of the licence."""
    commercial: Literal["allowed", "terms", "forbidden"] = "terms"
    """Whether it allows commercial use: freely, under its own terms, or not."""
    url: str | None = None
    """Address of the text."""


class Taxonomy(Frozen):
    """`taxonomy.yaml`: the words a gallery sorts by."""

    dimensions: dict[str, Dimension] = {}
    """Dimensions of tags."""
    categories: Dimension = Dimension(title="Category")
    """Values of `categories`."""
    regions: Dimension = Dimension(title="Region")
    """Values of `regions`."""
    frameworks: Dimension = Dimension(title="Framework")
    """Values of `environment.framework`."""
    scenes: Dimension = Dimension(title="Scene")
    """Values of `origin.scene`."""
    licenses: dict[str, Licence] = {}
    """Licences the gallery accepts; empty means any."""


class Proof(Frozen):
    """How it was proved that a publisher is who the name says."""

    kind: Literal["forge", "hub", "domain"]
    """What was proved."""
    value: str
    """Organisation or domain."""
    date: dt.date | None = None
    """Day of the proof."""


class Publisher(Frozen):
    """`publishers/<publisher>.yaml`: the profile of a namespace."""

    title: Text
    """Name as people write it."""
    summary: Text | None = None
    """One sentence."""
    links: dict[str, str | tuple[str, ...]] = {}
    """Addresses by kind."""
    maintainers: tuple[str, ...] = ()
    """People or groups of `roles.yaml` who own the namespace."""
    proof: Proof | None = None
    """How the name was proved; absent means unclaimed."""


class Pin(Frozen):
    """A service's use of one model."""

    model: ModelId
    """The model."""
    version: Version | None = None
    """The release; absent means the newest."""
    variant: str | None = None
    """The variant."""
    since: dt.date | None = None
    """Day from which it is used."""


class Consumer(Frozen):
    """`consumers/<service>.yaml`: a service and the models it pins."""

    title: Text
    """Name of the service."""
    owners: tuple[str, ...] = ()
    """People or groups to ask before a pinned model is removed."""
    pins: tuple[Pin, ...] = ()
    """Models in use."""
    link: str | None = None
    """Address of the service."""


class Tombstone(Frozen):
    """`removed/<publisher>/<name>.yaml`: an id and versions that are gone and never come back."""

    type: Slug
    """Type of the model that was removed."""
    reason: str
    """Why it was removed."""
    since: dt.date
    """Day of the removal."""
    releases: tuple[Version, ...] = ()
    """Every version that had been published."""
    whole: bool = True
    """Whether the whole model is gone, or only these releases."""
    successor: ModelId | None = None
    """The model to use instead."""
    status: Status = "discontinued"
    """Status at the removal."""
