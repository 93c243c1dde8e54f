"""Build the package into `dist` (`make package`)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from infra.packaging.build import ROOT, PackageError, app_python, build_package, is_current
from infra.packaging.ignore_file import IgnoreError

_MEGABYTE = 1_000_000


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or 1 with a line that says what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m infra.packaging", description=(__doc__ or "").strip())
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist", help="where package/ and heed.zip go")
    parser.add_argument("--any-python", action="store_true", help="build for the running Python, to try it here")
    parser.add_argument("--if-changed", action="store_true", help="leave a package of the same sources as it is")
    options = parser.parse_args(arguments)
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    try:
        if options.if_changed and is_current(options.folder):
            print(f"{options.folder / 'package'} is built from these sources")
            return 0
        if sys.platform != "linux":
            raise PackageError("build the package on Linux (make package), and copy dist/ here")
        if running != app_python() and not options.any_python:
            raise PackageError(
                f"the app runs on Python {app_python()} and this is {running}: build with that one "
                f"(make package PYTHON=python{app_python()}), or to try it here with --any-python"
            )
        built = build_package(options.folder)
    except (PackageError, IgnoreError) as error:
        print(error, file=sys.stderr)
        return 1
    size = f"{built.packed / _MEGABYTE:.1f} MB, unpacked {built.unpacked / _MEGABYTE:.1f} MB in {built.files} files"
    print(f"{built.archive}: {size}; for Python {running}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
