"""The progress of the demo, as a terminal and as a file show it."""

from __future__ import annotations

import pytest

from demo.progress_bar import ProgressBar


def test_a_file_gets_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar("Playing")
    for step in range(101):
        bar.show(step / 100, f"{step} mails")
    bar.end("100 mails")

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Playing: 20%, 20 mails"
    assert lines[-1].startswith("Playing: done, 100 mails")
    assert len(lines) == 6


def test_a_terminal_gets_one_line_that_is_drawn_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    bar = ProgressBar("Playing")
    bar.end("100 mails")

    shown = capsys.readouterr().out
    assert shown.startswith("\r")
    assert "100%" in shown
    assert shown.count("\n") == 1
