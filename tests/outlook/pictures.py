"""`python -m tests.outlook.pictures`: pictures of the add-in's pane for docs/outlook.md, as WebP by Chromium itself."""

from __future__ import annotations

import asyncio
import base64
import tempfile
from pathlib import Path
from typing import Any

from demo.pictures import TO_WEBP
from tests.console.world import make_world
from tests.outlook.stage import BOB, REP, Stage, arrived, staged, written

FOLDER = Path(__file__).parents[2] / "docs" / "images" / "outlook"
_QUALITY = 0.9
_TALLEST = 1100


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with staged(Path(folder)) as stage:
            await _take_all(stage)


async def _take_all(stage: Stage) -> None:
    world = await make_world()
    stage.heed = world.heed
    address = {"city": "New York", "region": "NY", "country": "US"}
    ada = {"name": "Ada Lovett", "emails": ["ada@example.com"], "follow_email": "allow", "address": address}
    await world.heed.put("/records/contact/ada", ada)
    await world.heed.put("/records/opportunity/o2", {"name": "Windmill", "parent": {"type": "contact", "id": "ada"}})
    offer = (await world.heed.get(f"/messages/{world.offer}"))["message_id"]
    received = (await world.heed.get("/messages?view=received"))["items"]
    reply = next(each for each in received if each["kind"] == "reply")
    await _take(stage, "writing", written(), find="Find templates")
    await _take(stage, "several", written(cc=[BOB]), color_scheme="dark")
    await _take(stage, "sent", arrived(**{"from": REP, "internetMessageId": offer}))
    await _take(stage, "received", arrived(internetMessageId=reply["message_id"]), language="de-DE")
    await _take(stage, "track", arrived(internetMessageId="<new@example.com>"), language="fr-FR")


async def _take(stage: Stage, name: str, item: Any, find: str = "", **outlook: Any) -> None:
    """Take a picture of the pane beside an item."""
    shown = await stage.open("pane", item, token=await stage.token(), **outlook)
    await shown.ready()
    if find:
        await shown.tab.get_by_role("button", name=find).click()
        await shown.tab.get_by_role("button", name="Insert").first.wait_for()
    height = min(_TALLEST, await shown.tab.evaluate("document.documentElement.scrollHeight"))
    await shown.tab.set_viewport_size({"width": 320, "height": height})
    png = await shown.tab.screenshot()
    darkroom = await stage.browser.new_page()
    webp = await darkroom.evaluate(TO_WEBP, [base64.b64encode(png).decode(), _QUALITY])
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.webp").write_bytes(base64.b64decode(webp))
    await darkroom.close()
    await shown.tab.context.close()


if __name__ == "__main__":
    asyncio.run(main())
