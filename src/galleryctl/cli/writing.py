"""Commands that change the files of a registry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galleryctl.cli import meaning, options, submitting

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from galleryctl.authoring import Claim, Part, Released

_SIZE = r"\d+(\.\d+)?(KiB|MiB|GiB|TiB)"
_PARAMETERS = r"\d+(\.\d+)?[KMBT]"


@click.command("init")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default="registry")
@click.option("--title", default="Model Gallery", show_default=True, help="Name of the gallery.")
@click.option("--ci", type=click.Choice(["github"]), help="Write the workflows that check, judge and publish, too.")
def init_command(folder: Path, title: str, ci: str | None) -> int:
    """Start a registry in DIR, by default in `registry`: settings, roles, policy and a vocabulary. It builds at once.

    With --ci the workflows, issue forms and the template of pull requests come too, into the folder above DIR; where
    DIR is a registry already, they alone.

    \b
    Example:
      galleryctl init
      galleryctl init registry --title "Models of Acme"
      galleryctl init --ci github
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    if ci is not None:
        root = folder.resolve().parent
        for path in authoring.ci(root, folder=folder.resolve().name):
            click.echo(path)
        if (folder / "gallery.yaml").exists() or (folder / "gallery.json").exists():
            _next("galleryctl doctor     see which settings of the repository are missing")
            return 0
    for path in authoring.init(folder, title=title):
        click.echo(f"{folder}/{path}")
    where = "" if folder == Path("registry") else f" --registry {folder}"
    _next(
        f"galleryctl new llm acme/tiny{where}     add a model",
        f"galleryctl check{where}                 find what is wrong",
        f"galleryctl serve{where}                 look at it",
    )
    return 0


def _size(pattern: str, example: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """A callback that refuses a text of another form, and says which one is meant."""

    def check(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        import re  # noqa: PLC0415 - on use

        if value is not None and re.fullmatch(pattern, value) is None:
            raise click.BadParameter(f"{value!r} is none; write it like {example}", ctx, param)
        return value

    return check


@click.command("new")
@click.argument("type_", metavar="TYPE")
@click.argument("id_", metavar="PUBLISHER/NAME")
@options.registry
@click.option("--version", default=None, metavar="X.Y.Z", help="Number of the first release; 1.0.0 unless given.")
@click.option("--framework", metavar="NAME", help="In what it runs, from taxonomy.yaml.")
@click.option("--gpus", type=click.IntRange(0), metavar="N", help="Accelerators it needs.")
@click.option(
    "--vram", metavar="SIZE", callback=_size(_SIZE, "8GiB"), help="Accelerator memory it needs, such as 8GiB."
)
@click.option("--memory", metavar="SIZE", callback=_size(_SIZE, "16GiB"), help="System memory it needs, such as 16GiB.")
@click.option("--repo", metavar="[HUB:]OWNER/NAME", help="Where the weights are; HUB is huggingface unless given.")
@click.option("--format", "format_", metavar="FORMAT", help="Format of the weights: pytorch, gguf, mlx, awq, …")
@click.option("--parameters", metavar="SIZE", callback=_size(_PARAMETERS, "8B"), help="Size, such as 8B or 335M.")
@click.option(
    "--quantization", "-q", "quantizations", multiple=True, metavar="NAME", help="May be given several times."
)
@click.option("--summary", metavar="TEXT", help="Description: one sentence.")
@click.option("--title", metavar="TEXT", help="Name as people write it; made from NAME unless given.")
@click.option("--license", metavar="SPDX", help="Licence of the model, such as Apache-2.0.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing; what is not given is left for later.")
@options.now
def new_command(type_: str, id_: str, registry: Path, *, now: dt.datetime, yes: bool, **given: Any) -> int:  # noqa: ANN401
    """Scaffold a model: model.yaml, a first release and a card. On a terminal it asks for what is not given.

    \b
    Example:
      galleryctl new llm acme/tiny
      galleryctl new llm acme/tiny --repo acme/tiny --format gguf -q Q4_K_M -q Q8_0 --yes
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    claim = authoring.claim(registry, type_, id_, now=now)
    if not yes and sys.stdin.isatty():
        _ask(claim, given)
    given = {"format" if name == "format_" else name: value for name, value in given.items() if value is not None}
    for path in authoring.new(claim, authoring.Answers(**given)):
        click.echo(path)
    where = "" if registry == Path("registry") else f" --registry {registry}"
    _next(
        f"galleryctl check {registry}/models/{type_}/{id_}{where}     says what is left to fill in",
        f"galleryctl serve{where}     then shows its page, on /types/{type_}/ and /models/{id_}/",
    )
    return 0


def _ask(claim: Claim, given: dict[str, Any]) -> None:
    """Ask for what was not given: version, environment, resources, weights, description, in this order."""
    click.echo(
        f"{click.style(claim.id, bold=True)}, a new model of type {claim.type.name}. Enter skips a question.", err=True
    )
    _question(given, "version", "Version", default="1.0.0")
    _question(given, "framework", "Framework", hint=", ".join(claim.frameworks))
    _question(given, "gpus", "GPUs", hint="how many", pattern=r"\d{1,4}")
    _question(given, "vram", "GPU memory", hint="such as 8GiB", pattern=_SIZE)
    _question(given, "memory", "Memory", hint="such as 16GiB", pattern=_SIZE)
    _question(given, "repo", "Weights from", hint="OWNER/NAME on Hugging Face, or HUB:OWNER/NAME")
    _question(given, "format_", "Format", hint="pytorch, gguf, mlx, awq, gptq, fp8, onnx, …")
    _question(given, "parameters", "Parameters", hint="such as 8B or 335M", pattern=_PARAMETERS)
    if not given["quantizations"]:
        _question(given, "quantizations", "Quantizations", hint="such as Q4_K_M, Q8_0")
        given["quantizations"] = tuple((given["quantizations"] or "").replace(",", " ").split())
    _question(given, "summary", "Description", hint="one sentence")


def _question(
    given: dict[str, Any], name: str, text: str, *, hint: str = "", default: str = "", pattern: str = ""
) -> None:
    if given[name]:
        return

    def convert(answer: str) -> Any:  # noqa: ANN401 - what the question is for
        import re  # noqa: PLC0415 - on use

        answer = answer.strip()
        if answer and pattern and re.fullmatch(pattern, answer) is None:
            raise click.UsageError(f"write it {hint}, or nothing")
        return int(answer) if answer and name == "gpus" else answer or None

    words = f"{text} {click.style(f'({hint})', dim=True)}" if hint else text
    given[name] = click.prompt(words, default=default, show_default=bool(default), value_proc=convert, err=True)


@click.command("release")
@click.argument("id_", metavar="[ID]", required=False, shell_complete=options.identifiers)
@click.argument("version", metavar="[VERSION]", required=False)
@options.registry
@click.option(
    "--bump", type=click.Choice(["patch", "minor", "major"]), help="Which number to raise; patch unless given."
)
@click.option("--notes", metavar="TEXT", help="What is new, in one sentence.")
@click.option("--from", "source", metavar="SOURCE", help="Take the release from here, as import would.")
@click.option("--offline", is_flag=True, help="Ask no source: revisions, sizes and digests stay as they are.")
@options.allow_private
@submitting.submit
@options.now
def release_command(  # noqa: PLR0913 - one parameter for each option
    id_: str | None, version: str | None, registry: Path, bump: Part | None, notes: str | None, source: str | None,
    now: dt.datetime, *, offline: bool, allow_private: bool,
) -> int:  # fmt: skip
    """Add a release to a model: a copy of its newest one, under a number above every one ever used.

    Revisions, sizes and digests of every variant are those of its sources today; comments and order stay. A digest that
    changed under the same revision stops it with exit code 1, and nothing is written. Without ID it asks which model.
    A VERSION that is there already and not yet committed is pinned where it stands.

    \b
    Example:
      galleryctl release acme/tiny --notes "Better at mathematics."
      galleryctl release acme/tiny --bump minor
      galleryctl release acme/tiny 2.0.0 --offline
      galleryctl release acme/tiny --from mlflow:models:/tiny/3 --bump minor
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    if version and bump:
        raise click.UsageError("VERSION and --bump say the same thing: use one of them")
    if source and (offline or notes):
        raise click.UsageError(f"--from and {'--offline' if offline else '--notes'} do not go together")
    id_ = id_ or options.identifier(registry)
    if source:
        from galleryctl.cli import importing  # noqa: PLC0415 - on use

        return importing.add_release(
            registry, id_, source, now=now, version=version, bump=bump or "patch", allow_private=allow_private
        )
    hub = None if offline else options.hub(options.fetcher(allow_private=allow_private))
    made = authoring.release(registry, id_, now=now, version=version, bump=bump or "patch", notes=notes, hub=hub)
    for warning in made.warnings:
        click.echo(f"warning: {warning}", err=True)
    if made.alarms:
        return _alarmed(made)
    for path in made.paths:
        click.echo(path)
    how = ", pinned from its sources" if made.pinned else ""
    begun = f", begun as a copy of {made.copied}" if made.copied != made.version else ""
    click.echo(f"{made.id} {made.version}{begun}{how}", err=True)
    if not notes and begun:
        click.echo(f"say what is new: galleryctl edit {made.id}@{made.version} notes=…", err=True)
    meaning.seen(registry, made.id, now=now)
    return submitting.hand_in(registry, made.paths, "", notes or "", now) or 0


def _alarmed(made: Released) -> int:
    from galleryctl import checks, report  # noqa: PLC0415 - on use

    click.echo(report.problems(made.alarms, "text", checks.RULES, colour=sys.stderr.isatty()), err=True, nl=False)
    click.echo(f"nothing was written: {made.id} cannot be released until this is explained", err=True)
    return 1


@click.command("readme")
@click.argument("id_", metavar="[ID]", required=False, shell_complete=options.identifiers)
@options.registry
@click.option("--language", metavar="CODE", help="The card in this language, such as zh: README.zh.md.")
@click.option("--replace", is_flag=True, help="Write over a card that a person wrote.")
@options.allow_private
def readme_command(id_: str | None, registry: Path, language: str | None, *, replace: bool, allow_private: bool) -> int:
    """Fetch the card of a model from its source, or begin one where the source has none.

    The front matter is removed, links lead to the commit that was read, and the card says where it came from. A card
    that a person wrote is never written over, unless --replace says so.

    \b
    Example:
      galleryctl readme acme/tiny
      galleryctl readme acme/tiny --replace
    """  # noqa: D301
    import re  # noqa: PLC0415 - on use

    from galleryctl import authoring  # noqa: PLC0415 - on use

    if language is not None and re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", language) is None:
        raise click.UsageError(f"{language!r} is no language; write it like zh or pt-BR")
    id_ = id_ or options.identifier(registry)
    made = authoring.readme(
        registry, id_, options.hub(options.fetcher(allow_private=allow_private)), language=language, replace=replace
    )
    click.echo(made.path)
    if made.source:
        at = f" at {made.revision}" if made.revision else ""
        click.echo(f"{'the card' if made.changed else 'the same card as before'} of {made.source}{at}", err=True)
    else:
        click.echo(f"{made.why}: begun with the four headings; write what they ask for", err=True)
    return 0


@click.command("edit", context_settings={"ignore_unknown_options": True})
@click.argument("id_", metavar="ID[@VERSION]")
@click.argument("assignments", nargs=-1, required=True, metavar="FIELD=VALUE…")
@options.registry
@submitting.submit
@options.now
def edit_command(id_: str, assignments: tuple[str, ...], registry: Path, now: dt.datetime) -> int:
    """Change fields of a model, or of one release of it; comments and order stay.

    FIELD=VALUE sets, FIELD= removes, FIELD+=VALUE adds to a list and FIELD-=VALUE takes from it. Dots lead into maps.
    A change that would break the file is refused, and nothing is written.

    \b
    Example:
      galleryctl edit acme/tiny summary="A small chat model." license=MIT
      galleryctl edit acme/tiny tags+=chat tags-=vision links.homepage=https://acme.example
      galleryctl edit acme/tiny@1.0.0 notes="First release."
    """  # noqa: D301
    from galleryctl import authoring, checks, report  # noqa: PLC0415 - on use

    made = authoring.edit(registry, id_, assignments, now=now)
    if made.problems:
        click.echo(report.problems(made.problems, "text", checks.RULES, colour=sys.stderr.isatty()), err=True, nl=False)
        click.echo(f"{made.path} is unchanged: the edit would break it", err=True)
        return 1
    if not made.changes:
        click.echo(f"{made.path} says so already; nothing was written", err=True)
        return 0
    click.echo(made.path)
    meaning.fields(made.changes)
    meaning.seen(registry, id_.partition("@")[0], now=now)
    return submitting.hand_in(registry, (made.path,), "", "", now) or 0


def _next(*lines: str) -> None:
    """What to do now, for a person; the commands aligned."""
    commands = [line.split("     ", 1) for line in lines]
    width = max(len(command) for command, _ in commands)
    click.echo("\nNext:", err=True)
    for command, purpose in commands:
        click.echo(f"  {command:<{width}}   {purpose.strip()}", err=True)
