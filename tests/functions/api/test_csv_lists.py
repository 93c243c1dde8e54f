"""Lists as CSV, for spreadsheets."""

from __future__ import annotations

import csv
import io
import json

import pytest

from functions.api.csv_lists import write_csv
from tests.support.heed import Heed, Response


async def read_as_csv(heed: Heed, path: str, accept: str = "text/csv") -> Response:
    return await heed.request("GET", f"/api/orgs/acme{path}", key=heed.key, headers={"accept": accept})


def rows_of(answer: Response) -> list[dict[str, str]]:
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"].startswith("text/csv")
    text = answer.body.decode("utf-8")
    assert text.startswith("\ufeff")  # or else Excel takes Zoë for ZoÃ«
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), strict=True))


async def test_a_list_comes_as_csv_with_the_values_of_the_json(heed: Heed) -> None:
    record = {"name": "Zoë; Ltd.", "emails": ["a@example.com", "b@example.com"], "address": {"city": "Graz"}}
    await heed.put("/records/account/z1", {**record, "parent": {"type": "account", "id": "z0"}})

    [row] = rows_of(await read_as_csv(heed, "/records?type=account"))

    [item] = (await heed.get("/records?type=account"))["items"]
    assert (row["id"], row["name"], row["etag"]) == ("z1", "Zoë; Ltd.", item["etag"])
    assert (row["address.city"], row["address.region"], row["parent.id"]) == ("Graz", "", "z0")
    assert row["emails"] == '["a@example.com", "b@example.com"]'


async def test_every_page_has_the_same_columns_also_an_empty_one(heed: Heed) -> None:
    empty = await read_as_csv(heed, "/messages")
    await heed.draft()
    full = await read_as_csv(heed, "/messages")

    assert empty.body.split(b"\r\n")[0] == full.body.split(b"\r\n")[0]
    assert (len(rows_of(empty)), len(rows_of(full))) == (0, 1)
    assert rows_of(full)[0]["kpis.machine.opens"] == "0"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ('=HYPERLINK("https://e.example","x")', '\'=HYPERLINK("https://e.example","x")'),
        ("+43 1 234", "'+43 1 234"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1+1", "'＝1+1"),
        ("\u200b=1+1", "\u200b=1+1"),  # begins with a letter to Excel, though nothing shows it
        ("plain; =1+1", "plain; =1+1"),
        ('a "quoted", one', 'a "quoted", one'),
        ("O'Hara", "O'Hara"),
    ],
)
async def test_no_text_becomes_a_formula(heed: Heed, text: str, cell: str) -> None:
    note = {"note": "=1\n=2"}
    await heed.put("/records/contact/c1", {"name": text, "fields": note})

    [row] = rows_of(await read_as_csv(heed, "/records?type=contact"))

    assert (row["name"], row["fields"]) == (cell, '{"note": "=1\\n=2"}')


def test_a_text_that_begins_with_a_tab_or_blanks_is_no_formula_and_a_number_stays_one() -> None:
    item = {"a": "\t=1", "b": "  =1", "c": -1.5, "d": True, "e": {"f": None}}

    text = write_csv(json.dumps({"items": [item]}).encode(), ["a", "b", "c", "d", "e.f"])

    assert text.decode("utf-8-sig").splitlines()[1] == '"\'\t=1","\'  =1","-1.5","true",""'


async def test_a_lists_pages_are_linked(heed: Heed) -> None:
    for number in range(5):
        await heed.put(f"/users/u{number}", {"email": f"u{number}@acme.example"})

    seen, path = list[str](), "/users?limit=2"
    while True:
        answer = await read_as_csv(heed, path)
        seen += [row["id"] for row in rows_of(answer)]
        if "link" not in answer.headers:
            break
        link, relation = answer.headers["link"].split("; ")
        assert relation == 'rel="next"'
        path = f"/users{link.strip('<>')}"

    assert seen == ["rep1", "u0", "u1", "u2", "u3", "u4"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/csv, application/json;q=0.5", "text/csv"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("text/csv;q=0", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "application/json"),
        ("", "application/json"),
        ("text/csv;q=x,,;;", "text/csv"),
    ],
)
async def test_csv_is_sent_to_those_who_ask_for_it(heed: Heed, accept: str, kind: str) -> None:
    assert (await read_as_csv(heed, "/users", accept)).headers["content-type"].startswith(kind)


async def test_one_thing_and_an_error_stay_json(heed: Heed) -> None:
    one = await read_as_csv(heed, "/users/rep1")
    error = await read_as_csv(heed, "/users?limit=0")

    assert one.json["id"] == "rep1"
    assert (error.status, error.headers["content-type"]) == (422, "application/problem+json")


async def test_the_document_tells_which_lists_come_as_csv(heed: Heed) -> None:
    paths = (await heed.request("GET", "/api/openapi.json")).json["paths"]

    def kinds(path: str) -> set[str]:
        return set(paths[f"/api/orgs/{{org}}{path}"]["get"]["responses"]["200"]["content"])

    assert kinds("/messages") == kinds("/templates") == kinds("/records") == {"application/json", "text/csv"}
    assert kinds("/users/{user}") == kinds("/events") == {"application/json"}
