"""`model.yaml`: who and what. Everything here may change at any time."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from galleryctl.spec.base import Count, Frozen, ModelId, Slug, Status, Text, Visibility


class Terms(Frozen):
    """Under which terms a model may be used."""

    price: Literal["free", "paid"] = "free"
    """What the use costs."""
    edition: Literal["community", "enterprise"] = "community"
    """`enterprise` is a grade of a public model, with a permission of its own."""
    free_days: Annotated[int, Field(ge=1)] | None = None
    """How many days a user may use the model, counted from the day of the pin; absent means no limit."""
    effective_from: date | None = None
    """From which day tightened terms hold, for pins made after it."""


class Agreements(Frozen):
    """Versions of the publishing agreements: those in force, or those that an author accepted."""

    publishing: Count | None = None
    """Version of the publishing agreement."""
    service: Count | None = None
    """Version of the service agreement."""


class Upstream(Frozen):
    """A repository to which an export of this model is sent as a pull request."""

    repo: str
    """Repository as `owner/name`."""
    path: str
    """File in that repository."""
    runtime: Slug
    """The runtime whose export is sent."""


class CardSource(Frozen):
    """Where the model card was fetched from."""

    source: str
    """Address or hub repository of the card."""
    revision: str | None = None
    """Commit of the card."""


class Model(Frozen):
    """A model: `publisher/name`. Its id and type are its path, so neither stands in the file."""

    title: Text
    """Name as people write it; plain text, or a map by language."""
    summary: Text | None = None
    """One plain sentence of at most 200 characters, or a map by language. Required for public models."""
    description: Text | None = None
    """A longer text in Markdown, where the card is not enough."""
    license: str | None = None
    """SPDX licence expression, or `LicenseRef-…` together with `license_url`."""
    license_url: str | None = None
    """Address of the licence text."""
    tags: tuple[str, ...] = ()
    """Tags, each a value of a dimension of `taxonomy.yaml`."""
    categories: tuple[str, ...] = ()
    """Categories from `taxonomy.yaml`; they become filters of the site."""
    links: dict[str, str | tuple[str, ...]] = {}
    """Addresses by kind (homepage, repository, paper, weights, …); a kind may have several, in order."""
    maintainers: tuple[str, ...] = ()
    """People or groups of `roles.yaml` who own this model; absent means those of the publisher."""
    base_models: tuple[ModelId, ...] = ()
    """Models this one was made from: fine-tuned, merged, quantized or adapted."""
    aliases: tuple[ModelId, ...] = ()
    """Earlier ids, so that old pins go on resolving."""
    successor: ModelId | None = None
    """The model to use instead."""
    visibility: Visibility = "public"
    """Who may see it. May only widen."""
    allowed: tuple[str, ...] = ()
    """Groups or people who may see a restricted model."""
    listed: bool = True
    """Whether lists and searches show it; `deploy` and `withdraw` change this."""
    status: Status = "active"
    """Whether it should be used."""
    reason: str | None = None
    """Why it is withdrawn, deprecated, discontinued or quarantined."""
    expires: date | None = None
    """From this day on it counts as discontinued."""
    renewable: bool | None = None
    """Whether `expires` or `terms.free_days` may be extended."""
    terms: Terms | None = None
    """Price, edition and duration."""
    regions: tuple[str, ...] = ()
    """Regions in which it may be used, from `taxonomy.yaml`; absent means everywhere."""
    agreements: Agreements | None = None
    """Agreements accepted at publication."""
    upstream: tuple[Upstream, ...] = ()
    """Repositories that receive an export of this model."""
    readme: CardSource | None = None
    """Where the card came from; filled in by a command."""
    featured: bool | None = None
    """Whether it stands first in native exports."""
