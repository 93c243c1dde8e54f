"""Tell how a deployment differs from the templates: `python -m infra.drift what-if.json`.

The file is what `az deployment sub what-if --no-pretty-print` says. Azure never gives back secrets and settings of
apps, so what-if takes them for changed every time; they are left out. It needs nothing but Python.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_NEVER_GIVEN_BACK = ("/providers/Microsoft.KeyVault/vaults/", "/providers/Microsoft.Web/sites/")
_PARTS_NEVER_GIVEN_BACK = ("/secrets/", "/config/appsettings")
_NO_DRIFT = {"NoChange", "Ignore", "NoEffect", "Unsupported"}


def drift(result: Mapping[str, Any]) -> list[str]:
    """One line for each resource that differs: kind of change, resource, paths of changed properties."""
    return [_line(change) for change in result.get("changes", []) if _is_drift(change)]


def _is_drift(change: Mapping[str, Any]) -> bool:
    resource = str(change["resourceId"])
    is_hidden = any(part in resource for part in _NEVER_GIVEN_BACK) and any(
        part in resource for part in _PARTS_NEVER_GIVEN_BACK
    )
    if change["changeType"] in _NO_DRIFT or is_hidden:
        return False
    return change["changeType"] != "Modify" or bool(_paths(change))


def _line(change: Mapping[str, Any]) -> str:
    resource = str(change["resourceId"]).partition("/providers/")[2] or str(change["resourceId"])
    paths = ", ".join(_paths(change))
    return f"{change['changeType']}: {resource}" + (f" ({paths})" if paths else "")


def _paths(change: Mapping[str, Any]) -> list[str]:
    return list(_changed(change.get("delta") or []))


def _changed(deltas: list[Mapping[str, Any]], before: str = "") -> Iterator[str]:
    for delta in deltas:
        path = f"{before}{delta['path']}"
        children = delta.get("children")
        if children:
            yield from _changed(children, f"{path}.")
        elif delta.get("propertyChangeType") not in _NO_DRIFT:
            yield path


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 where nothing differs, 1 with a line for each difference."""
    parser = ArgumentParser("python -m infra.drift", description="Tell what a deployment would change, line by line.")
    parser.add_argument("answer", type=Path, help="what `az deployment sub what-if --no-pretty-print` said")
    lines = drift(json.loads(parser.parse_args(arguments).answer.read_text()))
    print("\n".join(lines) if lines else "Nothing differs.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
