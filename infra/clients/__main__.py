"""Generate the code of the clients (`make clients`), or tell what of it is stale (`make check`)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from infra.clients.generate import (
    PYTHON,
    ROOT,
    TYPESCRIPT,
    GeneratorError,
    generate_python,
    generate_typescript,
    stale_parts,
)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Return the exit code: 0, or 1 with a line for each thing that is wrong."""
    parser = argparse.ArgumentParser(prog="python -m infra.clients", description=(__doc__ or "").strip())
    parser.add_argument("--check", action="store_true", help="write nothing; tell what was made of another document")
    if parser.parse_args(arguments).check:
        stale = list(stale_parts(root))
        for path in stale:
            print(f"{path} is older than the API's document; run make clients", file=sys.stderr)
        return 1 if stale else 0
    try:
        generate_python(root / PYTHON)
        generate_typescript(root / TYPESCRIPT)
    except GeneratorError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
