"""`python -m bench.advice`: simulate what is advised and what comes true, and write bench/advice/RESULTS.md."""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
_TITLE = """# Whether advice comes true

Written by `python -m bench.advice`. Everything is simulated from fixed seeds: the figures come out the same each time.
"""


def main() -> int:
    """Returns the exit code."""
    parts = [_TITLE]
    for name in ("templates.section", "hours"):
        module = f"bench.advice.{name}"
        if find_spec(module) is not None:
            parts.append(import_module(module).section())
    RESULTS.write_text("\n".join(parts), encoding="utf-8")
    print(f"Written: {RESULTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
