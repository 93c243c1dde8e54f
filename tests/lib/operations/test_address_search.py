"""Addresses of which only the hash is known are found wherever they stand."""

from __future__ import annotations

import base64
import json

import pytest

from lib.operations import address_search
from lib.operations.address_search import AddressSearch
from lib.storage import Row
from lib.storage.columns import columns

ADA = "o'ada+x@mail.example.com"
TEXTS = [
    ADA,
    ADA.upper(),
    f"'{ADA}'",
    f"Write to {ADA}. Then wait.",
    f"<a href='mailto:{ADA}?subject=x'>",
    f"x=1&to={ADA}&y",
    "to=o%27ada%2Bx%40mail.example.com&y",
    "&lt;o&#39;ada+x@mail.example.com&gt;",
    json.dumps({"text": f"a\n{ADA}\tb"}),
    json.dumps({"to": f"é{ADA}"}),
    json.dumps({"to": json.dumps([f"\n{ADA}"])}),
    "o\\u0027ada+x@mail.example.com",
    f"@@{ADA}@x",
    f"{ADA}.Next",
    f"{ADA}_",
]


def search() -> AddressSearch:
    return AddressSearch(lambda email: f"hash of {email}", {f"hash of {ADA}"})


@pytest.mark.parametrize("text", TEXTS)
def test_an_address_is_found_in_a_row(text: str) -> None:
    found = search()
    found.look_at_row(Row("p", "k", {"v": 1, "d0": text}))
    assert found.found == {ADA}


@pytest.mark.parametrize("size", range(1, 12))
def test_an_address_is_found_across_the_columns_of_a_document(size: int) -> None:
    found = search()
    found.look_at_row(Row("p", "k", {"v": 1, **columns(f'{{"email": "{ADA}"}}', size=size)}))
    assert found.found == {ADA}


def test_an_address_is_found_in_an_encoded_part_of_a_raw_mail() -> None:
    body = base64.b64encode(f"Forwarded of {ADA}".encode()).decode()
    mail = f"From: x@example.com\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}\r\n"
    found = search()

    found.look_at_blob("inbound/a/b", [mail.encode()])

    assert found.found == {ADA}


@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[6], TEXTS[9]])
@pytest.mark.parametrize("name", ["files/x", "inbound/a/b"])
def test_an_address_is_found_across_the_pieces_of_a_blob(name: str, text: str) -> None:
    data = f"{'x' * 20_000} {text} {'x' * 20_000}".encode()
    for cut in range(20_000, 20_002 + len(text)):
        found = search()
        found.look_at_blob(name, [data[:10_000], data[10_000:cut], data[cut:]])
        assert found.found == {ADA}


def test_the_rest_of_a_mail_that_is_larger_than_any_is_looked_at_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_search, "_LARGEST_MAIL", 1_000)
    data, found = f"{'x' * 1_990} {ADA} ".encode(), search()

    found.look_at_blob("inbound/a/b", [data[:1_000], data[1_000:2_000], data[2_000:]])

    assert found.found == {ADA}


def test_other_addresses_are_not_found_and_a_million_signs_are_looked_at() -> None:
    found = search()
    found.look_at_blob("files/x", [f"ada+x@mail.example.com {'@' * 1_000_000} a@{'b.' * 100_000}".encode()])
    found.look_at_row(Row("p", "k", {"v": 1, "d0": "o'ada@mail.example.com o'ada+x@example.com", "n": 3}))
    assert found.found == set()
