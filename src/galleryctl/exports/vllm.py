"""vLLM: a file for `vllm serve --config` for each model, and the arguments of every target in one document.

* Keys are long options of `vllm serve`, https://docs.vllm.ai/en/stable/configuration/serve_args.html; what is said is
  what the command of the page says.
* `max-model-len` is the overlay's to say: vLLM takes the length from the model's own configuration, and refuses a
  longer one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl import document
from galleryctl.exports import lists
from galleryctl.exports.base import File, Left, Made
from galleryctl.runtimes import Skipped, exported_name, targets
from galleryctl.runtimes.base import options, told
from galleryctl.runtimes.vllm import RUNTIME, served

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from galleryctl.exports.base import Item
    from galleryctl.gallery import Outline
    from galleryctl.runtimes.base import Served
    from galleryctl.spec import Settings

NAME = RUNTIME.name
_LIST = "models.json"


def one(item: Item) -> Made:
    """The file of the first target that can be served, and the arguments of all."""
    if item.type not in RUNTIME.formats:
        return lists.nothing(RUNTIME, item)
    name = exported_name(NAME, item.id, item.release)
    left: list[Left] = []
    rows: list[dict[str, Any]] = []
    files: list[File] = []
    for target in targets(item.id, item.type, item.version, item.release):
        said = told(target, RUNTIME, served)
        if isinstance(said, Skipped):
            left.append(Left(target.variant.name, target.quantization, said.reason))
            continue
        if not rows:
            files.append(File(f"{item.id}.yaml", _config(name, said)))
        named = dict(said.options)
        words = ["serve", str(named.pop("model")), "--served-model-name", name, *options(named)]
        rows.append(lists.row(target, name, words, said.env))
    return Made(((_LIST, rows),) if rows else (), tuple(files), lists.joined(item.release, left))


def _config(name: str, said: Served) -> bytes:
    """`--config` takes the model as `model`; a flag is `true`."""
    named = {"model": said.options["model"], "served-model-name": name} | {
        key: value for key, value in said.options.items() if isinstance(value, str | int | float)
    }
    env = "".join(f"# with {key}={value} in the environment\n" for key, value in said.env.items())
    return (env + document.dump(named)).encode()


def shared(settings: Settings) -> Sequence[str]:  # noqa: ARG001 - the port's signature
    return (_LIST,)


def whole(path: str, parts: Iterable[tuple[Outline, Any]], settings: Settings) -> Iterator[bytes]:  # noqa: ARG001 - the port's signature
    return lists.document(NAME, parts)
