"""Fill in `infra/main.parameters.json` from the environment, as azd does: `python -m infra.deployment_parameters`.

Workflows give the result to Azure's own tools, which do not know azd's `${NAME=default}`. It needs nothing but Python.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
_PLACE = re.compile(r"\$\{(\w+)(=([^}]*))?\}")
_TYPES: Mapping[str, Callable[[str], Any]] = {
    "int": int,
    "bool": lambda text: text.lower() == "true",
    "string": str,
    "object": json.loads,
}


class MissingParameter(Exception):
    """Parameters have neither a value nor a default; the text names their variables."""


def fill_in(parameters: Mapping[str, Any], types: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, Any]:
    """The file's content with values of the template's types. Raises MissingParameter, ValueError.

    Objects that are not set are left out: the template has their defaults.
    """
    missing: list[str] = []
    values = {
        name: _filled(each["value"], types[name], environment, missing)
        for name, each in parameters.items()
        if types[name] != "object" or environment.get(each["value"].strip("${}"))
    }
    if missing:
        raise MissingParameter(f"set {', '.join(missing)}")
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"
    return {
        "$schema": schema,
        "contentVersion": "1.0.0.0",
        "parameters": {name: {"value": value} for name, value in values.items()},
    }


def _filled(value: str, kind: str, environment: Mapping[str, str], missing: list[str]) -> Any:
    place = _PLACE.fullmatch(value)
    if place is None:
        return value
    given = environment.get(place[1]) or place[3]
    if given is None:
        missing.append(place[1])
        return None
    return _TYPES[kind](given)


def parameter_types(template: str) -> dict[str, str]:
    """The types of a template's parameters."""
    return dict(re.findall(r"^param (\w+) (\w+)", template, re.MULTILINE))


def main() -> int:
    """Return the exit code: 0, or 1 with a line that says what is missing."""
    parameters = json.loads((_FOLDER / "main.parameters.json").read_text())["parameters"]
    try:
        filled = fill_in(parameters, parameter_types((_FOLDER / "main.bicep").read_text()), os.environ)
    except (MissingParameter, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(filled, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
