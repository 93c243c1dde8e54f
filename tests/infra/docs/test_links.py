"""Links and paths in pages: `infra.docs.links` finds those that lead nowhere."""

from pathlib import Path

import pytest

from infra.docs.links import broken_links


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "lib" / "cards").mkdir(parents=True)
    (tmp_path / "lib" / "cards" / "rules.py").touch()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "other page.md").write_text("# Mail & its `pace`\n")
    return tmp_path


def said_of(text: str, repository: Path) -> list[str]:
    (repository / "docs" / "page.md").write_text(text)
    return broken_links(repository)


@pytest.mark.parametrize(
    "text",
    [
        "[a page](other%20page.md)",
        "[a heading](other%20page.md#mail--its-pace)",
        "# Here\n[this page](#here)",
        "[elsewhere](https://example.com/nothing) and [mail](mailto:ada@example.com)",
        "`lib/cards/rules.py`, `lib/cards/rules`, `lib/cards/` and `lib/cards/rules.py::wanted`",
        "`lib/<package>/…`, `PUT /records/{type}/{id}`, `text/html` and `and/or`",
        "`[no link](nowhere.md)`",
        "```\n[no link](nowhere.md) `lib/nothing.py`\n```",
        "`python -m lib.cards.rules` and `python -m pytest`",
    ],
)
def test_what_leads_somewhere_is_passed_over(text: str, repository: Path) -> None:
    assert said_of(text, repository) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a page](nowhere.md)", "docs/page.md: the link nowhere.md leads nowhere"),
        ("[a heading](other%20page.md#none)", "docs/page.md: the link other%20page.md#none leads nowhere"),
        ("[this page](#none)", "docs/page.md: the link #none leads nowhere"),
        ('<img src="none.svg">', "docs/page.md: the link none.svg leads nowhere"),
        ("a rule of `lib/cards/alerts.py`", "docs/page.md: there is no lib/cards/alerts.py"),
        ("```sh\npython -m lib.alerts\n```", "docs/page.md: there is no module lib.alerts"),
    ],
)
def test_what_leads_nowhere_is_told_with_its_page(text: str, said: str, repository: Path) -> None:
    assert said_of(text, repository) == [said]


def test_the_readme_is_looked_at_too(repository: Path) -> None:
    (repository / "README.md").write_text("[gone](docs/gone.md)")

    assert broken_links(repository) == ["README.md: the link docs/gone.md leads nowhere"]


def test_what_is_told_of_a_page_is_told_once(repository: Path) -> None:
    assert len(said_of("`lib/nothing.py` and `lib/nothing.py`", repository)) == 1
