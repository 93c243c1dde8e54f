"""An organization in which something of every kind has been kept, to be moved, backed up or brought back."""

from __future__ import annotations

from tests.support.heed import Heed

_AT_ONCE = 200


async def live_in(heed: Heed, link: str = "o", contacts: int = 0) -> str:
    """Keep contacts, a draft with a large body and a file, and a mail that was opened (`o`) or clicked (`c`).

    Return the mail's id.
    """
    for start in range(0, contacts, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, contacts))
        items = [{"type": "contact", "id": f"c{number}", "name": "x" * 100} for number in numbers]
        assert (await heed.api("POST", "/records/batch", {"items": items})).status == 200
    draft = await heed.draft(html=f"<p>{'long ' * 9000}</p>")
    await heed.api("POST", f"/messages/{draft}/attachments?filename=a.txt", b"some text")
    message = await heed.sent()
    await heed.hit(heed.urls(link)[0])
    await heed.work()
    return message
