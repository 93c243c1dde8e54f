"""Copies of the templates, some of them broken."""

import shutil
from pathlib import Path

INFRA = Path(__file__).parents[3] / "infra"


def copy_templates(folder: Path) -> Path:
    """Copy all that the checks look at into the folder."""
    for path in (*INFRA.glob("*.bicep"), INFRA / "main.parameters.json", INFRA / "workbook.json"):
        shutil.copy(path, folder)
    return folder


def replace_in(path: Path, found: str, put: str) -> None:
    """Replace the first place; there must be one."""
    text = path.read_text()
    assert found in text, f"{path.name} has no {found!r}: the test needs another fault"
    path.write_text(text.replace(found, put, 1))
