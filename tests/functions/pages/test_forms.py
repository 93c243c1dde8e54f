"""Forms as browsers send them."""

from __future__ import annotations

import pytest

from functions.pages.forms import FormField, NotAForm, read_fields

KIND = "multipart/form-data; boundary=----b1"


def form(*parts: bytes, line: bytes = b"\r\n") -> bytes:
    return b"".join(b"------b1" + line + part + line for part in parts) + b"------b1--" + line


def read(body: bytes, kind: str = KIND, most: int = 20) -> list[FormField]:
    return list(read_fields(kind, body, 100_000, most))


MAIL = b'Subject: Hello\r\nContent-Type: multipart/mixed; boundary="c"\r\n\r\n--c\r\n\r\nText\r\n--c--\r\n\r\n'


def test_a_mail_as_a_file_comes_byte_by_byte() -> None:
    head = b'Content-Disposition: form-data; name="mail"; filename="a.eml"\r\nContent-Type: message/rfc822\r\n\r\n'
    text = b'Content-Disposition: form-data; name="about"\r\n\r\ncontact/ada'

    assert read(form(head + MAIL, text)) == [
        FormField("mail", "", "a.eml", MAIL),
        FormField("about", "contact/ada"),
    ]


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n\0\xff--", b"------b2\r\n", b"\r\n------b1 no end"])
def test_a_file_keeps_every_byte(content: bytes) -> None:
    head = b'Content-Disposition: form-data; name="f"; filename="\xc3\xa4.bin"\r\n\r\n'

    [field] = read(form(head + content))

    assert (field.content, field.filename is not None) == (content, True)


def test_lines_may_end_without_a_carriage_return() -> None:
    assert read(form(b'Content-Disposition: form-data; name="a"\n\nyes', line=b"\n")) == [FormField("a", "yes")]


def test_a_form_without_its_end_is_read_as_far_as_it_came() -> None:
    assert read(b'------b1\r\nContent-Disposition: form-data; name="a"\r\n\r\nyes') == [FormField("a", "yes")]


def test_no_more_fields_are_read_than_may_be() -> None:
    part = b'Content-Disposition: form-data; name="a"\r\n\r\nyes'

    assert len(read(form(*[part] * 9), most=5)) == 5


def test_a_name_is_as_it_was_before_the_browser_escaped_it() -> None:
    [field] = read(form(b'Content-Disposition: form-data; name="a%22b"; filename="100%25 %22new%22%0D%0A.pdf"\r\n\r\n'))

    assert (field.name, field.filename) == ('a"b', '100%25 "new"\r\n.pdf')


def test_a_file_that_was_not_chosen_has_no_name() -> None:
    [field] = read(form(b'Content-Disposition: form-data; name="f"; filename=""\r\n\r\n'))

    assert field == FormField("f", "", None, b"")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", form(b"")),
        (KIND, b"a=b"),
        (KIND, b""),
        (KIND + "\r\nX: y", form(b'Content-Disposition: form-data; name="a"\r\n\r\nyes')),
    ],
)
def test_what_is_no_form_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(NotAForm):
        read(body, kind)
