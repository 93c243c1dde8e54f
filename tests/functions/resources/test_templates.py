"""Templates over the API: put, version, render, preview, count, recommend; and sales that were won."""

from __future__ import annotations

import asyncio
import html
import re
from dataclasses import replace
from typing import Any

import pytest

from lib.storage.memory import memory_storage
from lib.templates.models import LONGEST_HTML, LONGEST_TEXT
from tests.support.engaging import SlowTables
from tests.support.heed import ADMIN_KEY, Heed

INTRO = {
    "name": "Intro",
    "language": "en",
    "subject": "Hello {{ recipient.name }}",
    "html": '<p>Hi {{ recipient.name | default("there") }}, <b>{{ regarding.name }}</b></p>',
    "text": "Hi {{ recipient.name }}\n{{ sender.name }}, {{ org.name }}",
}


async def slow_heed() -> Heed:
    """Heed over storage that lets others go first, with the organization acme."""
    storage = memory_storage()
    return await Heed(storage=replace(storage, tables=SlowTables(storage.tables))).start()


async def test_a_template_reads_as_it_was_put(heed: Heed) -> None:
    made = await heed.api("PUT", "/templates/t1", INTRO)
    read = await heed.get("/templates/t1")

    assert made.status == 201
    assert made.json["etag"] == read["etag"]
    assert {name: read[name] for name in INTRO} == INTRO
    assert made.json == read
    assert (read["id"], read["version"], read["sent_count"], read["open_rate"]) == ("t1", 1, 0, None)
    assert read["made_at"] == "2026-05-04T09:30:00.000Z"


async def test_other_content_makes_a_version_and_the_old_ones_stay(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    heed.clock.move(days=1)
    same = await heed.api("PUT", "/templates/t1", {**INTRO, "name": "Introduction", "language": "en-GB"})
    other = await heed.put("/templates/t1", {**INTRO, "subject": "Good day"})

    assert (same.status, same.json["version"], same.json["name"]) == (200, 1, "Introduction")
    assert other["version"] == 2
    first, second = await heed.get("/templates/t1?version=1"), await heed.get("/templates/t1?version=2")
    assert (first["subject"], first["made_at"]) == (INTRO["subject"], "2026-05-04T09:30:00.000Z")
    assert second == await heed.get("/templates/t1")
    assert (await heed.api("GET", "/templates/t1?version=3")).status == 404


async def test_if_match_guards_put_and_delete(heed: Heed) -> None:
    etag = (await heed.put("/templates/t1", INTRO))["etag"]
    fresh = await heed.api("PUT", "/templates/t1", {**INTRO, "subject": "2"}, if_match=etag)
    stale = await heed.api("PUT", "/templates/t1", {**INTRO, "subject": "3"}, if_match=etag)
    missing = await heed.api("PUT", "/templates/t2", INTRO, if_match="*")
    late = await heed.api("DELETE", "/templates/t1", if_match=etag)

    assert [answer.status for answer in (fresh, stale, missing, late)] == [200, 412, 412, 412]
    assert (await heed.get("/templates/t1"))["version"] == 2
    assert (await heed.api("DELETE", "/templates/t1", if_match=fresh.json["etag"])).status == 200


async def test_of_those_who_put_at_once_each_has_its_version_or_is_told() -> None:
    heed = await slow_heed()
    await heed.put("/templates/t1", INTRO)

    bodies = [{**INTRO, "subject": f"number {number}"} for number in range(6)]
    answers = await asyncio.gather(*(heed.api("PUT", "/templates/t1", body) for body in bodies))

    assert {answer.status for answer in answers} == {200, 409}
    for answer, body in zip(answers, bodies, strict=True):
        if answer.status == 200:
            version = answer.json["version"]
            assert (await heed.get(f"/templates/t1?version={version}"))["subject"] == body["subject"]


async def test_a_template_that_was_deleted_is_gone_but_for_what_messages_have_used(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    message = await heed.sent(template="t1")

    deleted = await heed.api("DELETE", "/templates/t1")

    assert deleted.json == {"deleted": "t1"}
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/preview"), ("POST", "/render")):
        assert (await heed.api(method, f"/templates/t1{path}")).status == 404
    assert (await heed.get("/templates"))["items"] == []
    assert (await heed.api("POST", "/messages", {"from": "rep1", "template": "t1"})).status == 422
    version = (await heed.get(f"/messages/{message}"))["template_version"]
    assert (await heed.get(f"/templates/t1?version={version}"))["html"] == INTRO["html"]
    again = await heed.api("PUT", "/templates/t1", {**INTRO, "subject": "New"})
    assert (again.status, again.json["version"]) == (201, 2)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("subject", "a {{ config }}", "line 1, column 3: only {{ recipient.name }}"),
        ("html", "<p>\n  {{ 7*7 }}</p>", "line 2, column 3: "),
        ("html", "{% for x in range(9) %}a{% endfor %}", "line 1, column 1: "),
        ("html", "<style>@media print{#a{color:red}}</style>", "put a space between { and #"),
        ("html", "x" * 1_000_000, f"at most {LONGEST_HTML} characters"),
        ("html", "{" * 1_000_000, f"at most {LONGEST_HTML} characters"),
        ("html", "{" * LONGEST_HTML, "line 1, column 1: "),
        ("text", "x" * (LONGEST_TEXT + 1), f"at most {LONGEST_TEXT} characters"),
        ("text", "{{ recipient.name.__class__ }}", "line 1, column 1: "),
        ("text", "a\x00b", "control characters"),
        ("subject", "two\nlines", "line breaks"),
        ("name", " ", "needs a name"),
        ("name", None, "text is needed"),
        ("language", "english please", "pattern"),
        ("language", None, "text is needed"),
        ("version", 7, "no such field"),
    ],
)
async def test_what_does_not_belong_into_a_template_is_refused_with_its_place(
    heed: Heed, field: str, value: object, says: str
) -> None:
    answer = await heed.api("PUT", "/templates/t1", {**INTRO, field: value})

    assert answer.status == 422
    [error] = answer.json["errors"]
    assert error["loc"] == [field]
    assert says in error["msg"]
    assert (await heed.api("GET", "/templates/t1")).status == 404


@pytest.mark.parametrize("sign", ['"', "\\", "🎈", "\n", "ü"])
async def test_the_largest_template_fits_into_a_row(heed: Heed, sign: str) -> None:
    body = {**INTRO, "html": sign * LONGEST_HTML, "text": sign * LONGEST_TEXT, "subject": "s" * 998}

    await heed.put("/templates/t1", body)

    row = await heed.storage.tables.read_row("heedacmetemplates", "template", "v|t1|00000001")
    assert row is not None
    texts = [value for value in row.values.values() if isinstance(value, str)]
    assert sum(len(text.encode("utf-16-le")) + 100 for text in texts) < 1024 * 1024
    assert max(len(text.encode("utf-16-le")) for text in texts) <= 64 * 1024
    assert (await heed.get("/templates/t1"))["html"] == body["html"]


async def test_rendering_puts_names_in_place(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    body = {
        "recipient": {"email": "ada@example.com", "name": "Ada <b> & Co"},
        "sender": "rep1",
        "regarding": {"type": "opportunity", "id": "o1", "name": "50 chairs"},
    }

    assert await heed.post("/templates/t1/render", body) == {
        "subject": "Hello Ada <b> & Co",
        "html": "<p>Hi Ada &lt;b&gt; &amp; Co, <b>50 chairs</b></p>",
        "text": "Hi Ada <b> & Co\nRita Rep, acme",
        "empty_fields": [],
    }


async def test_a_name_inside_an_address_is_encoded_and_the_link_leads_there(heed: Heed) -> None:
    address = "https://e.example/?name={{ recipient.name }}"
    spec = {**INTRO, "html": f'<a href="{address}&amp;x=1">Hi {{{{ recipient.name }}}}</a>', "text": f"{address}&x=1"}
    await heed.put("/templates/t1", spec)

    made = await heed.post("/templates/t1/render", {"recipient": {"name": "Miller & Co #1"}, "sender": "rep1"})
    message = await heed.draft(html=made["html"], text=made["text"])
    prepared = await heed.post(f"/messages/{message}/prepare")

    assert "Hi Miller &amp; Co #1</a>" in made["html"]
    [copy] = prepared["copies"]
    for part in (copy["html"], copy["text"]):
        [path] = re.findall(r"https://heed\.test(/c/[\w-]+)", part)
        clicked = await heed.hit(path)
        assert clicked.headers["location"] == "https://e.example/?name=Miller%20%26%20Co%20%231&x=1"


async def test_names_that_are_missing_are_left_out_or_take_the_default(heed: Heed) -> None:
    await heed.put("/templates/t1", {**INTRO, "text": None})

    assert await heed.post("/templates/t1/render") == {
        "subject": "Hello ",
        "html": "<p>Hi there, <b></b></p>",
        "text": None,
        "empty_fields": ["recipient.name", "regarding.name"],
    }


async def test_records_and_the_acting_user_lend_their_names(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    await heed.put("/records/contact/c1", {"name": "Ada"})
    await heed.put("/records/opportunity/o1", {"name": "Chairs"})
    body = {
        "recipient": {"record": {"type": "contact", "id": "c1"}},
        "regarding": {"type": "opportunity", "id": "o1"},
    }

    found = await heed.api("POST", "/templates/t1/render", body, x_heed_user="rep1")

    assert found.json["html"] == "<p>Hi Ada, <b>Chairs</b></p>"
    assert found.json["text"] == "Hi Ada\nRita Rep, acme"


async def test_an_old_version_can_be_rendered(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    await heed.put("/templates/t1", {**INTRO, "subject": "Second"})

    assert (await heed.post("/templates/t1/render", {"version": 1}))["subject"] == "Hello "
    assert (await heed.post("/templates/t1/render"))["subject"] == "Second"
    assert (await heed.api("POST", "/templates/t1/render", {"version": 3})).status == 404


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"sender": "nobody"}, ["sender"]),
        ({"recipient": {"name": "a\r\nBcc: b@example.com"}}, ["recipient", "name"]),
        ({"recipient": {"name": "{{ x }}", "colour": "red"}}, ["recipient", "colour"]),
        ({"regarding": {"type": "Case", "id": "k1"}}, ["regarding", "type"]),
        ({"org": {"name": "other"}}, ["org"]),
    ],
)
async def test_a_wrong_field_of_the_rendering_is_named(heed: Heed, body: dict[str, Any], loc: list[str]) -> None:
    await heed.put("/templates/t1", INTRO)

    answer = await heed.api("POST", "/templates/t1/render", body)

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, loc)


async def test_names_that_make_it_too_long_are_refused(heed: Heed) -> None:
    await heed.put("/templates/t1", {**INTRO, "subject": "{{ recipient.name }}" * 6})

    answer = await heed.api("POST", "/templates/t1/render", {"recipient": {"name": "x" * 200}})

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["subject"])


async def test_the_preview_shows_the_html_in_a_sandbox(heed: Heed) -> None:
    hostile = '<p>Hi {{ recipient.name }}</p><script>alert("1")</script></iframe><img src="https://x.example/a.png">'
    await heed.put("/templates/t1", {**INTRO, "name": "<b>Intro</b>", "html": hostile})

    answer = await heed.api("GET", "/templates/t1/preview", x_heed_user="rep1")

    page = answer.body.decode()
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["content-security-policy"]
    assert {"default-src 'none'", "script-src 'none'", "img-src data:"} <= {part.strip() for part in policy.split(";")}
    [frame] = re.findall(r'<iframe sandbox [^>]*title="[^"]+"[^>]* srcdoc="([^"]*)"></iframe>', page)
    assert html.unescape(frame) == hostile.replace("{{ recipient.name }}", "Ada Example")
    assert "<script" not in page
    assert "https:" not in page.replace(frame, "")
    assert "&lt;b&gt;Intro&lt;/b&gt;" in page
    assert "Hello Ada Example" in page
    assert "Rita Rep, acme" in page
    own = html.unescape(re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[0])
    assert policy == f"{own}; frame-ancestors 'none'"  # which a page cannot say by itself


async def test_the_preview_takes_a_key(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)

    assert (await heed.request("GET", "/api/orgs/acme/templates/t1/preview")).status == 401
    assert (await heed.api("GET", "/templates/t2/preview")).status == 404


async def test_a_message_keeps_the_version_that_it_was_made_of(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    message = await heed.sent(template="t1")
    await heed.put("/templates/t1", {**INTRO, "subject": "New"})
    later = await heed.draft(template="t1")
    without = await heed.draft()

    versions = [(await heed.get(f"/messages/{each}"))["template_version"] for each in (message, later, without)]
    assert versions == [1, 2, None]
    listed = {each["id"]: each["template_version"] for each in (await heed.get("/messages"))["items"]}
    assert listed == {message: 1, later: 2, without: None}


async def test_a_draft_that_changes_its_template_takes_the_newest_version(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    await heed.put("/templates/t2", INTRO)
    await heed.put("/templates/t2", {**INTRO, "subject": "New"})
    message = await heed.draft(template="t1")

    other = await heed.api("PATCH", f"/messages/{message}", {"template": "t2"})
    subject = await heed.api("PATCH", f"/messages/{message}", {"subject": "x"})
    none = await heed.api("PATCH", f"/messages/{message}", {"template": None})
    unknown = await heed.api("PATCH", f"/messages/{message}", {"template": "t3"})

    assert [answer.json["template_version"] for answer in (other, subject, none)] == [2, 2, None]
    assert (unknown.status, unknown.json["errors"][0]["loc"]) == (422, ["template"])


async def test_a_message_of_no_such_template_is_refused(heed: Heed) -> None:
    answer = await heed.api("POST", "/messages", {"from": "rep1", "template": "t1"})

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["template"])


async def test_another_organization_sees_nothing_of_it(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    key = await heed.organization("other")
    path = "/api/orgs/other/templates"

    async def status(method: str, end: str, body: Any = None) -> int:
        return (await heed.request(method, f"{path}{end}", body, key=key)).status

    assert await status("GET", "/t1") == 404
    assert await status("GET", "/t1?version=1") == 404
    assert await status("GET", "/t1/preview") == 404
    assert await status("POST", "/t1/render", {}) == 404
    assert await status("DELETE", "/t1") == 404
    assert (await heed.request("GET", path, key=key)).json["items"] == []
    await heed.request("PUT", "/api/orgs/other/users/rep1", {"email": "rep@other.example"}, key=key)
    message = await heed.request("POST", "/api/orgs/other/messages", {"from": "rep1", "template": "t1"}, key=key)
    assert message.status == 422
    assert (await heed.request("GET", "/api/orgs/acme/templates/t1", key=key)).status == 404


async def test_a_key_that_may_only_read_changes_no_template(heed: Heed) -> None:
    await heed.put("/templates/t1", INTRO)
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=ADMIN_KEY)
    path, key = "/api/orgs/acme/templates/t1", made.json["key"]

    assert (await heed.request("GET", path, key=key)).status == 200
    assert (await heed.request("PUT", path, INTRO, key=key)).status == 403
    assert (await heed.request("DELETE", path, key=key)).status == 403


async def test_the_document_describes_templates(heed: Heed) -> None:
    document = (await heed.request("GET", "/api/openapi.json")).json

    paths = {path.removeprefix("/api/orgs/{org}"): set(methods) for path, methods in document["paths"].items()}
    assert paths["/templates"] == {"get"}
    assert paths["/templates/{id}"] == {"put", "get", "delete"}
    assert paths["/templates/{id}/render"] == {"post"}
    assert paths["/records/opportunity/{id}/outcome"] == {"post"}
    preview = document["paths"]["/api/orgs/{org}/templates/{id}/preview"]["get"]
    assert list(preview["responses"]["200"]["content"]) == ["text/html"]
    assert "template_version" in document["components"]["schemas"]["MessageRead"]["properties"]
    assert "recommended_because" in document["components"]["schemas"]["TemplateItem"]["properties"]


FIELDS = (
    "{{ recipient.name }}|{{ recipient.first_name | default('there') }}|{{ recipient.last_name }}|"
    "{{ recipient.company }}|{{ recipient.title }}|{{ recipient.email }}|{{ recipient.phone }}|"
    "{{ recipient.fields.industry | default('-') }}|{{ regarding.name }}|{{ regarding.fields.amount }}"
)


async def filled(heed: Heed, source: str = FIELDS, **spec: Any) -> str:
    await heed.put("/templates/t1", {"name": "T", "language": "en", "text": source})
    return str((await heed.post("/templates/t1/render", spec))["text"])


async def test_the_recipients_record_fills_every_field(heed: Heed) -> None:
    await heed.put("/records/account/a1", {"name": "Analytical Engines, Inc."})
    contact = {
        "name": "Lovelace, Ada",
        "emails": ["ada@example.com"],
        "title": "Countess",
        "phone": "+44 20 1815",
        "parent": {"type": "account", "id": "a1"},
        "fields": {"industry": "Mathematics"},
    }
    await heed.put("/records/contact/c1", contact)
    await heed.put("/records/opportunity/o1", {"name": "Engine, No. 2", "fields": {"amount": "500 £"}})

    text = await filled(
        heed,
        recipient={"record": {"type": "contact", "id": "c1"}},
        regarding={"type": "opportunity", "id": "o1"},
    )

    assert text == (
        "Ada Lovelace|Ada|Lovelace|Analytical Engines, Inc.|Countess|ada@example.com|+44 20 1815|Mathematics|"
        "Engine, No. 2|500 £"
    )


async def test_what_the_request_says_comes_before_the_record(heed: Heed) -> None:
    ref = {"type": "contact", "id": "c1"}
    contact = {"name": "Lovelace, Ada", "first_name": "Augusta", "company": "Old", "fields": {"industry": "Old"}}
    await heed.put("/records/contact/c1", contact)
    await heed.put("/records/opportunity/o1", {"name": "Old", "fields": {"amount": "1"}})
    given = {"name": "Byron, Ada", "company": "New", "email": "new@example.com", "fields": {"industry": "New"}}

    text = await filled(
        heed,
        recipient={**given, "record": ref},
        regarding={"type": "opportunity", "id": "o1", "name": "New", "fields": {"amount": "2"}},
    )

    assert text == "Ada Byron|Augusta|Byron|New||new@example.com||New|New|2"
    assert (await filled(heed, recipient={"first_name": "Eve", "record": ref})).startswith(
        "Ada Lovelace|Eve|Lovelace|Old|"
    )


async def test_an_account_is_greeted_by_its_whole_name_or_by_the_default(heed: Heed) -> None:
    await heed.put("/records/account/a1", {"name": "Goldman, Sachs"})
    text = await filled(heed, recipient={"record": {"type": "account", "id": "a1"}})
    assert text.startswith("Goldman, Sachs|there||")


@pytest.mark.parametrize(
    ("record_type", "name"),
    [("contact", "Ada Lovelace"), ("lead", "Ada Lovelace"), ("new_project", None), ("2-123", None), ("deal", None)],
)
async def test_only_persons_that_a_mail_is_about_are_named_first_name_first(
    heed: Heed, record_type: str, name: str | None
) -> None:
    await heed.put(f"/records/{record_type}/1", {"name": "Lovelace, Ada"})
    text = await filled(heed, "{{ regarding.name }}", regarding={"type": record_type, "id": "1"})
    assert text == (name or "Lovelace, Ada")


@pytest.mark.parametrize(("record_type", "first"), [("company", "there"), ("account", "there"), ("new_guest", "Sachs")])
async def test_a_company_is_greeted_by_no_first_name(heed: Heed, record_type: str, first: str) -> None:
    await heed.put(f"/records/{record_type}/1", {"name": "Goldman, Sachs"})
    text = await filled(heed, recipient={"record": {"type": record_type, "id": "1"}})
    assert text.split("|")[1] == first


ADAS = {"name": "Lovelace, Ada", "emails": ["ada@example.com"]}


async def test_an_address_alone_is_filled_by_the_record_that_has_it(heed: Heed) -> None:
    await heed.put("/records/account/a1", {"name": "Goldman, Sachs", "emails": ["info@xn--bcher-kva.example"]})
    await heed.put("/records/contact/c1", {**ADAS, "parent": {"type": "account", "id": "a1"}})

    assert await filled(heed, recipient={"email": "ADA@example.com"}) == (
        "Ada Lovelace|Ada|Lovelace|Goldman, Sachs||ADA@example.com||-||"
    )
    account = await filled(heed, recipient={"email": "info@b\u00fccher.example"})
    assert account.startswith("Goldman, Sachs|there||")
    for unknown in ("eve@example.com", "no address", ""):
        assert (await filled(heed, recipient={"email": unknown})).startswith("|there||||")


async def test_of_several_records_with_the_address_the_one_that_the_mail_would_belong_to_fills_it(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {**ADAS, "title": "Regarding"})
    await heed.put("/records/contact/c2", {**ADAS, "title": "Owned", "owner": "rep1"})
    ada, about = {"email": "ada@example.com"}, {"type": "contact", "id": "c1"}
    source = "{{ recipient.title }}"

    assert await filled(heed, source, recipient=ada) == ""
    assert await filled(heed, source, recipient=ada, sender="rep1") == "Owned"
    assert await filled(heed, source, recipient=ada, sender="rep1", regarding=about) == "Regarding"
    await heed.organization("acme", resolve_recipients="given")
    assert await filled(heed, source, recipient=ada, sender="rep1") == ""


async def test_the_sender_signs_with_the_lines_of_their_signature(heed: Heed) -> None:
    rep = {"email": "rep@acme.example", "name": "Rep, Rita", "title": "Sales", "signature": "Rita <Rep>\nAcme\u20ac"}
    await heed.put("/users/rep1", rep)
    source = "{{ sender.first_name }} {{ sender.name }}, {{ sender.title }}, {{ sender.email }}: {{ sender.signature }}"
    await heed.put("/templates/t1", {"name": "T", "language": "en", "html": source, "text": source, "subject": source})

    done = await heed.post("/templates/t1/render", {"sender": "rep1"})

    start = "Rita Rita Rep, Sales, rep@acme.example: "
    assert done["text"] == f"{start}Rita <Rep>\nAcme\u20ac"
    assert done["html"] == f"{start}Rita &lt;Rep&gt;<br>\nAcme\u20ac"
    assert done["subject"] == f"{start}Rita <Rep> Acme\u20ac"


@pytest.mark.parametrize(
    "fields",
    [
        {"A": "x"},
        {"a b": "x"},
        {"a": 1},
        {"a": None},
        {"a": "x\x00"},
        {"a": "x" * 2_001},
        {f"f{number}": "x" for number in range(51)},
        {f"f{number}": "x" * 1_001 for number in range(10)},
    ],
)
async def test_fields_of_a_record_are_texts_and_few(heed: Heed, fields: dict[str, Any]) -> None:
    answer = await heed.api("PUT", "/records/contact/c1", {"name": "Ada", "fields": fields})
    assert (answer.status, answer.json["errors"][0]["loc"][0]) == (422, "fields")


async def test_fields_of_a_record_are_read_back_and_replaced_together(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"name": "Ada", "fields": {"a": "1", "b": "two\r\nlines"}})
    read = await heed.get("/records/contact/c1")
    patched = await heed.api("PATCH", "/records/contact/c1", {"fields": {"c": "3"}})
    assert (read["fields"], patched.json["fields"]) == ({"a": "1", "b": "two\nlines"}, {"c": "3"})
