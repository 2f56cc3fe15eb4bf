"""Commands that read a registry and change nothing, but for `check --fix`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from galleryctl.cli import options

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Sequence

    from galleryctl.gallery import Entry
    from galleryctl.git import Tree
    from galleryctl.loading import Loaded
    from galleryctl.problems import Problem
    from galleryctl.report import Format

_ROUNDS = 5  # mending one thing may show another; five is more than the rules need


@click.command("check")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@options.registry
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github", "sarif"]), default="text", show_default=True
)
@click.option("--fix", is_flag=True, help="Mend what has exactly one right answer; comments and order stay.")
@click.option("--online", is_flag=True, help="Also ask the sources, and scan what loading their files would do.")
@options.allow_private
@click.option(
    "--base",
    callback=options.named,
    metavar="REV",
    help="Judge what a pull request would make of this revision: the files on disk, or those of --head.",
)
@options.head
@options.ledger
@options.now
@options.jobs
def check_command(  # noqa: PLR0913 - one parameter for each option
    paths: tuple[Path, ...], registry: Path, form: Format, *, fix: bool, online: bool, allow_private: bool,
    base: str | None, head: str | None, ledgers: tuple[str, ...], now: dt.datetime, jobs: int,
) -> int:  # fmt: skip
    """Check definitions: every problem with its place and its fix.

    PATHS limit the report to these files or folders. Exit code 1 means errors; warnings alone are 0.

    With --base the merge is judged as a review would judge it, without the approvals: settings, roles, policy, licences
    and schemas are those of the base, releases keep their bytes, audiences only grow. What base has wrong too, in files
    that were not touched, is a note. Nothing is checked out, and a branch that is behind undoes nothing; where both
    sides changed a file, the commands to update the branch are told, and the exit code is 1. --ledger says what was
    published before.

    With --online the sources of the models are asked, without credentials: whether they are there, what digests and
    sizes they state, whether their files are dangerous. A source that gives no answer is a note. It runs the scanners
    that policy.yaml names (that of the base, where there is one), so it belongs into a job without rights.

    \b
    Example:
      galleryctl check
      galleryctl check registry/models/llm/acme --fix
      galleryctl check registry/models/llm/acme/tiny --online
      galleryctl check --head origin/main --format sarif
      galleryctl check --base origin/main
      galleryctl check --base origin/main --head my-branch
    """  # noqa: D301
    from time import perf_counter  # noqa: PLC0415 - on use

    from galleryctl import authoring  # noqa: PLC0415 - on use

    if allow_private and not online:
        raise click.UsageError("--allow-private is about the sources: use it with --online")
    if fix and head:
        raise click.UsageError("--fix changes files on disk, --head reads a revision: use one of them")
    if ledgers and not base:
        raise click.UsageError("--ledger is about what a pull request does to what was published: use it with --base")
    start = perf_counter()
    judge = partial(_judged, registry, base=base, head=head, ledgers=ledgers, now=now, jobs=jobs)
    judged = judge()
    found = authoring.within(judged.problems, paths, registry, tree=judged.tree)
    mended: set[str] = set()
    for _ in range(_ROUNDS if fix else 0):
        changed = authoring.mend(registry, found)
        if not changed:
            break
        mended |= set(changed)
        judged = judge()
        found = authoring.within(judged.problems, paths, registry, tree=judged.tree)
    if online:
        asked = _asked(judged, registry, paths, now=now, allow_private=allow_private)
        found = tuple(sorted({*found, *authoring.within(asked, paths, registry, tree=judged.tree)}))
    if mended:
        click.echo("mended " + "\n       ".join(sorted(mended)), err=True)
    return _reported(_located(found, registry, form), form, judged.loaded.folders, perf_counter() - start)


def _reported(found: Sequence[Problem], form: Format, folders: int, seconds: float) -> int:
    """Print what was found, and what it comes to; the exit code."""
    from galleryctl import checks, report  # noqa: PLC0415 - on use
    from galleryctl.problems import Severity  # noqa: PLC0415 - on use

    click.echo(report.problems(found, form, checks.RULES, colour=sys.stdout.isatty()), nl=False)
    click.echo(report.summary(found, folders, seconds), err=True)
    if many := report.most(found):
        click.echo(many, err=True)
    return int(any(problem.severity is Severity.ERROR for problem in found))


class _Judged(NamedTuple):
    loaded: Loaded
    problems: Sequence[Problem]
    tree: Tree
    """The files that were read."""
    models: frozenset[str] | None = None
    """Those that a pull request changes; none where there is no base."""

    @property
    def wanted(self) -> Callable[[str], bool] | None:
        """Whether the folder of a model is one of those, so that nobody asks for the others."""
        models = self.models
        return None if models is None else lambda folder: "/".join(folder.split("/")[-2:]) in models


def _judged(
    registry: Path, *, base: str | None, head: str | None, ledgers: tuple[str, ...], now: dt.datetime, jobs: int
) -> _Judged:
    """The registry as it is, or as a pull request would make it."""
    from galleryctl import git  # noqa: PLC0415 - on use

    folder = registry.resolve()
    if base is None:
        tree = git.at(folder.parent, head) if head else git.working(folder.parent)
        loaded = options.load(registry, now=now, revision=head, jobs=jobs, tree=tree)
        return _Judged(loaded, loaded.problems, tree)
    from galleryctl.changes import of_models  # noqa: PLC0415 - on use
    from galleryctl.loading import comparing  # noqa: PLC0415 - on use

    ledger = options.published(ledgers, registry, base)
    with options.progress("Reading models") as progress:
        compared = comparing.compare(
            folder.parent, folder.name, base=base, head=head, now=now, ledger=ledger, jobs=options.processes(jobs),
            progress=progress,
        )  # fmt: skip
    return _Judged(compared.merged, compared.problems, compared.tree, frozenset(of_models(compared.changes)))


def _asked(
    judged: _Judged, registry: Path, paths: Sequence[Path], *, now: dt.datetime, allow_private: bool
) -> Sequence[Problem]:
    """What the sources of the models in these paths, of those a pull request changes, or of all, give rise to."""
    from galleryctl import authoring, git, inspection  # noqa: PLC0415 - on use

    folder = registry.resolve()
    options.nobody()
    fetcher = options.fetcher(allow_private=allow_private)
    asks = inspection.Asks(fetcher, options.hub(fetcher), inspection.Kept(git.private(folder.parent)))
    wanted = authoring.touched(paths, registry) if paths else judged.wanted
    with options.progress("Asking sources") as progress:
        return inspection.online(
            folder.name, judged.loaded, judged.tree, asks, now=now, wanted=wanted, progress=progress
        )


def _located(found: Sequence[Problem], registry: Path, form: Format) -> Sequence[Problem]:
    """What a forge reads names files from the top of the repository."""
    from galleryctl import git, report  # noqa: PLC0415 - on use

    root = registry.resolve().parent
    top = git.toplevel(root) if form in {"github", "sarif"} else None
    if top is None or top.resolve() == root:
        return found
    return report.placed(found, root.relative_to(top.resolve()).as_posix())


@click.command("explain")
@click.argument("code", required=False)
def explain_command(code: str | None) -> int:
    """Explain a rule: what it catches, why, and how to mend it. Without CODE, list all rules.

    \b
    Example:
      galleryctl explain TAX001
    """  # noqa: D301
    from galleryctl import checks, terminal  # noqa: PLC0415 - on use

    if code is None:
        terminal.rules(checks.RULES.values())
        return 0
    rule = checks.RULES.get(code.upper())
    if rule is None:
        raise click.UsageError(f"there is no rule {code}{_near(code.upper(), checks.RULES)}")
    terminal.page(rule)
    return 0


@click.command("list")
@options.registry
@click.option("--type", "type_", metavar="TYPE", help="Only models of this type.")
@click.option("--publisher", metavar="NAME", help="Only models of this publisher.")
@click.option("--all", "every", is_flag=True, help="Also withdrawn, discontinued and expired models.")
@click.option("--mine", is_flag=True, help="Your models, also those that lists do not show, and why they are yours.")
@click.option("--as", "who", metavar="NAME", help="With --mine: whose; a name of roles.yaml, a login or its number.")
@click.option("--sort", type=click.Choice(["added", "updated", "id", "size"]), default="added", show_default=True)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.head
@options.now
@options.jobs
def list_command(  # noqa: PLR0913 - one parameter for each option
    registry: Path, type_: str | None, publisher: str | None, who: str | None, sort: str, form: str, *,
    every: bool, mine: bool, head: str | None, now: dt.datetime, jobs: int,
) -> int:  # fmt: skip
    """List the models of a registry, newest first.

    With --mine: those you maintain, through groups, publishers and grants too, and those you brought. Who you are is
    what git's user.name and user.email say, unless --as names somebody.

    \b
    Example:
      galleryctl list --type llm
      galleryctl list --all --format json
      galleryctl list --mine --as ada
    """  # noqa: D301
    from galleryctl import terminal  # noqa: PLC0415 - on use

    loaded = options.load(registry, now=now, revision=head, jobs=jobs)
    if type_ and type_ not in loaded.types:
        raise click.UsageError(f"there is no type {type_}; there are: {', '.join(loaded.types)}")
    if who is not None and not mine:
        raise click.UsageError("--as says whose models --mine shows: use both")
    gallery = loaded.gallery.at(now.date())
    chosen = [
        entry
        for entry in (gallery if every or mine else gallery.shown()).newest
        if type_ in {None, entry.outline.type} and publisher in {None, entry.outline.publisher}
    ]
    if mine:
        return _own(loaded, registry, terminal.ordered(chosen, sort), who or "", form)
    terminal.models(terminal.ordered(chosen, sort), form, loaded.governance.settings)
    return 0


def _own(loaded: Loaded, registry: Path, chosen: Sequence[Entry], given: str, form: str) -> int:
    """Of these models somebody's own."""
    from galleryctl import terminal  # noqa: PLC0415 - on use
    from galleryctl.git import configured  # noqa: PLC0415 - on use
    from galleryctl.reviewing import mine  # noqa: PLC0415 - on use

    name, email = configured.author(registry.resolve().parent)
    person = mine.somebody(loaded.governance.roles, given, name, email)
    found = {each.entry.id: each.why for each in mine.models(loaded.world, person)}
    click.echo(person.how, err=True)
    terminal.own([(entry, found[entry.id]) for entry in chosen if entry.id in found], form)
    return 0


@click.command("show")
@click.argument("id_", metavar="ID")
@options.registry
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.head
@options.now
@options.jobs
def show_command(id_: str, registry: Path, form: str, head: str | None, now: dt.datetime, jobs: int) -> int:
    """Show one model: what it is, its releases, variants and files. ID may be an alias.

    \b
    Example:
      galleryctl show qwen/qwen3
      galleryctl show qwen/qwen3 --format json
    """  # noqa: D301
    from galleryctl import terminal  # noqa: PLC0415 - on use

    loaded = options.load(registry, now=now, revision=head, jobs=jobs)
    gallery = loaded.gallery.at(now.date())
    entry = gallery.find(id_)
    if entry is None:
        raise click.UsageError(f"there is no model {id_}{_near(id_, [*gallery.by_id, *gallery.aliases])}")
    terminal.model(entry, form, loaded.governance.settings)
    return 0


def _near(word: str, known: Iterable[str]) -> str:
    """The end of a message about a word nobody knows: those that are spelt like it."""
    from difflib import get_close_matches  # noqa: PLC0415 - on use

    found = get_close_matches(word, list(known), n=3)
    return f"; near it: {', '.join(found)}" if found else ""
