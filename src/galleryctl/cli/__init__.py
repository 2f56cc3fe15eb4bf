"""The command line: options to values, one or two calls, a report, an exit code. Everything heavy is imported on use.

`main` is the one error boundary. Exit codes: 0 fine, 1 the registry has errors, 2 wrong usage, 3 could not do it,
4 a bug, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from io import StringIO
from typing import TYPE_CHECKING

import click

from galleryctl import __version__
from galleryctl.cli.lazy import Lazy

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECTIONS = {
    "Write models": {
        "init": ("writing", "Start a registry."),
        "new": ("writing", "Scaffold a model."),
        "import": ("importing", "Import models: list what a source has, choose, write."),
        "release": ("writing", "Add a release to a model."),
        "readme": ("writing", "Fetch the card of a model from its source."),
        "edit": ("writing", "Change fields of a model or release; comments and order stay."),
        "tag": ("living", "Add and take tags."),
        "visibility": ("living", "Show a model to more people."),
    },
    "Life of a model": {
        "deploy": ("living", "Show a withdrawn model in lists again."),
        "withdraw": ("living", "Take a model out of lists; pins go on resolving."),
        "deprecate": ("living", "Ask the users of a model or release to move on."),
        "discontinue": ("living", "End a model or release; pins go on resolving."),
        "reinstate": ("living", "Put a model or release into use again."),
        "quarantine": ("living", "Stop a model or release at once."),
        "expire": ("living", "Set the day from which a model counts as discontinued."),
        "renew": ("living", "Put off the day on which a model expires."),
        "remove": ("living", "Take away a model or release for good."),
    },
    "Read and check": {
        "check": ("reading", "Check definitions: every problem with its place and its fix."),
        "explain": ("reading", "Explain a rule: what it catches, why, and how to mend it."),
        "list": ("reading", "List the models of a registry."),
        "show": ("reading", "Show one model."),
        "diff": ("diffing", "Tell what changes between two revisions, in words."),
        "dependents": ("living", "Who depends on a model or release."),
    },
    "Hand in and review": {
        "submit": ("submitting", "Hand in what you changed, as a pull request."),
        "status": ("submitting", "How your pull requests stand."),
        "review": ("reviewing", "Review pull requests: judge, show, decide."),
        "owners": ("judging", "Explain who may do what, and why."),
        "doctor": ("keeping", "Look at the settings of the repository on the forge."),
        "alarm": ("keeping", "Say in one issue that a workflow has failed."),
    },
    "Publish": {
        "build": ("building", "Build the gallery and its index."),
        "serve": ("building", "Build, serve on this machine, and rebuild on every change."),
        "export": ("exporting", "Write what one runtime reads of the models."),
        "sign": ("signing", "Sign a gallery that was built."),
        "verify": ("signing", "Verify a published gallery, and every document of it."),
        "keys": ("keys", "Make keys, and the trust that names them; keep both in order."),
        "schema": ("building", "Write or check the JSON Schemas."),
    },
    "Use a gallery": {
        "sync": ("syncing", "Bring the index of a gallery here, or into a runtime's home."),
        "resolve": ("resolving", "Say which build of a model suits this machine, and why."),
        "pull": ("pulling", "Bring the files of a model here, verified."),
        "outdated": ("resolving", "Say how pins stand: what is newer, what is over, what must go."),
        "mirror": ("syncing", "Copy a signed gallery into a folder; weights too, if named."),
    },
}


class _Program(Lazy):
    sections = _SECTIONS


@click.command(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="galleryctl")
def program() -> None:
    """Turn a git repository into a model gallery.

    Definitions are YAML or JSON files; pull requests are the review; a static site and a JSON index are the result.

    \b
    Example:
      galleryctl init registry
      galleryctl new llm acme/tiny --registry registry
      galleryctl check --registry registry
      galleryctl build --registry registry --out site
    """  # noqa: D301 - \b is click's mark for a paragraph that stays as it is


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; nothing here raises."""
    try:
        code = program.main(args=argv if argv is None else list(argv), standalone_mode=False, prog_name="galleryctl")
        sys.stdout.flush()  # here, where a reader that has gone is known
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("interrupted; nothing half-written is left", err=True)
        return 130
    except click.ClickException as error:
        said = StringIO()
        error.show(said)
        click.echo(_shown(said.getvalue()), err=True, nl=False)
        return error.exit_code
    except (BrokenPipeError, SystemExit):  # the latter is what click makes of the former
        # Whoever read the output has gone; point the stream elsewhere so that nothing complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the boundary: expected errors become a message, the rest a report
        return _failed(error)


def _failed(error: Exception) -> int:
    from galleryctl.errors import GalleryError  # noqa: PLC0415 - on use

    if isinstance(error, GalleryError):
        click.echo(_shown(f"galleryctl: {error}"), err=True)
        return error.exit_code
    if isinstance(error, ModuleNotFoundError) and not (error.name or "galleryctl").startswith("galleryctl"):
        click.echo(f"galleryctl: {error.name} is not installed: pip install 'galleryctl[cli]'", err=True)
        return 3
    import platform  # noqa: PLC0415 - on use
    import traceback  # noqa: PLC0415 - on use

    click.echo(_shown("".join(traceback.format_exception(error))), err=True)
    where = f"galleryctl {__version__}, Python {platform.python_version()}, {platform.system()}"
    click.echo(f"This is a bug in galleryctl. Please report it with the lines above ({where}).", err=True)
    return 4


def _shown(text: str) -> str:
    """A message for a terminal: names that it repeats were written by strangers, and may hold control characters."""
    from galleryctl.report import visible  # noqa: PLC0415 - on use

    return "\n".join(map(visible, text.split("\n")))
