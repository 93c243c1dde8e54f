from __future__ import annotations

from lib.console.differences import Difference, differences


def test_lines_that_one_version_alone_has_are_named() -> None:
    mine = {"Subject": "Offer", "Text": "Dear Ada,\nhere it is.\nRita", "To": "ada@example.com"}
    stored = {"Subject": "The offer", "Text": "Dear Ada,\nthere it is.\nRita", "To": "ada@example.com"}

    assert differences(mine, stored) == [
        Difference("Subject", ["Offer"], ["The offer"]),
        Difference("Text", ["here it is."], ["there it is."]),
    ]


def test_of_very_long_texts_the_number_of_lines_is_said() -> None:
    long = "line\n" * 1000
    assert differences({"Text": long}, {"Text": "short"}) == [Difference("Text", ["1,000 lines"], ["1 line"])]
