"""Training runs and registered models of MLflow, through its own client.

The client connects by itself: a tracking server is asked about first, other remote stores are refused. What a remote
server says of this machine's own files is not believed: they are read only where the store itself lies here.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import re
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from galleryctl import document
from galleryctl.errors import UsageError
from galleryctl.fetch import FetchError, MissingError
from galleryctl.hubs import shapes
from galleryctl.hubs.base import RemoteFile, Snapshot
from galleryctl.hubs.objects import Objects

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from galleryctl.fetch import Fetcher

_INSTALL = "reading training runs needs mlflow: pip install 'galleryctl[mlflow]'"
_ADDRESS = "MLFLOW_TRACKING_URI"
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_FILE_STORE": "true",  # it is only read
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # of its own accord it tries for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""What the client is told where the environment says nothing."""
_RUN = re.compile(r"[0-9a-f]{32}")
_VERSION = re.compile(r"models:/(?P<name>[^/@:\s][^/@:]{0,200})(?:/(?P<version>[0-9]{1,9})|@(?P<alias>[\w.-]{1,200}))")
_LOGGED = re.compile(r"models:/(m-[\w-]{1,100})")
_OF_RUN = re.compile(r"runs:/([0-9a-f]{32})(?:/(.*))?")
_MODEL = "MLmodel"
_RAISE = frozenset({"mlflow", "requests", "urllib3", "builtins", "sqlalchemy"})
"""Packages whose exceptions the client lets through."""
_MOST_FILES = 2_000
_MOST_METRICS = 100
_STEP = 2**20


class Metric(NamedTuple):
    """The last value of a metric."""

    name: str
    value: float
    moment: dt.datetime


@dataclass(frozen=True)
class Training:
    """What MLflow knows of a run and its model."""

    run: str
    name: str
    """Of the registered model, else of the run."""
    experiment: str | None
    page: str
    """Where people see the run: an address, or `mlflow:RUN` of a store that has none that can be published."""
    description: str | None
    metrics: tuple[Metric, ...]
    odd: tuple[str, ...]
    """Metrics whose last value is no number."""
    flavors: Mapping[str, Mapping[str, Any]]
    root: str | None
    """Address of the folder with the model; none where the run has no model."""
    several: bool = False
    """Whether the run has further models."""


@dataclass(frozen=True)
class _Place:
    """Where a model lies: the address of its folder, and how the client lists it."""

    root: str
    run: str | None = None
    logged: str | None = None
    path: str = ""
    """Of the folder inside the run's artifacts."""
    several: bool = field(default=False)


class Runs:
    """A `Hub` of one MLflow store; a repository is `RUN_ID`, `models:/name/version` or `models:/name@alias`."""

    kind = "mlflow"

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def snapshot(self, repo: str, revision: str | None = None) -> Snapshot:
        """A run with its model. `revision` of what is found is the run; `raw["training"]` has a `Training`."""
        if revision is not None:
            raise UsageError(f"{repo}: name the version in the reference, models:/name/version")
        named = _VERSION.fullmatch(repo)
        if named is None and not _RUN.fullmatch(repo):
            raise UsageError(
                f"{repo[:200]!r} is no run: write the run's id, models:/name/version or models:/name@alias"
            )
        with _told(repo):
            version = self._version(named) if named else None
            run = self._run(repo, version)
            place = self._place(run, version)
            files = self._files(place) if place else ()
            training = self._training(run, version, place, files)
        return Snapshot(
            kind=self.kind,
            repo=repo,
            revision=training.run,
            files=files,
            modified=_moment(run.info.end_time or run.info.start_time),
            raw={"training": training},
        )

    def read(self, found: Snapshot, path: str, *, limit: int = 2**20) -> bytes:
        file = found.file(path)
        if file is None or (file.size or 0) > limit:
            raise FetchError(f"{found.repo}/{path}: is not there, or has more than {limit:,} bytes")
        return b"".join(self._chunks(found.raw["training"].root, path))[: limit + 1]

    def part(self, found: Snapshot, path: str, start: int, stop: int) -> bytes:
        root = found.raw["training"].root or ""
        if urlsplit(root).scheme == "s3":
            store = Objects(self._fetcher)
            return store.part(store.snapshot(f"{root}/{path}"), _last(path), start, stop)
        if urlsplit(root).scheme not in {"", "file"} or not self._here or found.file(path) is None:
            raise FetchError(f"{found.repo}/{path}: a tracking server sends no parts of artifacts")
        with _told(path), (_local(root) / path).open("rb") as file:
            file.seek(start)
            return file.read(stop - start)

    def digest(self, found: Snapshot, path: str) -> str:
        """The SHA-256 of an artifact, which is read once from start to end."""
        counted = hashlib.sha256()
        for data in self._chunks(found.raw["training"].root, path):
            counted.update(data)
        return counted.hexdigest()

    def address(self, found: Snapshot, path: str) -> str:
        return f"{found.raw['training'].root}/{path}"

    @cached_property
    def tracking(self) -> str:
        """Address of the store. Raises `UsageError` for one that cannot be read, `RefusedError` for a refused one."""
        uri = os.environ.get(_ADDRESS, "")
        scheme = urlsplit(uri).scheme
        if scheme in {"http", "https"}:
            self._fetcher.permit(uri)
        elif scheme not in {"", "file", "sqlite"} or not uri:
            now = f"names a {scheme} store" if uri else "is not set"
            raise UsageError(f"{_ADDRESS} {now}; set it to a tracking server, a sqlite:/// file or a folder")
        elif not _local(uri.removeprefix("sqlite:///") if scheme == "sqlite" else uri).exists():
            raise UsageError(f"{_ADDRESS}: there is nothing at {uri}")
        return uri.rstrip("/")

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - the library's own
        tracking = self.tracking
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            import mlflow  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise UsageError(_INSTALL) from error
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        return mlflow.MlflowClient(tracking, tracking)

    @property
    def _here(self) -> bool:
        return urlsplit(self.tracking).scheme not in {"http", "https"}

    def _version(self, named: re.Match[str]) -> Any:  # noqa: ANN401 - the library's own
        if named["alias"]:
            return self._client.get_model_version_by_alias(named["name"], named["alias"])
        return self._client.get_model_version(named["name"], named["version"])

    def _run(self, repo: str, version: Any) -> Any:  # noqa: ANN401 - the library's own
        run = repo if version is None else version.run_id
        if not run and version is not None and (logged := _LOGGED.fullmatch(version.source or "")):
            run = self._client.get_logged_model(logged[1]).source_run_id
        if not run:
            raise MissingError(f"{repo}: this version was registered without its run")
        return self._client.get_run(run)

    def _place(self, run: Any, version: Any) -> _Place | None:  # noqa: ANN401 - the library's own
        source = version.source if version is not None else None
        if source and (logged := _LOGGED.fullmatch(source)):
            return self._logged(logged[1])
        if source and (of_run := _OF_RUN.fullmatch(source)):
            path = (of_run[2] or "").strip("/")
            return _Place(_joined(self._client.get_run(of_run[1]).info.artifact_uri, path), run=of_run[1], path=path)
        if source:
            return _Place(str(source).rstrip("/"))
        outputs = [each.model_id for each in getattr(run.outputs, "model_outputs", None) or ()]
        if outputs:
            found = self._logged(outputs[-1])
            return _Place(found.root, logged=found.logged, several=len(outputs) > 1)
        whole = _Place(str(run.info.artifact_uri).rstrip("/"), run=run.info.run_id)
        folders = [file.path.removesuffix(_MODEL) for file in self._files(whole) if _last(file.path) == _MODEL]
        if not folders:
            return None
        path = folders[0].strip("/")
        return _Place(_joined(whole.root, path), run=whole.run, path=path, several=len(folders) > 1)

    def _logged(self, model: str) -> _Place:
        return _Place(str(self._client.get_logged_model(model).artifact_location).rstrip("/"), logged=model)

    def _files(self, place: _Place) -> tuple[RemoteFile, ...]:
        """Files of a folder, as far as it can be listed from here."""
        scheme = urlsplit(place.root).scheme
        if scheme == "s3":
            return Objects(self._fetcher).snapshot(place.root).files
        if scheme in {"", "file"}:
            return tuple(_under(_local(place.root))) if self._here else ()
        if scheme != "mlflow-artifacts" or urlsplit(place.root).netloc:
            return ()
        return tuple(sorted(self._walked(place)))

    def _walked(self, place: _Place) -> Iterator[RemoteFile]:
        waiting, count = [place.path], 0
        while waiting:
            folder = waiting.pop()
            if place.logged:
                listed = self._client.list_logged_model_artifacts(place.logged, folder or None)
            elif place.run:
                listed = self._client.list_artifacts(place.run, folder or None)
            else:
                return
            for each in listed:
                count += 1
                if count > _MOST_FILES:
                    raise FetchError(f"{place.root}: more than {_MOST_FILES:,} artifacts")
                path = shapes.path(each.path)
                if path is None or not path.startswith(f"{folder}/" if folder else ""):
                    continue
                if each.is_dir:
                    waiting.append(path)
                else:
                    yield RemoteFile(path.removeprefix(f"{place.path}/"), shapes.whole(each.file_size))

    def _chunks(self, root: str | None, path: str) -> Iterator[bytes]:
        if root is None or shapes.path(path) is None:
            raise MissingError(f"{path}: there is no such artifact")
        scheme = urlsplit(root).scheme
        with _told(f"{root}/{path}"), tempfile.TemporaryDirectory() as folder:
            if scheme == "s3":
                store = Objects(self._fetcher)
                found = store.snapshot(root)
                size = next((file.size or 0 for file in found.files if file.path == path), 0)
                for start in range(0, size, 16 * _STEP):
                    yield store.part(found, path, start, start + 16 * _STEP)
                return
            if scheme in {"", "file"} and self._here:
                local = _local(root) / path
            else:
                import mlflow.artifacts  # noqa: PLC0415 - an extra

                uri = f"{root}/{path}"
                local = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder, tracking_uri=self.tracking))
            with local.open("rb") as file:
                while data := file.read(_STEP):
                    yield data

    def _training(self, run: Any, version: Any, place: _Place | None, files: tuple[RemoteFile, ...]) -> Training:  # noqa: ANN401
        run_id, tags = str(run.info.run_id), shapes.mapping(dict(run.data.tags))
        experiment = self._client.get_experiment(run.info.experiment_id)
        page = f"{self.tracking}/#/experiments/{run.info.experiment_id}/runs/{run_id}"
        known = any(file.path == _MODEL for file in files)
        metrics, odd = self._metrics(run)
        said = (version.description if version is not None else None) or tags.get("mlflow.note.content")
        return Training(
            run=run_id,
            name=str(version.name if version is not None else run.info.run_name or run_id),
            experiment=shapes.text(experiment.name) if experiment else None,
            page=page if page.startswith("https://") else f"mlflow:{run_id}",
            description=said if isinstance(said, str) else None,
            metrics=metrics,
            odd=odd,
            flavors=_flavors(b"".join(self._chunks(place.root, _MODEL))) if place and known else {},
            root=place.root if place else None,
            several=place is not None and place.several,
        )

    def _metrics(self, run: Any) -> tuple[tuple[Metric, ...], tuple[str, ...]]:  # noqa: ANN401 - the library's own
        """The last value of each metric; what the machine measured of itself is none of the model."""
        names = sorted(name for name in run.data.metrics if not name.startswith("system/"))[:_MOST_METRICS]
        found, odd = [], []
        for name in names:
            history = self._client.get_metric_history(run.info.run_id, name)
            last = max(history, key=lambda each: (each.step, each.timestamp), default=None)
            moment = _moment(last.timestamp) if last else None
            if last is None or moment is None or not math.isfinite(last.value):
                odd.append(name)
            else:
                found.append(Metric(name, float(last.value), moment))
        return tuple(found), tuple(odd)


def _flavors(data: bytes) -> Mapping[str, Mapping[str, Any]]:
    try:
        found = document.lenient(data[: document.MOST].decode("utf-8", "replace")).data
    except document.TooMuchError:
        return {}
    flavors = shapes.mapping(shapes.mapping(found).get("flavors"))
    return {name: shapes.mapping(value) for name, value in flavors.items()}


def _under(folder: Path) -> Iterator[RemoteFile]:
    """Files of a folder here; links are not followed."""
    for count, path in enumerate(sorted(folder.rglob("*"))):
        if count > _MOST_FILES:
            raise FetchError(f"{folder}: more than {_MOST_FILES:,} artifacts")
        name = shapes.path(path.relative_to(folder).as_posix())
        if name is not None and path.is_file() and not path.is_symlink():
            yield RemoteFile(name, path.stat().st_size)


def _local(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path)) if uri.startswith("file:") else Path(uri)


def _joined(root: str, path: str) -> str:
    return f"{root.rstrip('/')}/{path}".rstrip("/")


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _moment(milliseconds: object) -> dt.datetime | None:
    found = shapes.whole(milliseconds)
    return shapes.moment(found // 1000) if found else None


@contextmanager
def _told(what: str) -> Iterator[None]:
    """The library's errors in our words, and none of its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (FetchError, UsageError):
            raise
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in _RAISE:
                raise
            missing = getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST"
            text = f"{what}: MLflow could not read it: {str(error).partition(chr(10))[0][:300]}"
            raise (MissingError(text) if missing else FetchError(text)) from error
