"""VIS: published is published. An audience only grows, by base and by the ledger of what was published before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.checks.identity import data_file
from galleryctl.checks.pairs import Pair, pairs
from galleryctl.checks.rule import Comparison, Finding, Rule, rule
from galleryctl.problems import Severity
from galleryctl.visibility import Audience, Audiences, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.rule import Pointer
    from galleryctl.gallery import Outline


def narrowed(comparison: Comparison) -> Iterator[Finding]:
    """A model is kept from people who saw it.

    What was published has been fetched, copied and pinned: nobody can take it back by a line in a file, and whoever
    relies on it would lose it without a word. Audiences are compared as sets of people, with the groups of base; what
    cannot be compared counts as narrower. A model can be withdrawn from lists, discontinued or removed instead, and all
    of these say why.

    Bad:

    ```yaml
    # base has visibility: public
    visibility: organisation
    ```

    Good:

    ```yaml
    # base has visibility: organisation
    visibility: public
    ```
    """
    order = _order(comparison)
    for pair in pairs(comparison):
        if _step(order, pair) is Step.NARROWER and pair.before and pair.after:
            was, now = _said(pair.before.outline), _said(pair.after.outline)
            message = f"{_named(pair)} is {now}, and {was} in base ({pair.base_file})"
            yield Finding(pair.model_file, _place(pair.before.outline, pair.after.outline), message, _instead(pair.id))


def narrower_than_ever(comparison: Comparison) -> Iterator[Finding]:
    """A model would be kept from people to whom it was published before.

    Deleting a model and adding it again for fewer people is the same as narrowing it, in two steps. What was published
    is known from the ledger, the directory of every published tree, and from tombstones; so an id that comes back, or
    that takes over an older one as an alias, is shown to all who saw it.

    Bad:

    ```yaml
    # the published directory has acme/tiny, base has it no more
    visibility: organisation
    ```

    Good:

    ```yaml
    # the published directory has acme/tiny, base has it no more
    visibility: public
    ```
    """
    order = _order(comparison)
    for pair in pairs(comparison):
        step = _step(order, pair)
        if pair.after is None or step in {Step.SAME, Step.NARROWER}:  # base has no less, or VIS001 tells it
            continue
        outline = pair.after.outline
        for name in dict.fromkeys((outline.id, pair.id, *outline.aliases)):
            was, witness = _published(comparison, order, name)
            if not order.includes(order.of(outline), was):
                message = f"{outline.id} is {_said(outline)}, and {'' if name == outline.id else f'{name} '}{witness}"
                other = "choose another id" if name == outline.id else "drop that alias"
                fix = f"show it to all who saw {name}, with `visibility: public`, or {other}"
                yield Finding(pair.model_file, ("visibility",), message, fix)
                break


def _order(comparison: Comparison) -> Audiences:
    context = comparison.base.context
    return Audiences(context.roles, context.settings.organisation)


def _step(order: Audiences, pair: Pair) -> Step | None:
    """What becomes of the audience of a model that both sides have."""
    if pair.before is None or pair.after is None:
        return None
    return order.step(order.of(pair.before.outline), order.of(pair.after.outline))


def _published(comparison: Comparison, order: Audiences, name: str) -> tuple[Audience, str]:
    """To whom an id was published, and who says so."""
    was, witness = Audience("private"), ""
    seen = sorted(comparison.ledger.audiences.get(name, ()), key=lambda each: (each != "public", each))
    for audience in seen:
        was = order.join(was, order.named(audience))
    if seen:
        witness = f"was published to {', '.join('everybody' if each == 'public' else each for each in seen)}"
    for world, where in ((comparison.merged, ""), (comparison.base, " in base")):
        stone = world.tombstones.get(name)
        if stone and stone.whole and was.visibility != "public":  # every audience sees the tombstones
            was = Audience("public")
            witness = f"was published before, says {data_file(world, f'removed/{name}')}{where}"
    return was, witness


def _said(outline: Outline) -> str:
    if outline.visibility == "restricted":
        return f"restricted to {', '.join(outline.allowed) or 'nobody'}"
    return "for the organisation" if outline.visibility == "organisation" else outline.visibility


def _named(pair: Pair) -> str:
    return pair.after.id if pair.after else pair.id


def _place(before: Outline, after: Outline) -> Pointer:
    return ("allowed",) if before.visibility == after.visibility else ("visibility",)


def _instead(identifier: str) -> str:
    return (
        f"leave it as it was; `galleryctl withdraw {identifier}` takes it out of lists, `galleryctl discontinue "
        f"{identifier}` warns its users, `galleryctl remove {identifier}` ends it"
    )


RULES: tuple[Rule, ...] = (
    rule("VIS001", Severity.ERROR, compared=narrowed, fixed=True),
    rule("VIS002", Severity.ERROR, compared=narrower_than_ever, fixed=True),
)
