"""Write the tables of `docs/` (`make docs`), or check all pages (`make check`)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from functions.endpoints import document
from infra.docs.breaking_changes import RELEASED, unknown_changes
from infra.docs.floors import misplaced_packages
from infra.docs.links import broken_links
from infra.docs.tables import PageError, made_pages

_BASE_URL = "https://heed.example"
_ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None, root: Path = _ROOT) -> int:
    """Return the exit code: 0, or 1 with a line for each thing that is wrong."""
    parser = argparse.ArgumentParser(prog="python -m infra.docs", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; tell what is stale or leads nowhere")
    parser.add_argument("--release", action="store_true", help="keep the OpenAPI document as that of the release")
    try:
        pages = made_pages(root)
    except PageError as error:
        print(error, file=sys.stderr)
        return 1
    asked = parser.parse_args(arguments)
    released = root / "docs" / RELEASED
    if asked.release:
        plain = json.dumps(json.loads(document(_BASE_URL)), ensure_ascii=False, separators=(",", ":"))
        released.write_text(f"{plain}\n", encoding="utf-8")
    if not asked.check:
        for page, text in pages.items():
            page.write_text(text)
        return 0
    stale = [page.relative_to(root) for page, text in pages.items() if page.read_text() != text]
    wrong = [f"{page}: a table is out of date; run make docs" for page in stale]
    wrong += misplaced_packages(root) + broken_links(root)
    wrong += [f"it breaks clients of the API: {change}" for change in unknown_changes(released, document(_BASE_URL))]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
