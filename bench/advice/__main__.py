"""`python -m bench.advice`: simulate what is advised and what comes true, and write bench/advice/RESULTS.md."""

import sys
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
_TITLE = """# Whether advice comes true

Written by `python -m bench.advice`. Everything is simulated from fixed seeds: the figures come out the same each time.
"""


def main() -> int:
    """Returns the exit code."""
    with ProcessPoolExecutor(2) as pool:
        parts = [_TITLE, *pool.map(_section, ("templates.section", "hours.section"))]
    RESULTS.write_text("\n".join(parts), encoding="utf-8")
    print(f"Written: {RESULTS}")
    return 0


def _section(module: str) -> str:
    section: str = import_module(f"bench.advice.{module}").section()
    return section


if __name__ == "__main__":
    sys.exit(main())
