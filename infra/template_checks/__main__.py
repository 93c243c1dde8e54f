"""Tell what is wrong with the templates of a folder, by default `infra`."""

from __future__ import annotations

import sys
from pathlib import Path

from infra.template_checks.check import faults
from infra.template_checks.known import read_known


def main(arguments: list[str]) -> int:
    """Return the exit code: 0, or 1 with a line for each fault."""
    folder = Path(arguments[0]) if arguments else Path(__file__).parents[1]
    wrong = faults(folder, read_known())
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
