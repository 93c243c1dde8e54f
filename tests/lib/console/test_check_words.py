from __future__ import annotations

from lib.checks import CHECKS
from lib.console.check_words import words_for_page


def test_no_remark_on_a_page_speaks_of_requests() -> None:
    shown = {code: words_for_page(kind.sentence) for code, kind in CHECKS.items()}

    assert not [code for code, text in shown.items() if "GET " in text or "=false" in text or "Put them" in text]


def test_other_words_stay() -> None:
    assert words_for_page("The mail is plain text.") == "The mail is plain text."
