"""`python -m bench.advice`: simulate what is advised and what comes true, and write bench/advice/RESULTS.md.

`python -m bench.advice templates`, or `hours`, renews that section alone.
"""

import re
import sys
from importlib import import_module
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
_TITLE = """# Whether advice comes true

Written by `python -m bench.advice`. Everything is simulated from fixed seeds: the figures come out the same each time.
"""


_SECTIONS = {"templates": "## Templates", "hours": "## Hours at which people read"}


def main(chosen: list[str]) -> int:
    """Renew the chosen sections, or all. Returns the exit code."""
    made = {name: import_module(f"bench.advice.{name}.section").section() for name in chosen or _SECTIONS}
    before = re.split(r"(?m)^(?=## )", RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    kept = {name: part.rstrip() for part in before for name, head in _SECTIONS.items() if part.startswith(f"{head}\n")}
    parts = [_TITLE.rstrip(), *((kept | made)[name].rstrip() for name in _SECTIONS if name in kept | made)]
    RESULTS.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(f"Written: {RESULTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
