"""The table of packages in docs/architecture.md says on which floor each package is."""

from pathlib import Path

import pytest

from infra.docs.floors import misplaced_packages

CONTRACT = """
[[tool.importlinter.contracts]]
name = "floors"
type = "layers"
layers = ["services", "lists | cards", "clock"]
"""


def said_of(rows: str, root: Path) -> list[str]:
    (root / "docs").mkdir()
    (root / "docs" / "architecture.md").write_text(rows)
    (root / "pyproject.toml").write_text(CONTRACT)
    return misplaced_packages(root)


ALL = "| 2 | `lib/services.py` | a |\n| 1 | `lib/lists` | b |\n| 1 | `lib/cards` | c |\n| 0 | `lib/clock.py` | d |\n"


def test_a_table_that_fits_the_contract_is_passed_over(tmp_path: Path) -> None:
    assert said_of(ALL, tmp_path) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (ALL.replace("| 1 | `lib/cards` | c |\n", ""), "lib/cards is on floor 1, and the table says None"),
        (ALL.replace("| 0 | `lib/clock", "| 1 | `lib/clock"), "lib/clock is on floor 0, and the table says 1"),
        (ALL + "| 1 | `lib/gone` | e |\n", "lib/gone is on floor None, and the table says 1"),
    ],
)
def test_a_package_that_is_missing_or_elsewhere_is_told(rows: str, said: str, tmp_path: Path) -> None:
    assert said_of(rows, tmp_path) == [f"docs/architecture.md: {said}"]
