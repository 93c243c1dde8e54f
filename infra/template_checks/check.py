"""All checks of a folder of templates."""

from __future__ import annotations

from pathlib import Path

from infra.template_checks.alerts import wrong_queries
from infra.template_checks.declarations import wrong_declarations
from infra.template_checks.known import LIB, Known
from infra.template_checks.names_of_the_code import wrong_names
from infra.template_checks.properties import wrong_properties
from infra.template_checks.roles import wrong_roles
from infra.template_checks.safety import unsafe_resources
from infra.template_checks.syntax import read_template, syntax_errors


def faults(folder: Path, known: Known) -> list[str]:
    """One line for each fault of the templates in the folder. Syntax errors hide all others."""
    paths = sorted(folder.glob("*.bicep"))
    wrong = [line for path in paths for line in syntax_errors(path)]
    if wrong or not paths:
        return wrong or [f"there is no template in {folder}"]
    templates = [read_template(path) for path in paths]
    return [
        *wrong_declarations(folder, templates),
        *wrong_properties(templates),
        *unsafe_resources(templates, known),
        *wrong_names(templates, known),
        *wrong_roles(templates, LIB),
        *wrong_queries(folder, templates, known),
    ]
