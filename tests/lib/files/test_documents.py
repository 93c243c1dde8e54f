"""Office documents, books and installers are what is written in them: neither names nor the order of entries decide."""

import io
import struct
import zipfile
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.files.content_types import UNKNOWN, read_kind
from tests.support.documents import archive, compound, content_types

ZIP = "application/zip"
OPEN_XML = "application/vnd.openxmlformats-officedocument."
DOCX = f"{OPEN_XML}wordprocessingml.document"
WORD_PART = "vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
ODT = "application/vnd.oasis.opendocument.text"
INSTALLER = UUID("000c1084-0000-0000-c000-000000000046")
WORD, EXCEL, POWERPOINT = "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"


def content_type(data: bytes | memoryview) -> str:
    return read_kind(data).content_type("file")


@pytest.mark.parametrize(
    ("main_part", "expected"),
    [
        (WORD_PART, DOCX),
        (
            "vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
            f"{OPEN_XML}wordprocessingml.template",
        ),
        ("vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml", f"{OPEN_XML}spreadsheetml.sheet"),
        ("vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml", f"{OPEN_XML}spreadsheetml.template"),
        (
            "vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
            f"{OPEN_XML}presentationml.presentation",
        ),
        ("vnd.openxmlformats-officedocument.presentationml.template.main+xml", f"{OPEN_XML}presentationml.template"),
        ("vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml", f"{OPEN_XML}presentationml.slideshow"),
        ("vnd.ms-word.document.macroEnabled.main+xml", "application/vnd.ms-word.document.macroEnabled.12"),
        ("vnd.ms-word.template.macroEnabledTemplate.main+xml", "application/vnd.ms-word.template.macroEnabled.12"),
        ("vnd.ms-excel.sheet.macroEnabled.main+xml", "application/vnd.ms-excel.sheet.macroEnabled.12"),
        ("vnd.ms-excel.template.macroEnabled.main+xml", "application/vnd.ms-excel.template.macroEnabled.12"),
        ("vnd.ms-excel.sheet.binary.macroEnabled.main", "application/vnd.ms-excel.sheet.binary.macroEnabled.12"),
        (
            "vnd.ms-powerpoint.presentation.macroEnabled.main+xml",
            "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
        ),
        (
            "vnd.ms-powerpoint.slideshow.macroEnabled.main+xml",
            "application/vnd.ms-powerpoint.slideshow.macroEnabled.12",
        ),
    ],
)
@pytest.mark.parametrize("first", ["_rels/.rels", "docProps/app.xml", "customXml/item1.xml", None])
def test_an_office_document_is_what_its_main_part_is(main_part: str, expected: str, first: str | None) -> None:
    types = content_types(main_part)
    before = [f"a{number}.xml" for number in range(20)] if first is None else [first]

    assert content_type(archive(types, *before)) == expected
    assert content_type(archive(*before, types)) == expected
    assert content_type(memoryview(archive(*before, types, method=zipfile.ZIP_STORED))) == expected


@pytest.mark.parametrize(
    "kind",
    [
        *(f"application/vnd.oasis.opendocument.{each}" for each in ("text", "spreadsheet", "presentation", "graphics")),
        "application/vnd.oasis.opendocument.text-template",
        "application/epub+zip",
    ],
)
def test_open_documents_and_books_are_what_their_entry_says(kind: str) -> None:
    assert content_type(archive(("mimetype", kind), "content.xml", method=zipfile.ZIP_STORED)) == kind
    assert content_type(archive("META-INF/manifest.xml", ("mimetype", f"{kind}\n"))) == kind


@pytest.mark.parametrize(
    "entries",
    [
        (),
        ("a.txt",),
        ("word/notes.txt", "excel.txt"),
        ("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
        ("xl/a.txt", "ppt/b.txt", "docProps/c.txt"),
        (content_types("vnd.ms-package.xps-fixeddocument+xml"), "FixedDocSeq.fdseq"),
        (("mimetype", "text/html"), "index.html"),
        (("mimetype", "application/vnd.oasis.opendocument.td"), "content.xml"),
        (("mimetype", "application/x-msdownload"),),
        (("folder/[Content_Types].xml", content_types(WORD_PART)[1]),),
        ("META-INF/MANIFEST.MF", "Main.class"),
    ],
)
def test_an_archive_of_other_things_is_an_archive(entries: tuple[str | tuple[str, str], ...]) -> None:
    assert content_type(archive(*entries)) == ZIP


def test_a_document_that_may_hold_macros_says_so_beside_another_type() -> None:
    name, types = content_types(WORD_PART)
    macro = '<Override ContentType="application/vnd.ms-word.document.macroEnabled.main+xml" PartName="/b.xml"/></Types>'
    data = archive((name, types.replace("</Types>", macro)))

    assert content_type(data) == "application/vnd.ms-word.document.macroEnabled.12"


def test_content_types_are_read_in_either_encoding_of_xml_and_in_single_quotes() -> None:
    name, types = content_types(WORD_PART)

    assert content_type(archive((name, types.encode("utf-16")))) == DOCX
    assert content_type(archive((name.upper(), types.replace('"', "'")))) == DOCX


def test_a_comment_and_bytes_before_the_archive_s_first_entry_are_no_hindrance() -> None:
    written = io.BytesIO(archive("a.txt"))
    with zipfile.ZipFile(written, "a") as file:
        file.writestr(*content_types(WORD_PART))
        file.comment = b"a comment " * 6000

    assert content_type(written.getvalue()) == DOCX


def test_an_archive_of_the_large_form_is_read() -> None:
    data = archive(content_types(WORD_PART))
    end = data.rindex(b"PK\5\6")
    size, offset = struct.unpack_from("<II", data, end + 12)
    large = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    old_end = data[end : end + 8] + b"\xff" * 12 + b"\0\0"

    assert content_type(data[:end] + large + locator + old_end) == DOCX


def test_an_archive_that_unpacks_to_very_much_is_an_archive() -> None:
    name, types = content_types(WORD_PART)

    assert content_type(archive((name, " " * 50_000_000 + types))) == ZIP


def test_an_archive_with_very_many_entries_is_an_archive() -> None:
    assert content_type(archive(*(f"{number}" for number in range(10_001)), content_types(WORD_PART))) == ZIP


def test_an_archive_that_is_cut_is_an_archive() -> None:
    data = archive(content_types(WORD_PART), "word/document.xml")

    for end in range(4, len(data) - 21):
        assert content_type(data[:end]) == ZIP


@given(st.data())
def test_an_archive_whose_directory_lies_has_one_type_all_the_same(data: st.DataObject) -> None:
    whole = bytearray(archive("word/document.xml", content_types(WORD_PART), ("mimetype", ODT)))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(4, len(whole) - 1))
        whole[place] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))

    assert content_type(bytes(whole)) in (ZIP, DOCX, ODT)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (compound("WordDocument", "1Table"), WORD),
        (compound("\x05SummaryInformation", "1Table", "WORDDOCUMENT"), WORD),
        (compound("Workbook"), EXCEL),
        (compound("Book"), EXCEL),
        (compound("Current User", "PowerPoint Document"), POWERPOINT),
        (compound("__nameid_version1.0", "__properties_version1.0"), "application/vnd.ms-outlook"),
        (compound("VisioDocument"), "application/vnd.visio"),
        (compound("contents", root=UUID("00020906-0000-0000-c000-000000000046")), WORD),
        (compound("contents", root=UUID("64818d10-4f9b-11cf-86ea-00aa00b929e8")), POWERPOINT),
        (compound("䡀㬿䏲䐸䖱", root=INSTALLER), "application/x-msi"),
        (compound("WordDocument", root=INSTALLER), "application/x-msi"),
        (compound(root=UUID("000c1086-0000-0000-c000-000000000046")), "application/x-msi"),
        (compound("PowerPoint Document", embedded=("WordDocument", "Workbook")), POWERPOINT),
        (compound("contents", embedded=("WordDocument",)), UNKNOWN),
        (compound("EncryptionInfo", "EncryptedPackage"), UNKNOWN),
        (compound(), UNKNOWN),
        (compound(*(f"__attach_{number}" for number in range(3000)), "__properties_version1.0"),
         "application/vnd.ms-outlook"),
        (compound("Workbook", padding=20_000), EXCEL),
        (compound("WordDocument", padding=40_000), WORD),
    ],
)  # fmt: skip
def test_a_compound_file_is_what_its_streams_and_its_class_say(data: bytes, expected: str) -> None:
    assert content_type(data) == expected
    assert content_type(memoryview(data)) == expected


def test_a_compound_file_that_is_cut_is_of_a_known_kind_or_none() -> None:
    data = compound("WordDocument")

    assert {content_type(data[:end]) for end in range(8, len(data) + 1)} == {WORD, UNKNOWN}


def test_sectors_and_entries_that_form_a_circle_come_to_an_end() -> None:
    data = bytearray(compound("a", "b", "c", "d", "e"))
    directory = data.index("Root Entry".encode("utf-16-le"))
    struct.pack_into("<I", data, 512 + 4, 1)  # the directory's first sector follows itself
    struct.pack_into("<II", data, directory + 128 + 68, 1, 1)  # an entry is its own neighbor

    assert content_type(bytes(data)) == UNKNOWN


@given(st.data())
def test_a_compound_file_that_lies_has_one_type_all_the_same(data: st.DataObject) -> None:
    whole = bytearray(compound("WordDocument", "b", "c", embedded=("Workbook",)))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(8, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))

    assert content_type(bytes(whole)) in (WORD, EXCEL, "application/x-msi", UNKNOWN)
