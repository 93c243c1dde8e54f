"""Remarks of the API on a mail, in the words of a page: what a program is told to send is a button here."""

from __future__ import annotations

_WORDS = {
    "With followed=false it travels in the mail.": "If it is not followed, it travels in the mail.",
    "With followed=false the file travels in the mail.": "If they are not followed, they travel in the mail.",
    "Name the recipient's record in the message; GET …/recipients lists the candidates.": "Choose the right record "
    "where the draft is edited.",
    "Put them, or correct the message.": "Have them added, or correct the draft.",
}
"""Sentences of pages by the API's."""


def words_for_page(text: str) -> str:
    """Reword a remark for people."""
    for said, shown in _WORDS.items():
        text = text.replace(said, shown)
    return text
