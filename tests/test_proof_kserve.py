"""KServe's published models of its resources take every manifest, and nothing that they do not know."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

import exported
import proving
from test_exports_proxies import PLAIN, chat, embedding

if TYPE_CHECKING:
    from pathlib import Path

# Each class of the packages says the fields of one schema: `openapi_types` their kinds, `attribute_map` their names.
# Their own reader drops unknown fields, so the walk is done here; what is required, the classes say themselves.
JUDGE = """
import json, re, sys, yaml
from kubernetes.client import models as core
from kubernetes.utils.quantity import parse_quantity
from kserve import models
PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object}
def judge(value, kind, place):
    if found := re.fullmatch(r"[lL]ist\\[(.*)\\]", kind):
        if not isinstance(value, list):
            return [f"{place}: no list"]
        return [fault for n, each in enumerate(value) for fault in judge(each, found[1], f"{place}[{n}]")]
    if found := re.fullmatch(r"dict\\(str, (.*)\\)|Dict\\[str, (.*)\\]", kind):
        if not isinstance(value, dict):
            return [f"{place}: no map"]
        return [fault for key, each in value.items() for fault in judge(each, found[1] or found[2], f"{place}.{key}")]
    if kind in PLAIN:
        return [] if isinstance(value, PLAIN[kind]) else [f"{place}: {value!r} is no {kind}"]
    schema = getattr(models, kind, None) or getattr(core, kind)
    if not isinstance(value, dict):
        return [f"{place}: no {kind}"]
    names = {name: attribute for attribute, name in schema.attribute_map.items()}
    faults = [f"{place}.{key}: unknown" for key in value if key not in names]
    known = {names[key]: each for key, each in value.items() if key in names}
    try:
        schema(**known)
    except ValueError as error:
        faults.append(f"{place}: {error}")
    return faults + [
        fault
        for attribute, each in known.items()
        for fault in judge(each, schema.openapi_types[attribute], f"{place}.{schema.attribute_map[attribute]}")
    ]
faults = []
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        manifest = yaml.safe_load(file)
    faults += judge(manifest, "V1beta1InferenceService", "")
    model = manifest["spec"]["predictor"]["model"]
    for amounts in model.get("resources", {}).values():
        for amount in amounts.values():
            parse_quantity(amount)
print(json.dumps(faults))
"""


def judged(*paths: Path) -> list[str]:
    proving.need("kserve", "kubernetes")
    done = proving.python("-c", JUDGE, *paths, home=paths[0].parent)
    assert done.returncode == 0, done.stderr[-4000:]
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def written(folder: Path) -> list[Path]:
    store = {"format": "safetensors", "parameters": "1B", "sources": {"object": {"prefix": "s3://models/tiny/"}}}
    block = {"service_account": "hf", "runtime": "multinode", "arguments": {"max-model-len": 8192}}
    model = chat(requirements={"gpus": 2, "memory": "1.5GiB"}, runtimes={"kserve": block}, variants=[PLAIN, store])
    paths = []
    for path, data in exported.files("kserve", model, embedding()).items():
        paths.append(folder / path.replace("/", "-"))
        paths[-1].write_bytes(data)
    return paths


def test_every_manifest_fits_the_published_schema(tmp_path: Path) -> None:
    paths = written(tmp_path)
    assert len(paths) == 3
    assert judged(*paths) == []


MISTAKES: dict[str, dict[str, Any]] = {
    ".spec.predictor.model.colour: unknown": {"colour": "red"},
    ".spec.predictor.model.storageUri: 7 is no str": {"storageUri": 7},
    ".spec.predictor.model.args: no list": {"args": "--x"},
    ".spec.predictor.model: Invalid value for `model_format`, must not be `None`": {"modelFormat": None},
}


def test_the_judge_sees_mistakes(tmp_path: Path) -> None:
    path = written(tmp_path)[0]
    manifest = yaml.safe_load(path.read_bytes())
    right = manifest["spec"]["predictor"]["model"]
    paths = []
    for number, change in enumerate(MISTAKES.values()):
        manifest["spec"]["predictor"]["model"] = right | change
        paths.append(tmp_path / f"{number}.yaml")
        paths[-1].write_text(yaml.safe_dump(manifest))
    found = judged(*paths)
    assert [fault for fault in MISTAKES if not any(each.startswith(fault) for each in found)] == []
