"""KServe: an InferenceService for each variant that its Hugging Face runtime serves, for `kubectl apply -f`.

The shape is that of https://kserve.github.io/website/docs/reference/crd-api (serving.kserve.io/v1beta1). The first
variant has the model's own file and name; of a variant the first quantization that can be served. What a machine must
have becomes requests and limits; where nothing is stated the cluster's defaults hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl import document
from galleryctl.exports import lists
from galleryctl.exports.base import File, Left, Made
from galleryctl.runtimes import Skipped, overlay, targets
from galleryctl.runtimes.base import PLAIN, arguments, told
from galleryctl.runtimes.kserve import RUNTIME, label, storage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from galleryctl.exports.base import Item
    from galleryctl.gallery import Outline
    from galleryctl.runtimes import Target
    from galleryctl.spec import Settings

NAME = RUNTIME.name
_PREFIX = "galleryctl.dev"
_TASKS = {"embedding": "text_embedding"}


def one(item: Item) -> Made:
    """A manifest for each variant."""
    if item.type not in RUNTIME.formats:
        return lists.nothing(RUNTIME, item)
    left: list[Left] = []
    files: dict[str, File] = {}
    for target in targets(item.id, item.type, item.version, item.release):
        source = told(target, RUNTIME, storage)
        variant = target.variant.name
        if isinstance(source, Skipped):
            left.append(Left(variant, target.quantization, source.reason))
        elif variant not in files:
            more = variant if files else ""
            path = f"{item.id}@{more}.yaml" if more else f"{item.id}.yaml"
            manifest = _manifest(item, target, source, label(item.id, item.release, more))
            files[variant] = File(path, document.dump(manifest).encode())
    return Made((), tuple(files.values()), lists.joined(item.release, left))


def _manifest(item: Item, target: Target, source: str, name: str) -> dict[str, Any]:
    block = overlay(item.release, NAME, target.variant)
    notes = {"id": item.id, "version": item.version, "variant": target.variant.name}
    notes |= {"quantization": target.quantization} if target.quantization != PLAIN else {}
    notes |= {"license": licence} if (licence := target.variant.license or item.model.license) else {}
    model: dict[str, Any] = {"modelFormat": {"name": "huggingface"}, "storageUri": source}
    model |= {"runtime": runtime} if isinstance(runtime := block.get("runtime"), str) else {}
    model["args"] = _arguments(item, target, name)
    model |= {"resources": resources} if (resources := _resources(item, target)) else {}
    predictor: dict[str, Any] = {"model": model}
    if isinstance(account := block.get("service_account"), str):
        predictor = {"serviceAccountName": account, **predictor}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name, "annotations": {f"{_PREFIX}/{key}": value for key, value in notes.items()}},
        "spec": {"predictor": predictor},
    }


def _arguments(item: Item, target: Target, name: str) -> list[str]:
    """Arguments of KServe's huggingfaceserver, which spells them with underscores."""
    named: dict[str, object] = {"model_name": name}
    if item.type in _TASKS:
        named["task"] = _TASKS[item.type]
    if item.release.remote_code:
        named["trust_remote_code"] = True
    named |= {key.replace("-", "_"): value for key, value in arguments(target, NAME).items()}
    words = []
    for key, value in named.items():
        if value is True:
            words.append(f"--{key}")
        elif value is not False and isinstance(value, str | int | float):
            words.append(f"--{key}={value}")
    return words


def _resources(item: Item, target: Target) -> dict[str, Any]:
    """Requests and limits alike, as accelerators need it."""
    stated = target.variant.requirements or item.release.requirements
    if stated is None:
        return {}
    amounts: dict[str, str] = {}
    if stated.memory:
        amounts["memory"] = stated.memory.removesuffix("B")
    if stated.gpus:
        amounts["nvidia.com/gpu"] = str(stated.gpus)
    return {"requests": amounts, "limits": dict(amounts)} if amounts else {}


def shared(settings: Settings) -> Sequence[str]:  # noqa: ARG001 - the port's signature
    return ()


def whole(path: str, parts: Iterable[tuple[Outline, Any]], settings: Settings) -> Iterator[bytes]:  # noqa: ARG001 - the port's signature
    raise AssertionError(f"unreachable: {path} is no shared file")
