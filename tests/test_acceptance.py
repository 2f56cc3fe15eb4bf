"""Real catalogues come back as they went in: the script that measures it, over the recorded ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"
SCRIPT = SHARED / "acceptance" / "roundtrip.py"
XINFERENCE = tuple(f"xinference/{kind}.json" for kind in ("llm", "embedding", "rerank", "image", "audio", "video"))


@pytest.mark.skipif(not SCRIPT.is_file(), reason="needs ../shared/acceptance/roundtrip.py and the catalogues beside it")
@pytest.mark.parametrize(
    ("runtime", "sources", "said"),
    [
        ("xinference", XINFERENCE, "xinference: 281 identical, 0 different, 0 rejected, 0 missing of 281"),
        ("localai", ("localai/index.yaml",), "localai: 1026 identical, 0 different, 5 rejected, 0 missing of 1031"),
    ],
)
def test_a_catalogue_survives(runtime: str, sources: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """Exit code 0 also says that at most 3 % of the values travel in an overlay of one runtime."""
    tool = f"{sys.executable} -m galleryctl"
    words = [str(SHARED / "data" / source) for source in sources]
    command = [sys.executable, str(SCRIPT), runtime, *words, "--galleryctl", tool, "--keep", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.splitlines()[-1:] == [said], done.stdout + done.stderr
    assert done.returncode == 0, done.stdout
