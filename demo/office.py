"""The CRM of the demo's organization: calls of the API, with its key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from demo.cast import DOMAIN, NOT_OPTED_IN, ORGANIZATION, ORGANIZATION_NAME, Cast, Contact, DemoCompany, Seller
from demo.stage import ADMIN_KEY, DemoError, Refused, Stage
from demo.texts import TEMPLATES

_BATCH = 200

_SETTINGS = {
    "recipients_page": True,
    "honeypot": True,
    "mixed_recipients": "split",
    "lawful_basis": "legitimate_interest",
    "privacy_notice_url": f"https://www.{DOMAIN}/privacy",
    "from_domain_allow": [DOMAIN],
    "inbound": {"keep": "mail"},
    "work_hours": {"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "17:00"},
}


class Office:
    """Calls of one organization's API."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._key = ""

    async def call(
        self, method: str, path: str, body: Any = None, *, user: str | None = None, media_type: str | None = None
    ) -> Any:
        """Call the API, `path` as it stands after `/api/orgs/{org}`; return the answer. Raises Refused."""
        headers = {"x-heed-user": user} if user else {}
        if media_type:
            headers["content-type"] = media_type
        url = f"/api/orgs/{ORGANIZATION}{path}"
        answer = await self.stage.request(method, url, body, key=self._key or ADMIN_KEY, headers=headers)
        if answer.status >= 300:
            raise Refused(f"{method} {url}", answer)
        return answer.json

    async def pages(self, path: str, *, user: str | None = None) -> AsyncIterator[Any]:
        """List all items of a list; `path` has a query."""
        cursor = ""
        while True:
            page = await self.call("GET", f"{path}&limit=200{cursor}", user=user)
            for item in page["items"]:
                yield item
            if not page["next"]:
                return
            cursor = f"&cursor={page['next']}"

    async def open(self, cast: Cast) -> None:
        """Make the organization with its people, templates, rules and mailboxes."""
        await self.call("PUT", "", {"name": ORGANIZATION_NAME, "settings": _SETTINGS})
        self._key = (await self.call("POST", "/keys", {"scope": "full", "name": "CRM"}))["key"]
        for seller in cast.sellers:
            await self.call("PUT", f"/users/{seller.id}", _user(seller, cast))
        records = [*map(_account, cast.companies), *map(_contact, cast.contacts.values())]
        records += [each for company in cast.companies for each in _opportunities(company)]
        for start in range(0, len(records), _BATCH):
            done = await self.call("POST", "/records/batch", {"items": records[start : start + _BATCH]})
            if wrong := [item for item in done["items"] if item.get("errors")]:
                raise DemoError(f"A record of the demo is wrong: {wrong[0]}")
        for template in TEMPLATES:
            await self.call("PUT", f"/templates/{template.id}", template.to_spec())
        await self._open_mailboxes(cast)
        await self.stage.work()

    async def _open_mailboxes(self, cast: Cast) -> None:
        warranty = {
            "when": {"subject": "warranty"},
            "create": {"type": "case", "fields": {"text": "A luminaire is broken.", "due_in_hours": 48}},
        }
        callback = {
            "when": {"kind": "reply", "subject": "quote"},
            "create": {"type": "task", "fields": {"title": "Answer about the quote", "due_in_hours": 24}},
        }
        await self.call("PUT", "/rules/warranty", warranty)
        await self.call("PUT", "/rules/quotes", callback)
        # Nothing listens there: the running Heed shows a mailbox that cannot be reached, and asks no one else.
        mailbox = {
            "kind": "imap",
            "owner": cast.sellers[0].id,
            "host": "localhost",
            "port": 9,
            "user": cast.sellers[0].email,
            "secret": f"HEED_MAILBOX_{ORGANIZATION.upper()}_{cast.sellers[0].id.upper()}",
        }
        await self.call("PUT", f"/mailboxes/{cast.sellers[0].id}", mailbox)

    async def receive(self, raw: bytes) -> Any:
        """Take a mail in, and let everything follow; the answer."""
        answer = await self.call("POST", "/inbound", raw, media_type="message/rfc822")
        await self.stage.work()
        return answer


def opportunity_of(company: DemoCompany, number: int) -> Mapping[str, str]:
    """Return the company's first or second sale, as a mail regards it."""
    return {"type": "opportunity", "id": f"{company.id}-{number}", "name": company.projects[number]}


def _user(seller: Seller, cast: Cast) -> dict[str, Any]:
    return {
        "email": seller.email,
        "name": seller.name,
        "title": "Lighting planner",
        "company": ORGANIZATION_NAME,
        "signature": f"{seller.name}\n{ORGANIZATION_NAME}",
        "time_zone": seller.time_zone,
        "opt_in": seller.id != NOT_OPTED_IN,
        "inbound": "known",
        "networks": list(cast.networks),
    }


def _account(company: DemoCompany) -> dict[str, Any]:
    place = company.place
    return {
        "type": "account",
        "id": company.id,
        "name": company.name,
        "owner": company.seller.id,
        "address": {"city": place.city, "country": place.country},
        "time_zone": place.time_zone,
    }


def _opportunities(company: DemoCompany) -> list[dict[str, Any]]:
    return [
        {
            **opportunity_of(company, number),
            "owner": company.seller.id,
            "company": company.name,
            "parent": {"type": "account", "id": company.id},
        }
        for number in range(len(company.projects))
    ]


def _contact(contact: Contact) -> dict[str, Any]:
    company = contact.company
    return {
        "type": "contact",
        "id": contact.id,
        "name": contact.name,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "company": company.name,
        "title": contact.title,
        "emails": [contact.email],
        "owner": company.seller.id,
        "address": {"city": company.place.city, "country": company.place.country},
        "time_zone": company.place.time_zone,
        "parent": {"type": "account", "id": company.id},
    }
