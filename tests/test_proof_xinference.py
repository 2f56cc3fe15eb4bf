"""Xinference itself reads what is exported for it: its validator, its loader, and a running server."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from proving import BIN, ROOT, free_port, galleryctl, need, python, server, shared, surrounding
from publishing import publish, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPES = ("llm", "embedding", "rerank", "image", "audio", "video")
LATER = 4_000_000_000
"""A time after that of any built-in model, so that every family takes effect."""
READ = """
import json, sys
import xinference.model
from xinference.model import audio, embedding, image, llm, rerank, video

video_models = sys.modules["xinference.model.video.core"].BUILTIN_VIDEO_MODELS
found = {"llm": {}}
for family in llm.BUILTIN_LLM_FAMILIES:
    found["llm"][family.model_name] = [family.updated_at, [[s.model_hub, s.model_id] for s in family.model_specs]]
for name, models in (
    ("embedding", embedding.BUILTIN_EMBEDDING_MODELS), ("rerank", rerank.BUILTIN_RERANK_MODELS),
    ("image", image.BUILTIN_IMAGE_MODELS), ("audio", audio.BUILTIN_AUDIO_MODELS), ("video", video_models),
):
    found[name] = {}
    for key, families in models.items():
        rows = []
        for family in families:
            specs = getattr(family, "model_specs", None) or [family]
            rows += [[s.model_hub, s.model_id] for s in specs]
        found[name][key] = [max(getattr(family, "updated_at", 0) for family in families), rows]
old = sys.modules["xinference.model.audio.core"].LEGACY_AUDIO_MODEL_ALIASES
found["renamed"] = {name: canonical for name, (canonical, _) in old.items()}
print("FOUND" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def site() -> Path:
    return need("xinference", "torch", "jsonschema")


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of the gallery of this repository."""
    out = tmp_path_factory.mktemp("bundled") / "out"
    galleryctl("export", "xinference", "--registry", ROOT / "registry", "--out", out)
    return out


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of a gallery into which Xinference's own catalogues were imported."""
    folder = shared("data", "xinference")
    base = tmp_path_factory.mktemp("imported")
    galleryctl("init", base / "registry")
    for type_ in TYPES:
        galleryctl("import", folder / f"{type_}.json", "--all", "--registry", base / "registry", "--format", "json")
    galleryctl("export", "xinference", "--registry", base / "registry", "--out", base / "out")
    return base / "out"


@pytest.fixture(params=["bundled", "imported"])
def exported(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(request.param)
    return folder


def families(folder: Path) -> dict[str, list[dict[str, Any]]]:
    found = {type_: json.loads((folder / f"{type_}.json").read_text()) for type_ in TYPES}
    assert all(found.values()), "a type without a family proves nothing"
    return found


def validate(site: Path, file: Path, home: Path) -> Counter[str]:
    """What the validator that Xinference brings along says, without the places."""
    done = python(site / "xinference" / "_model_catalog.py", "validate", file, "--model-type", file.stem, home=home)
    said = [line for line in (done.stdout + done.stderr).splitlines() if f"{file.name}#" in line]
    assert (done.returncode == 0) == (not said), done.stderr
    return Counter(re.sub(r"^.*?\.json#/\d+", "", line) for line in said)


@pytest.mark.parametrize("type_", TYPES)
def test_the_validator_accepts_the_bundled_gallery(site: Path, bundled: Path, type_: str, tmp_path: Path) -> None:
    assert validate(site, bundled / f"{type_}.json", tmp_path) == {}


@pytest.mark.parametrize("type_", TYPES)
def test_the_validator_says_of_an_import_what_it_said_before(
    site: Path, imported: Path, type_: str, tmp_path: Path
) -> None:
    before = validate(site, shared("data", "xinference", f"{type_}.json"), tmp_path)
    assert validate(site, imported / f"{type_}.json", tmp_path) == before


def test_the_validator_finds_mistakes(site: Path, bundled: Path, tmp_path: Path) -> None:
    broken = families(bundled)["llm"]
    broken[0]["model_ability"] = ["chatt"]
    (tmp_path / "llm.json").write_text(json.dumps(broken))
    assert validate(site, tmp_path / "llm.json", tmp_path)


@pytest.mark.usefixtures("site")
def test_the_loader_takes_every_family(exported: Path, tmp_path: Path) -> None:
    wanted = families(exported)
    for type_, found in wanted.items():
        path = tmp_path / "model" / "v2" / "builtin" / type_ / f"{type_}_models.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps([{**family, "updated_at": LATER} for family in found]))
    done = python("-c", f"import os; os.environ['XINFERENCE_HOME'] = {str(tmp_path)!r}\n{READ}", home=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    loaded = json.loads(done.stdout.rpartition("FOUND")[2])
    for type_, found in wanted.items():
        arrived = {family["model_name"]: loaded[type_].get(known(type_, family, loaded), [0, []]) for family in found}
        assert [name for name, (when, _) in arrived.items() if when != LATER] == []
        for name, rows in {known(type_, family, loaded): arrived[family["model_name"]][1] for family in found}.items():
            laid = [sources(family) for family in found if known(type_, family, loaded) == name]
            assert any(one <= {tuple(row) for row in rows} for one in laid), name


def known(type_: str, family: dict[str, Any], loaded: dict[str, Any]) -> str:
    """The name under which the loader has a family: some audio models of 2025 were called otherwise."""
    name: str = family["model_name"]
    return str(loaded["renamed"].get(name, name)) if type_ == "audio" else name


def sources(family: dict[str, Any]) -> set[tuple[str, str]]:
    """Hub and repository of all that a family offers, as the loader lays them out."""
    found = set()
    for spec in family.get("model_specs", [family]):
        for hub, block in spec["model_src"].items():
            offered = block.get("quantizations", [""])
            found |= {(hub, block["model_id"].replace("{quantization}", quantization)) for quantization in offered}
    return found


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with a short path: the server opens sockets in it, whose paths may not be long."""
    with TemporaryDirectory(prefix="xi") as folder:
        yield Path(folder)


@pytest.mark.usefixtures("site")
def test_a_server_registers_every_model(bundled: Path, tmp_path: Path, home: Path) -> None:
    forms = sorted((bundled / "register").rglob("*.json"))
    assert len({path.parent.name for path in forms}) >= 3
    port = free_port()
    environment = surrounding(home, XINFERENCE_HOME=str(home / "xinference"), XINFERENCE_AUTH_ADVANCED="0")
    command = [str(BIN / "xinference-local"), "-H", "127.0.0.1", "-p", str(port)]
    with server(command, f"http://127.0.0.1:{port}/v1/models", environment, home / "log", 180):
        refused = {path.name: said for path in forms if (said := registered(port, path))}
        assert refused == {}
        for type_ in {path.parent.name for path in forms}:
            listed = {each["model_name"] for each in ask(port, named(type_)) if not each["is_builtin"]}
            assert listed >= {path.stem for path in forms if path.parent.name == type_}
        detail = ask(port, f"{named('llm')}/{next(path.stem for path in forms if path.parent.name == 'llm')}")
        assert detail["model_specs"]
        wrong = json.loads(forms[0].read_text()) | {"model_name": "with a space"}
        (tmp_path / forms[0].parent.name).mkdir()
        bad = tmp_path / forms[0].parent.name / "bad.json"
        bad.write_text(json.dumps(wrong))
        assert registered(port, bad)


def named(type_: str) -> str:
    return "LLM" if type_ == "llm" else type_


def registered(port: int, form: Path) -> str:
    """Register a model; empty where the server took it."""
    body = json.dumps({"model": form.read_text(), "persist": False}).encode()
    address = f"http://127.0.0.1:{port}/v1/model_registrations/{named(form.parent.name)}"
    asked = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=60):  # noqa: S310 - this machine
            return ""
    except urllib.error.HTTPError as error:
        return error.read().decode() or str(error)


def ask(port: int, path: str) -> Any:  # noqa: ANN401 - any JSON value
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/model_registrations/{path}", timeout=60) as answer:
        return json.load(answer)


def test_the_lock_names_hashes_and_no_host() -> None:
    lock = (ROOT / "proofs.lock").read_text()
    assert "://" not in lock
    blocks = [block for block in lock.replace("\\\n", "").splitlines() if block and not block.lstrip().startswith("#")]
    assert [block for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []
    assert re.search(r"^torch==\S+\+cpu ", lock, re.MULTILINE)


@pytest.mark.usefixtures("site")
def test_the_loader_takes_what_a_synchronisation_wrote(tmp_path: Path) -> None:
    published = publish(ROOT / "registry", tmp_path / "published", tmp_path / "keys")
    home = tmp_path / "home"
    words: list[str | Path] = ["--root", published.root, "--cache", tmp_path / "cache", "--home", home]
    with serve(published.site) as served:
        galleryctl("sync", "--gallery", served.url, "--runtime", "xinference", *words)
    wanted = families(published.site / "runtimes" / "xinference")
    done = python("-c", f"import os; os.environ['XINFERENCE_HOME'] = {str(home)!r}\n{READ}", home=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    loaded = json.loads(done.stdout.rpartition("FOUND")[2])
    for type_, found in wanted.items():
        assert (home / f"model/v2/builtin/{type_}/{type_}_models.json").is_file()
        assert {known(type_, family, loaded) for family in found} <= loaded[type_].keys()
        newest = {known(type_, family, loaded): family["updated_at"] for family in found}
        assert [name for name, when in newest.items() if loaded[type_][name][0] < when] == []
