"""Training runs as models; the stores are real ones of MLflow, as files and in SQLite."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from galleryctl.errors import UsageError
from galleryctl.fetch import FetchError, Http, MissingError, RefusedError
from galleryctl.hubs.mlflow import Runs
from galleryctl.importers import Candidate, Options, Rejected, mlflow, reference
from galleryctl.spec import Release
from registries import problems
from stores import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stores import Client

Store: TypeAlias = Any  # MLflow's client
MLMODEL = """\
artifact_path: model
flavors:
  python_function: {loader_module: mlflow.pytorch, python_version: 3.11.7}
  pytorch: {model_data: data, pytorch_version: 2.7.0}
"""
DAY = 1_700_000_000_000


def opened(monkeypatch: pytest.MonkeyPatch, uri: str) -> Store:
    for name, value in {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ALLOW_FILE_STORE": "true"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow as library  # noqa: PLC0415 - it takes long to import

        return library.MlflowClient(uri, uri)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    """A store of files."""
    (tmp_path / "store").mkdir()
    return opened(monkeypatch, str(tmp_path / "store"))


def run_of(store: Store, folder: Path, files: dict[str, str], **experiment: str) -> str:
    """A finished run of two steps, with a model made of `files`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        number = store.create_experiment("Tiny experiments", **experiment)
        run = str(store.create_run(number, run_name="brave-run").info.run_id)
        for step, value in ((1, 0.8), (2, 0.9)):
            store.log_metric(run, "accuracy", value, timestamp=DAY + step * 86_400_000, step=step)
        store.log_metric(run, "loss", float("nan"), timestamp=DAY, step=1)
        store.log_metric(run, "system/cpu", 1.0, timestamp=DAY, step=1)
        store.log_param(run, "secret_path", "/home/ada")
        if not experiment:
            for name, text in files.items():
                path = folder / "model" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            store.log_artifacts(run, str(folder / "model"), "model")
        store.set_terminated(run, end_time=DAY + 3 * 86_400_000)
    return run


def found(name: str, options: Options = Options(type="vision")) -> Candidate | Rejected:  # noqa: B008 - it is frozen
    fetcher = Http(allow_private=True)
    [result] = mlflow.read(reference(f"mlflow:{name}", fetcher), fetcher, options)
    return result


FILES = {"MLmodel": MLMODEL, "data/model.pth": "weights"}


def expected(run: str) -> dict[str, Any]:
    day = dt.datetime.fromtimestamp(DAY / 1000 + 2 * 86_400, dt.UTC).date().isoformat()
    return {
        "released": dt.datetime.fromtimestamp(DAY // 1000 + 3 * 86_400, dt.UTC).isoformat().replace("+00:00", "Z"),
        "environment": {"framework": "pytorch"},
        "metrics": [{"name": "accuracy", "value": 0.9, "date": day, "source": f"mlflow:{run}"}],
        "origin": {"kind": "training", "platform": "mlflow", "ref": run, "task": "Tiny experiments"},
    }


def test_a_run_becomes_a_model_that_check_accepts(
    store: Store, tmp_path: Path, registry: Callable[..., Path], run: Callable[..., Any]
) -> None:
    name = run_of(store, tmp_path, FILES)
    result = found(name)
    assert isinstance(result, Candidate)
    assert (result.type, result.id, result.source) == ("vision", "mlflow/brave-run", "brave-run")
    assert result.model == {"title": "brave-run"}
    release = dict(result.releases["1.0.0"])
    [variant] = release.pop("variants")
    assert release == expected(name)
    assert variant == {
        "format": "pytorch",
        "quantizations": ["none"],
        "files": {
            "none": [
                {"path": "data/model.pth", "size": 7},
                {"path": "MLmodel", "size": len(MLMODEL), "role": "config"},
            ]
        },
    }
    assert [remark.code for remark in result.remarks] == ["SRC005", "FIL001", "VAL006"]
    assert "secret_path" not in json.dumps([result.model, result.releases])
    lacking = {"ABL006", "DOC001", "LIC001", "TXT007"}
    assert {code for code, severity in problems(registry(), run, result) if severity == "error"} <= lacking


def test_digests_are_computed_when_asked_for(store: Store, tmp_path: Path) -> None:
    result = found(run_of(store, tmp_path, FILES), Options(type="vision", publisher="acme", digest=True))
    assert isinstance(result, Candidate)
    assert result.id == "acme/brave-run"
    [variant] = result.releases["1.0.0"]["variants"]
    assert variant["files"]["none"][0]["sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert "FIL001" not in [remark.code for remark in result.remarks]


def test_registered_models_are_found_by_version_and_alias_in_sqlite(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    store = opened(monkeypatch, f"sqlite:///{tmp_path}/mlflow.db")
    name = run_of(store, tmp_path, FILES)
    store.create_registered_model("tiny-net")
    store.create_model_version("tiny-net", f"runs:/{name}/model", run_id=name, description="Sees small things.")
    store.set_registered_model_alias("tiny-net", "champion", "1")
    for reference_ in ("models:/tiny-net/1", "models:/tiny-net@champion"):
        result = found(reference_)
        assert isinstance(result, Candidate)
        assert (result.id, result.model) == (
            "mlflow/tiny-net",
            {"title": "tiny-net", "summary": "Sees small things."},
        )
        release = result.releases["1.0.0"]
        assert {key: release[key] for key in expected(name)} == expected(name)
        assert release["variants"][0]["files"]["none"][0] == {"path": "data/model.pth", "size": 7}
    with pytest.raises(MissingError, match="MLflow could not read it"):
        found("models:/tiny-net/7")


def test_a_logged_model_of_its_own_is_that_of_its_run(store: Store, tmp_path: Path) -> None:
    name = run_of(store, tmp_path, {})
    experiment = store.get_run(name).info.experiment_id
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = store.create_logged_model(experiment, name="net", source_run_id=name)
        store.log_model_artifacts(model.model_id, str(written(tmp_path / "logged", FILES)))
        store.finalize_logged_model(model.model_id, "READY")
        from mlflow.entities import LoggedModelOutput  # noqa: PLC0415 - as above

        store.log_outputs(name, [LoggedModelOutput(model.model_id, 0)])
        store.create_registered_model("tiny-net")
        store.create_model_version("tiny-net", f"models:/{model.model_id}", run_id=name)
    for reference_ in (name, "models:/tiny-net/1"):
        result = found(reference_)
        assert isinstance(result, Candidate)
        assert result.releases["1.0.0"]["environment"] == {"framework": "pytorch"}
        paths = [file["path"] for file in result.releases["1.0.0"]["variants"][0]["files"]["none"]]
        assert paths == ["data/model.pth", "MLmodel"]


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_artifacts_in_an_object_store_become_a_source(store: Store, tmp_path: Path, s3: Client) -> None:
    root = f"s3://{BUCKET}/runs"
    name = run_of(store, tmp_path, FILES, artifact_location=root)
    for path, text in FILES.items():
        s3.put_object(Bucket=BUCKET, Key=f"runs/{name}/artifacts/model/{path}", Body=text, ChecksumAlgorithm="SHA256")
    result = found(name)
    assert isinstance(result, Candidate)
    release = result.releases["1.0.0"]
    [variant] = release["variants"]
    assert variant["sources"] == {"object": {"prefix": f"{root}/{name}/artifacts/model"}}
    assert variant["files"]["none"][0]["sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert release["environment"] == {"framework": "pytorch"}
    assert [remark.code for remark in result.remarks] == ["VAL006"]


@pytest.mark.parametrize(
    ("flavors", "framework", "type_"),
    [
        ({"sklearn": {"pickled_model": "model.pkl"}, "python_function": {}}, "sklearn", None),
        ({"onnx": {"onnx_version": "1.17"}}, "onnx", None),
        ({"transformers": {"task": "text-generation"}, "pytorch": {}}, "transformers", "llm"),
        ({"sentence_transformers": {}, "python_function": {}}, "sentence-transformers", "embedding"),
        ({"python_function": {"loader_module": "x"}}, None, None),
        (None, None, None),
        ([1, 2], None, None),
        ({"transformers": {"task": ["x"]}, 7: None}, "transformers", None),
    ],
)
def test_the_framework_is_the_flavour_that_says_most(
    store: Store, tmp_path: Path, flavors: object, framework: str | None, type_: str | None
) -> None:
    text = json.dumps({"flavors": flavors})
    name = run_of(store, tmp_path, {"MLmodel": text, "model.pkl": "w"})
    result = found(name)
    assert isinstance(result, Candidate)
    assert result.releases["1.0.0"].get("environment") == ({"framework": framework} if framework else None)
    assert ("ENV004" in [remark.code for remark in result.remarks]) == (framework is None)
    Release.model_validate_json(json.dumps(result.releases["1.0.0"]), strict=True, extra="forbid")
    untold = found(name, Options())
    assert (untold.type if isinstance(untold, Candidate) else None) == type_


@pytest.mark.parametrize(
    "text", ["", "\x00\x01", "flavors: [", "a: &a [*a]", "[" * 5000, "flavors: {pytorch: " + "x" * 9000]
)
def test_an_odd_mlmodel_file_is_survived(store: Store, tmp_path: Path, text: str) -> None:
    result = found(run_of(store, tmp_path, {"MLmodel": text, "model.pt": "w"}))
    assert isinstance(result, Candidate)
    Release.model_validate_json(json.dumps(result.releases["1.0.0"]), strict=True, extra="forbid")


def test_a_run_without_a_model_keeps_its_facts(store: Store, tmp_path: Path) -> None:
    result = found(run_of(store, tmp_path, {"notes.txt": "x"}))
    assert isinstance(result, Candidate)
    assert "variants" not in result.releases["1.0.0"]
    assert [remark.code for remark in result.remarks] == ["ENV004", "FIL004", "VAL006"]
    assert result.releases["1.0.0"]["metrics"][0]["value"] == 0.9


def test_what_is_no_run_or_not_there_is_said(store: Store) -> None:
    assert store is not None
    for odd in ("", "x", "models:/tiny", "models:/a/b/1", "A" * 32):
        with pytest.raises(UsageError, match="is no run"):
            found(odd)
    with pytest.raises(FetchError, match="could not read it"):
        found("0" * 32)


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("", "is not set"),
        ("postgresql://db/x", "names a postgresql store"),
        ("databricks", "there is nothing at"),
        ("sqlite:////nowhere/x.db", "there is nothing at"),
    ],
)
def test_a_store_that_cannot_be_meant_is_refused_and_not_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uri: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(UsageError, match=says):
        found("0" * 32)
    assert list(tmp_path.iterdir()) == []


def test_a_tracking_server_inside_the_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://127.0.0.1:9")
    with pytest.raises(RefusedError, match="--allow-private"):
        Runs(Http()).snapshot("0" * 32)


def test_without_the_extra_the_install_line_is_said(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['mlflow'] = None\n"
        "from galleryctl.fetch import Http; from galleryctl.hubs.mlflow import Runs\n"
        "from galleryctl.errors import UsageError\n"
        "try: Runs(Http()).snapshot('0' * 32)\n"
        "except UsageError as error: print(error)\n"
    )
    environment = {**os.environ, "MLFLOW_TRACKING_URI": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "reading training runs needs mlflow: pip install 'galleryctl[mlflow]'\n"


def test_parts_of_artifacts_are_read_where_they_lie(store: Store, tmp_path: Path) -> None:
    hub = Runs(Http(allow_private=True))
    snapshot = hub.snapshot(run_of(store, tmp_path, FILES))
    assert hub.part(snapshot, "data/model.pth", 2, 5) == b"igh"
    assert hub.read(snapshot, "data/model.pth") == b"weights"
    for path in ("missing", "../MLmodel"):
        with pytest.raises(FetchError):
            hub.part(snapshot, path, 0, 1)
        with pytest.raises(FetchError):
            hub.read(snapshot, path)


def test_files_of_this_machine_are_not_read_for_a_remote_server(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = Runs(Http(allow_private=True)).snapshot(run_of(store, tmp_path, FILES))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    remote = Runs(Http(allow_private=True))
    with pytest.raises(FetchError, match="no parts"):
        remote.part(snapshot, "data/model.pth", 0, 5)


_SERVER = """
import sys
from mlflow.server import app
from werkzeug.serving import make_server
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


def test_a_tracking_server_lists_and_sends_artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("flask", reason="MLflow's server needs flask, which comes with moto[server]")
    settings = {
        "_MLFLOW_SERVER_FILE_STORE": str(tmp_path / "store"),
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(tmp_path / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    (tmp_path / "store").mkdir()
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _SERVER],
        env={**os.environ, **settings},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            store = opened(monkeypatch, f"http://127.0.0.1:{process.stdout.readline().strip()}")
            result = found(run_of(store, tmp_path, FILES), Options(type="vision", digest=True))
        finally:
            process.terminate()
    assert isinstance(result, Candidate)
    release = result.releases["1.0.0"]
    assert release["environment"] == {"framework": "pytorch"}
    listed = release["variants"][0]["files"]["none"]
    assert [file["path"] for file in listed] == ["data/model.pth", "MLmodel"]
    assert listed[0]["sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert [remark.code for remark in result.remarks] == ["SRC005", "VAL006"]
