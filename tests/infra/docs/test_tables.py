"""Tables in `docs/` that are made from the code."""

import shutil
from pathlib import Path

import pytest

from infra.docs.__main__ import main
from infra.docs.tables import PageError, decisions_table, metrics_table, settings_table
from lib.metrics import DEAD_LETTERS, METRICS
from lib.settings import Settings
from lib.storage.layout import QUEUES

ROOT = Path(__file__).parents[3]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "functions" / "api").mkdir(parents=True)
    shutil.copy(ROOT / "functions" / "api" / "endpoints.csv", tmp_path / "functions" / "api")
    return tmp_path


def row_of(name: str, table: str) -> list[str]:
    return next([cell.strip() for cell in line.split(" | ")] for line in table.splitlines() if f"`{name}`" in line)


def test_every_setting_has_a_row() -> None:
    table = settings_table()

    assert [field.alias for field in Settings.model_fields.values() if f"| `{field.alias}`<br>" not in table] == []


def test_a_row_tells_type_and_default_of_a_setting() -> None:
    assert row_of("HEED_QUEUES", settings_table())[0] == "| `HEED_QUEUES`<br>`storage`, `servicebus`; default `storage`"
    assert row_of("HEED_TRUSTED_HOPS", settings_table())[0].endswith("<br>whole number, from 0 to 10; default `1`")
    assert row_of("HEED_BASE_URL", settings_table())[0].endswith("<br>text; required")
    assert row_of("HEED_SMTP_HOST", settings_table())[0].endswith("<br>text; optional")


@pytest.mark.parametrize(
    ("name", "is_secret"), [("HEED_TOKEN_KEYS", True), ("HEED_ADMIN_KEY", True), ("HEED_SMTP_HOST", False)]
)
def test_a_row_tells_whether_a_setting_is_secret(name: str, is_secret: bool) -> None:
    assert ("secret" in row_of(name, settings_table())[0]) is is_secret


def test_every_metric_has_a_row_with_its_meaning() -> None:
    assert [metric.name for metric in METRICS if metric.meaning not in row_of(metric.name, metrics_table())[3]] == []


def test_the_metric_of_dead_letters_names_every_queue() -> None:
    assert set(DEAD_LETTERS.labels["queue"]) == set(QUEUES)


def test_a_decision_needs_a_date_and_a_status(tmp_path: Path) -> None:
    (tmp_path / "0001-a.md").write_text("# A\n\nStatus: in force. Date: 2026-11-28.\n")
    (tmp_path / "0002-b.md").write_text("# B\n\nSome day.\n")

    with pytest.raises(PageError, match=r"0002-b\.md"):
        decisions_table(tmp_path)


def test_a_table_that_is_out_of_date_fails_the_check_until_it_is_made_again(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = copy / "docs" / "settings.md"
    complaint = "docs/settings.md: a table is out of date; run make docs"
    page.write_text(page.read_text().replace("default `587`", "default `25`"))

    assert main(["--check"], copy) == 1
    assert complaint in capsys.readouterr().err
    assert main([], copy) == 0
    assert "default `587`" in page.read_text()
    main(["--check"], copy)
    assert complaint not in capsys.readouterr().err
