"""Someone of whom an organization holds everything that it can hold."""

from __future__ import annotations

from typing import Any

from tests.support.heed import Heed
from tests.support.inbound import bounce_of, raw_mail, receive

EMAIL = "quetzal.ada7@example.com"
LOCAL_PART = "quetzal.ada7"
NAME = "Quetzalina Adamante"
OTHER = "bob@example.com"
SETTINGS: dict[str, Any] = {
    "mixed_recipients": "split",
    "inbound": {"keep": "mail", "smart_matching": True},
    "alert_on": "any",
}


async def make_known(heed: Heed) -> dict[str, str]:
    """Let the subject get, open, click and answer mail, bounce, consent, and stand in records; ids by name."""
    subject = {"email": EMAIL, "name": NAME, "record": {"type": "contact", "id": "q1"}}
    await heed.put("/records/contact/q1", {"name": NAME, "emails": [EMAIL, "work@other.example"], "owner": "rep1"})
    await heed.put("/records/contact/b1", {"name": "Bob", "emails": [OTHER]})
    await heed.put(f"/consents/{EMAIL}", {"follow": "allow", "source": "a form", "notice": "v1"})
    await heed.put("/templates/t1", {"name": "T", "language": "en", "subject": "S", "html": "<p>Hi</p>", "text": "Hi"})
    await heed.put(
        "/rules/r1", {"when": {"from": "@example.com"}, "create": {"type": "task", "fields": {"due_in_hours": 24}}}
    )
    alone = await heed.sent(
        to=[subject],
        subject="Offer",
        html=f'<p>Hi <a href="https://example.com/a?who={EMAIL}">offer</a> for {EMAIL}</p>',
        template="t1",
        reminder={"title": f"Ask {EMAIL}", "condition": "always", "at": "2026-05-04T11:00:00Z"},
    )
    for path in (*heed.urls("o"), *heed.urls("c")):
        await heed.hit(path)
    await heed.work()
    both = await heed.sent(to=[subject, {"email": OTHER, "name": "Bob", "record": {"type": "contact", "id": "b1"}}])
    for mail in (-1, -2):
        for path in (*heed.urls("o", mail), *heed.urls("c", mail)):
            await heed.hit(path)
    await heed.work()
    internet_id = (await heed.get(f"/messages/{alone}"))["message_id"]
    answer = f"Yes.\n\n-- \n{NAME}\n{EMAIL}"
    reply = await receive(heed, raw_mail(answer, f"{NAME} <{EMAIL}>", subject="Re: Offer", In_Reply_To=internet_id))
    await receive(heed, await bounce_of(heed, both, EMAIL))
    large = await heed.sent(to=[subject], subject="Large", html=f"<p>{EMAIL} {'x' * 40_000}</p>")
    draft = await heed.draft(to=[subject])
    mixed = await heed.draft(to=[subject, {"email": OTHER}])
    scheduled = await heed.draft(to=[subject], deliver_at="2026-06-04T11:00:00Z")
    await heed.post(f"/messages/{scheduled}/send")
    await heed.tick("remind")
    await heed.work()
    for card in (await heed.get("/cards", x_heed_user="rep1"))["items"]:
        if "call" in card["actions"]:
            await heed.api("POST", f"/cards/{card['id']}/call", x_heed_user="rep1")
            break
    return {
        "alone": alone,
        "both": both,
        "reply": reply["message"],
        "large": large,
        "draft": draft,
        "mixed": mixed,
        "scheduled": scheduled,
    }


async def run_job(heed: Heed, method: str, query: str = "", email: str = EMAIL) -> Any:
    """Begin a job, let it be done, and read it."""
    answer = await heed.api(method, f"/subjects/{email}{query}")
    assert answer.status == 202, answer.body
    await heed.work()
    return await heed.get(f"/jobs/{answer.json['job']}")
