"""An organization with all that settings show, and those who look at it."""

from __future__ import annotations

from lib.storage.layout import OUTBOX
from tests.console.test_operator import PAGES as OPERATOR_PAGES
from tests.console.test_settings import CONTROLS, PAGES
from tests.support.heed import ADMIN_KEY, Heed

MAILBOX = {"kind": "imap", "host": "imap.example.com", "secret": "HEED_MAILBOX_ACME_X"}

SETTINGS_PATHS = (
    *(f"settings/{page}" for page in (*PAGES, *CONTROLS)),
    "settings/users?opt_in=no",
    "settings/users/new",
    "settings/users/rep1",
    "settings/users/rep1/delete",
    "settings/users/everybody?opt_in=yes",
    "settings/keys/00000000000000000000000000000000/revoke",
    "settings/mailboxes/new",
    "settings/mailboxes/rita/edit",
    "settings/rules/support",
    "settings/sign-in/remove",
    "settings/webhooks/new",
    "settings/webhooks/crm",
    "settings/webhooks/crm?status=waiting",
    "settings/webhooks/crm/edit",
    "settings/webhooks/crm/secret",
    "settings/switches/links",
)
"""Pages of an administrator, below `/console/`."""

OPERATOR_PATHS = (*OPERATOR_PAGES, "operator/verdicts?org=acme")


async def fill(heed: Heed) -> str:
    """Set up something of each kind; return a key of scope `admin`."""
    for number, name in enumerate(("Ann Bauer", "Cy Dorn", "Eli Fink")):
        user = {"email": f"user{number}@acme.example", "name": name, "opt_in": number == 0}
        await heed.put(f"/users/user{number}", user)
    await heed.put("/webhooks/crm", {"url": "https://crm.example.com/hooks/heed", "events": ["message.opened"]})
    await heed.put("/mailboxes/sales", {**MAILBOX, "user": "sales@acme.example", "queue": True})
    await heed.put("/mailboxes/rita", {**MAILBOX, "user": "rita@acme.example", "owner": "rep1", "enabled": False})
    await heed.put("/rules/support", {"when": {"to": "support@acme.example"}, "create": {"type": "case"}})
    heed.storage.queues.dead_letters.bury(OUTBOX, b"{}", heed.clock.now())  # type: ignore[attr-defined]
    await heed.services.sweep.run()
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "admin", "name": "Ann’s"}, key=ADMIN_KEY)
    return str(made.json["key"])
