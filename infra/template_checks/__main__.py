"""Tell what is wrong with the templates of a folder, by default `infra`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

from infra.template_checks.check import faults
from infra.template_checks.known import read_known


def main(arguments: list[str]) -> int:
    """Return the exit code: 0, or 1 with a line for each fault."""
    parser = ArgumentParser("python -m infra.template_checks", description="Tell what is wrong with templates.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parents[1], help="theirs (infra)")
    wrong = faults(parser.parse_args(arguments).folder, read_known())
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
