"""With storage gone, recipients get what they came for, and the log has the facts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from infra.local.servers.azurite import start_azurite
from infra.local.servers.mail_catcher import MailCatcher
from tests.end_to_end.running import ADMIN_KEY, eventually, start_heed
from tests.end_to_end.test_a_followed_mail import html_part


async def test_links_and_pixels_work_and_the_log_can_be_replayed(
    tmp_path: Path, mail: MailCatcher, in_parts: bool
) -> None:
    azurite = start_azurite(tmp_path / "azurite")
    heed = start_heed(tmp_path / "first", azurite, mail, in_parts=in_parts)
    key = await heed.organization("acme")
    subject = f"Before the outage of {heed.base_url}"
    draft = {
        "from": "rep1",
        "to": [{"email": "ada@example.com"}],
        "subject": subject,
        "html": '<a href="https://example.com/offer">offer</a>',
    }
    _, message = await heed.request("POST", "/api/orgs/acme/messages", key=key, json=draft)
    path = f"/api/orgs/acme/messages/{message['id']}"
    await heed.request("POST", f"{path}/send", key=key)
    html = html_part(await eventually(lambda: heed.inbox(subject)))
    [pixel, link] = [re.findall(rf'"([^"]+/{kind}/[^"]+)"', html)[0] for kind in "oc"]

    async def sent() -> bool:
        return bool((await heed.request("GET", path, key=key))[1]["status"] == "sent")

    await eventually(sent)
    azurite.stop()

    assert (await heed.visit(pixel))[0] == 200
    assert await heed.visit(link) == (302, "https://example.com/offer")
    assert await heed.visit(link) == (302, "https://example.com/offer")
    status, problem = await heed.request("GET", path, key=key)
    assert (status, problem["title"]) == (503, "Service Unavailable")
    assert "Traceback" not in str(problem)
    heed.stop()
    log = heed.log.read_bytes()
    assert log.count(b"heed.fact {") == 3

    azurite = start_azurite(tmp_path / "azurite")
    again = start_heed(tmp_path / "second", azurite, mail, in_parts=in_parts)
    try:
        _, replayed = await again.request("POST", "/api/ops/replay", key=ADMIN_KEY, data=log)
        assert replayed == {"replayed": 3, "skipped": 0}

        async def counted() -> Any:
            _, read = await again.request("GET", path, key=key)
            return read["kpis"] if read["kpis"]["raw"]["clicks"] == 2 else None

        assert (await eventually(counted))["opens"] == 1
    finally:
        again.stop()
        azurite.stop()
