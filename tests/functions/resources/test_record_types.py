"""Types of records, named as CRMs name them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.heed import Heed

FROM_CRMS = ["contact", "new_project", "2-123", "0-1", "p_my-object", "0", "a" * 40]
WRONG = ["Contact", "-contact", "_x", "a" * 41, "con tact", "kontakt\u00e9", "a|b", "a:b", "a.b"]


@pytest.mark.parametrize("kind", FROM_CRMS)
async def test_a_record_of_any_crm_is_kept_listed_and_has_its_mail(heed: Heed, kind: str) -> None:
    await heed.put(f"/records/{kind}/r1", {"name": "Ada", "emails": ["ada@example.com"]})
    ref = {"type": kind, "id": "r1"}
    await heed.put("/records/contact/child", {"name": "Child", "parent": ref})
    message = await heed.sent(to=[{"email": "ada@example.com", "record": ref}], regarding=ref)
    for path in heed.urls("c"):
        await heed.hit(path)
    await heed.work()

    assert [each["id"] for each in (await heed.get(f"/records?type={kind}"))["items"]][-1:] == ["r1"]
    assert [each["id"] for each in (await heed.get(f"/messages?record={kind}/r1"))["items"]] == [message]
    assert [each["id"] for each in (await heed.get(f"/records/{kind}/r1/activities"))["items"]] == [message]
    engaged = await heed.get(f"/records?view=engaged-this-week&type={kind}")
    assert [(each["type"], each["id"]) for each in engaged["items"]] == [(kind, "r1")]
    assert (await heed.get(f"/templates?regarding={kind}"))["items"] == []


async def test_records_of_types_that_begin_alike_are_kept_apart(heed: Heed) -> None:
    for kind in ("2-1", "2-12", "2_1", "2"):
        await heed.put(f"/records/{kind}/r1", {"name": kind})
        await heed.draft(regarding={"type": kind, "id": "r1"}, subject=kind)

    for kind in ("2-1", "2-12", "2_1", "2"):
        assert [each["name"] for each in (await heed.get(f"/records?type={kind}"))["items"]] == [kind]
        assert [each["subject"] for each in (await heed.get(f"/messages?record={kind}/r1"))["items"]] == [kind]


@pytest.mark.parametrize("kind", WRONG)
async def test_another_type_is_refused_wherever_it_stands(heed: Heed, kind: str) -> None:
    ref = {"type": kind, "id": "r1"}
    places: list[tuple[str, str, Any]] = [
        ("PUT", f"/records/{kind}/r1", {"name": "Ada"}),
        ("GET", f"/records/{kind}/r1", None),
        ("GET", f"/records/{kind}/r1/activities", None),
        ("GET", f"/records?type={kind}", None),
        ("GET", f"/messages?record={kind}/r1", None),
        ("GET", f"/templates?regarding={kind}", None),
        ("PUT", "/records/contact/c1", {"name": "Ada", "parent": ref}),
        ("POST", "/messages", {"from": "rep1", "regarding": ref}),
        ("POST", "/messages", {"from": "rep1", "to": [{"email": "ada@example.com", "record": ref}]}),
    ]
    for method, path, body in places:
        answer = await heed.api(method, path, body)
        assert (answer.status, answer.json["title"]) == (422, "Unprocessable Entity"), (method, path)
        assert answer.json["errors"], (method, path)
