"""Commands that say what policy says: the verdict on a pull request, and who may do what."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galleryctl.cli import options

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from galleryctl.loading import Loaded
    from galleryctl.policy import Rights, Target
    from galleryctl.spec import Roles
    from galleryctl.spec.review import Pull


def _time(ctx: click.Context, param: click.Parameter, value: str | None) -> dt.datetime | None:
    return None if value is None else options.moment(ctx, param, value)


@click.command("verdict")
@options.registry
@click.option("--base", required=True, callback=options.named, metavar="REV", help="Revision it would be merged into.")
@click.option("--head", required=True, callback=options.named, metavar="REV", help="Its newest commit.")
@click.option("--actor", required=True, metavar="LOGIN|ID", help="Who opened it; a number is certain, a login is not.")
@click.option("--approvals", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Reviews and comments, as JSON.")  # fmt: skip
@click.option("--since", callback=_time, metavar="TIME", help="When this head was first judged; now unless given.")
@options.ledger
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.now
@options.jobs
def review_verdict_command(  # noqa: PLR0913 - one parameter for each option
    registry: Path, base: str, head: str, actor: str, approvals: Path | None, since: dt.datetime | None,
    ledgers: tuple[str, ...], form: str, *, now: dt.datetime, jobs: int,
) -> int:  # fmt: skip
    """Judge a pull request: what it needs, and whose turn it is.

    HEAD is merged into BASE as git would do it, without a checkout, and judged by the roles and the policy of BASE. The
    file of approvals is a list of reviews, `[{"by": 1002, "state": "approved", "commit": "4f2a9c1"}]`, or an object
    with `reviews`, `remarks`, `pusher`, `since`, `opened`, `draft`.

    Exit code 1 means that it must not be merged; waiting for somebody is 0.

    \b
    Example:
      galleryctl review verdict --base origin/main --head HEAD --actor ada
      galleryctl review verdict --base main --head add-tiny --actor 1001 --approvals reviews.json --format json
    """  # noqa: D301
    from galleryctl import git, report  # noqa: PLC0415 - on use
    from galleryctl.reviewing import judging  # noqa: PLC0415 - on use

    folder = registry.resolve()
    pull = _pull(folder, base, actor, approvals, now)
    if since is not None:
        pull = pull.model_copy(update={"since": since})
    with git.steady(), options.progress("Reading models") as progress:
        judged = judging.judge(
            folder.parent, folder.name, base=base, head=head, pull=pull, now=now, jobs=options.processes(jobs),
            ledger=options.published(ledgers, registry, base), progress=progress,
        )  # fmt: skip
    if form == "json":
        click.echo(report.dumped(judging.as_json(judged)), nl=False)
    else:
        from galleryctl.reviewing import telling  # noqa: PLC0415 - on use

        touched = judged.compared.comparison.touched
        width, colour = _screen()
        click.echo(
            telling.verdict(
                judged.verdict, author=pull.author.login, now=now, touched=touched, width=width, colour=colour
            ),
            nl=False,
        )
    return int(judged.verdict.state in {"failure", "error"})


def _screen() -> tuple[int, bool]:
    """Columns of standard output, and whether it shows colours."""
    from shutil import get_terminal_size  # noqa: PLC0415 - on use

    from galleryctl.reviewing import telling  # noqa: PLC0415 - on use

    return (get_terminal_size().columns, True) if sys.stdout.isatty() else (telling.ENDLESS, False)


def _pull(folder: Path, base: str, actor: str, approvals: Path | None, now: dt.datetime) -> Pull:
    """What was recorded, with accounts as base knows them."""
    from galleryctl.reviewing import recorded  # noqa: PLC0415 - on use
    from galleryctl.spec.review import Pull  # noqa: PLC0415 - on use

    roles = _roles(folder, base)
    author = recorded.account(actor, roles)
    if approvals is None:
        return Pull(author=author)
    try:
        text = approvals.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{approvals} cannot be read: {error}") from None
    return recorded.pull(
        text,
        author,
        roles,
        now=now,
        resolve=lambda revision: _commit(folder.parent, revision),
        place=str(approvals),
    )


def _commit(root: Path, revision: str) -> str:
    """An id as it is: the commit of an old approval may be gone."""
    from galleryctl import git  # noqa: PLC0415 - on use

    whole = len(revision) in {40, 64} and set(revision) <= set("0123456789abcdef")
    return revision if whole else git.resolve(root, revision)


def _roles(folder: Path, base: str) -> Roles:
    """Who is who in base; the rest of the registry is read once, with its models."""
    from galleryctl import git  # noqa: PLC0415 - on use
    from galleryctl.loading import governance  # noqa: PLC0415 - on use

    files = [f"{folder.name}/{stem}.{suffix}" for stem in ("gallery", "roles") for suffix in ("yaml", "json")]
    tree = git.at(folder.parent, base, only=files)
    paths = {path.removeprefix(f"{folder.name}/"): entry for path, entry in tree.entries().items()}
    return governance.read(tree, folder.name, paths).roles


@click.command("owners")
@click.argument("what", metavar="[PATH|ID]", required=False, shell_complete=options.identifiers)
@options.registry
@click.option("--action", metavar="ACTION", help="Only this action: edit, release, widen, remove, …; all unless given.")
@click.option("--visibility", type=click.Choice(["private", "restricted", "organisation", "public"]),
              help="As if the model had it; its own unless given.")  # fmt: skip
@click.option("--edition", type=click.Choice(["community", "enterprise"]), help="The same for its edition.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.head
@options.now
@options.jobs
def owners_command(  # noqa: PLR0913 - one parameter for each option
    what: str | None, registry: Path, action: str | None, visibility: str | None, edition: str | None, *, form: str,
    head: str | None, now: dt.datetime, jobs: int,
) -> int:  # fmt: skip
    """Explain who may do what with a model, a publisher or a file, and why: by a grant, a group, or as maintainer.

    Rights count as they stand in the branch that a pull request is merged into: name it with --head.

    \b
    Example:
      galleryctl owners acme/tiny --action widen --visibility public
      galleryctl owners registry/policy.yaml
      galleryctl owners acme --head origin/main
    """  # noqa: D301
    from galleryctl import policy, report  # noqa: PLC0415 - on use
    from galleryctl.checks.people import ACTIONS  # noqa: PLC0415 - on use
    from galleryctl.reviewing import telling  # noqa: PLC0415 - on use

    if action is not None and action not in ACTIONS:
        raise click.UsageError(f"there is no action {action!r}; there are: {', '.join(sorted(ACTIONS))}")
    loaded = options.load(registry, now=now, revision=head, jobs=jobs)
    rights = policy.Rights(loaded.world)
    target, usual = _target(what, registry, loaded, rights, visibility, edition)
    asked = [action] if action else list(usual or sorted(ACTIONS))
    groups = [(each, rights.of(each, target)) for each in asked]
    if form == "json":
        click.echo(report.dumped({name: _people(found, rights) for name, found in groups}), nl=False)
        return 0
    width, colour = _screen()
    click.echo(telling.owners(groups, width=width, colour=colour), nl=False)
    return 0


def _people(found: Sequence[tuple[str, str, str]], rights: Rights) -> list[dict[str, object]]:
    people = list(dict.fromkeys(person for person, _, _ in found))
    return [
        {
            "person": person,
            "approves": not rights.is_bot(person),
            "why": list(dict.fromkeys(why for each, _, why in found if each == person)),
        }
        for person in people
    ]


def _target(
    what: str | None, registry: Path, loaded: Loaded, rights: Rights, visibility: str | None, edition: str | None
) -> tuple[Target, Sequence[str]]:
    """What an id, a publisher or a path stands for, and the actions that are meant by it alone."""
    from galleryctl import layout, policy  # noqa: PLC0415 - on use

    if what is None:
        return policy.Target(), ()
    identifier = what
    inside = _inside(what, registry)
    place = layout.place(inside) if inside is not None else None
    if place is not None and place.publisher:
        identifier = place.id if place.name else place.publisher
    elif inside is not None:
        folder = layout.model_in(inside)
        if folder is None:
            guarded = place is None or place.kind in {"settings", "roles", "policy"}
            return policy.Target(), ("govern",) if guarded else ("edit",)
        identifier = folder.id
    if "/" not in identifier:
        if identifier not in _publishers(loaded):
            raise click.UsageError(f"there is no publisher {identifier}; write an id as publisher/name")
        return policy.Target(publisher=identifier), ()
    entry = loaded.gallery.find(identifier)
    if entry is None and identifier.partition("/")[0] not in _publishers(loaded):
        raise click.UsageError(f"there is no model {identifier}, and no publisher {identifier.partition('/')[0]}")
    known = entry.id if entry else identifier
    return rights.target(known, visibility=visibility or "", edition=edition or ""), ()


def _publishers(loaded: Loaded) -> set[str]:
    return {*loaded.governance.publishers, *(entry.outline.publisher for entry in loaded.gallery)}


def _inside(what: str, registry: Path) -> str | None:
    """A path relative to the registry; of one outside, itself. None for what is rather an id."""
    path, folder = Path(what), registry.resolve()
    resolved = path.resolve()
    if resolved.is_relative_to(folder) and resolved != folder and (path.suffix or path.exists()):
        return resolved.relative_to(folder).as_posix()
    return what if path.exists() and len(path.parts) != 2 else None  # noqa: PLR2004 - `publisher/name`
