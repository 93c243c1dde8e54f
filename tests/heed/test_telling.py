"""What commands print: names and files of others neither steer the terminal nor break a table."""

from __future__ import annotations

import pytest

from heed.running import tell, tell_error, tell_table


def test_names_in_a_drawn_table_are_no_markup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")

    tell_table(["name"], [["[/] [link=https://evil.example]BI[/link] :bomb:"]])

    assert "[/] [link=https://evil.example]BI[/link] :bomb:" in capsys.readouterr().out


@pytest.mark.parametrize("drawn", [True, False])
def test_a_cell_cannot_forge_another_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], drawn: bool
) -> None:
    if drawn:
        monkeypatch.setenv("FORCE_COLOR", "1")

    tell_table(["name"], [["BI\tfull\nother \x1b]0;x\x07"]])

    said = capsys.readouterr().out
    assert "BI full other" in said
    assert "\x1b]" not in said


@pytest.mark.parametrize("control", ["\x1b", "\x9b", "\x07", "\r", "\x7f"])
def test_control_characters_of_others_are_not_printed(capsys: pytest.CaptureFixture[str], control: str) -> None:
    tell(f"one{control}c\ttwo\nthree")
    tell_error(f"one{control}c")

    said = capsys.readouterr()
    assert control not in said.out + said.err
    assert "\ttwo\nthree" in said.out
