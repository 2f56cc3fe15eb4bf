"""The program `galleryctl`. Its command line is an extra of the package; where that is missing, one line says so."""

from __future__ import annotations

import sys


def main() -> int:
    try:
        from galleryctl.cli import main as run  # noqa: PLC0415 - its library may not be there
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write("galleryctl: the command line is not installed: pip install 'galleryctl[cli]'\n")
        return 3
    return run()


if __name__ == "__main__":
    sys.exit(main())
