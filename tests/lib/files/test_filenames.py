"""File names in any language: what a reader sees is what is saved, and nothing of it leaves a folder or a header."""

import re
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib.files.filenames import LONGEST, as_download, clean_filename, filename_in_url

NAMES = st.text(st.characters(exclude_categories=()), max_size=300)


@pytest.mark.parametrize(
    "name",
    [
        "Offer.pdf",
        "Angebot für Müller & Söhne.docx",
        "見積書 2026.xlsx",
        "عرض سعر.pdf",
        "हिन्दी.pdf",
        "👩\u200d💻.png",
        "a.tar.gz",
    ],
)
def test_a_name_in_any_language_stays_as_it_is(name: str) -> None:
    assert clean_filename(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system32\\cmd.exe", "cmd.exe"),
        ("C:\\temp\\offer.pdf", "offer.pdf"),
        ("/", "file"),
        ("..", "file"),
        ("", "file"),
        ("\u200d", "file"),
        (".htaccess", "htaccess"),
        ("offer.pdf. . .", "offer.pdf"),
        ("offer\r\nX-Evil: 1.pdf", "offer X-Evil_ 1.pdf"),
        ("a\x00b\x1b.pdf", "a b .pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\ud800offer.pdf", "offer.pdf"),
        ('<script>"|?*.pdf', "_script_.pdf"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1 .pdf", "_com1 .pdf"),
        ("LPT².pdf", "_LPT².pdf"),
        ("console.pdf", "console.pdf"),
        ("Mu\u0308ller.pdf", "Müller.pdf"),
    ],
)
def test_what_could_leave_a_folder_or_deceive_a_reader_goes(name: str, expected: str) -> None:
    assert clean_filename(name) == expected


@pytest.mark.parametrize("letter", ["a", "é", "見", "👩\u200d💻", "e\u0323\u0302"])
def test_a_name_that_is_too_long_is_cut_and_keeps_its_extension(letter: str) -> None:
    cut = clean_filename(letter * 300 + ".pdf")
    assert cut.endswith(".pdf")
    assert LONGEST - 20 < len(cut.encode()) <= LONGEST
    assert not unicodedata.combining(cut[0])


@given(NAMES)
@example("\u0301" * 300 + ".pdf")
@example("a" * 300 + "." + "b" * 300)
@example("con" + "\u200d.pdf")
def test_whatever_the_name_it_is_clean_and_cleaning_it_again_changes_nothing(name: str) -> None:
    cleaned = clean_filename(name)
    assert cleaned
    assert len(cleaned.encode()) <= LONGEST
    assert cleaned == clean_filename(cleaned)
    assert not set(cleaned) & set('/\\<>:"|?*\r\n\0')
    assert cleaned[-1] not in ". "
    assert cleaned[0] != "."


@given(NAMES)
@example("％２Ｆ／..pdf")
@example('＂；x=y".pdf')
def test_the_header_of_a_download_holds_the_name_and_nothing_else(name: str) -> None:
    cleaned = clean_filename(name)
    header = as_download(cleaned)
    assert header.isascii()
    assert header.isprintable()
    found = re.fullmatch(r"""attachment; filename="([^"\\/%;]*)"; filename\*=UTF-8''([\w!#$&+.^`|~%-]+)""", header)
    assert found
    assert unquote(found[2]) == cleaned


@given(NAMES)
def test_in_a_url_the_name_is_one_part_of_the_path(name: str) -> None:
    part = filename_in_url(clean_filename(name))
    assert part
    assert part.isascii()
    assert not set(part) & set("/?#;&+ ")
    assert "%2F" not in part.upper()
    assert "%25" not in part
