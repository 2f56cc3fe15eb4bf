"""Programs that read a signed gallery over http as a process or library of its own: ours and other people's."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from galleryctl import canonical, layout
from publishing import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from servers import Served

ROOT = Path(__file__).parents[1]
EXAMPLES, CLIENTS = ROOT / "examples", ROOT / "tests/clients"
NODE = shutil.which("node") or ""
node = pytest.mark.skipif(not NODE, reason="needs Node.js 20 or later: apt-get install nodejs")
shell = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "jq", "openssl"))),
    reason="needs curl, jq and openssl: make tools",
)
tuf_js = pytest.mark.skipif(
    not (NODE and (CLIENTS / "node_modules/tuf-js").is_dir()), reason="needs Node.js and tuf-js: make clients"
)


class Outcome(NamedTuple):
    """What a reader came to. `shown` is its answer, or the catalog's digest; `said` what it complained of."""

    code: int
    shown: str
    said: str


def started(command: Sequence[str | Path], folder: Path | None = None) -> Outcome:
    """A program run to its end."""
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    return Outcome(done.returncode, done.stdout, done.stderr)


PROGRAMS: dict[str, list[str | Path]] = {
    "mjs": [NODE, EXAMPLES / "reader.mjs"],
    "sh": ["bash", EXAMPLES / "reader.sh"],
}


def mjs(url: str, root: Path, state: Path, *more: str) -> Outcome:
    return started([*PROGRAMS["mjs"], url, "--root", root, "--state", state, *more])


def sh(url: str, root: Path, state: Path, *more: str) -> Outcome:
    return started([*PROGRAMS["sh"], url, "--root", root, "--state", state, *more])


def with_tuf_js(url: str, root: Path, state: Path) -> Outcome:
    return started([NODE, CLIENTS / "tuf.mjs", url, root, state])


def with_python_tuf(url: str, root: Path, state: Path) -> Outcome:
    from tuf.api.exceptions import DownloadError, RepositoryError  # noqa: PLC0415 - only who reads with it waits for it
    from tuf.ngclient import Updater  # noqa: PLC0415 - as above

    (state / "targets").mkdir(parents=True, exist_ok=True)
    try:
        updater = Updater(str(state), f"{url}metadata", str(state / "targets"), url, bootstrap=root.read_bytes())
        updater.refresh()
        target = updater.get_targetinfo(layout.CATALOG)
        assert target is not None
        return Outcome(0, canonical.digest(Path(updater.download_target(target)).read_bytes()) + "\n", "")
    except (RepositoryError, DownloadError) as error:
        return Outcome(3, "", f"{type(error).__name__}: {error}\n")


OURS = [pytest.param(mjs, marks=node, id="reader.mjs"), pytest.param(sh, marks=shell, id="reader.sh")]
OTHERS = [pytest.param(with_python_tuf, id="python-tuf"), pytest.param(with_tuf_js, marks=tuf_js, id="tuf-js")]


@contextmanager
def address(site: Path) -> Iterator[str]:
    """The address of a site, as it is at each request."""
    with serve(site) as served:
        yield base(served)


def base(served: Served) -> str:
    return f"{served.url}/"


def head(site: Path) -> str:
    """Digest of the catalog that a site has now."""
    return canonical.digest((site / layout.CATALOG).read_bytes())
