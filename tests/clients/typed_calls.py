"""Calls as a CRM writes them: a type checker follows what comes back."""

from heed_client import AsyncHeed, Heed
from heed_client.generated.api.attachments import add_attachment
from heed_client.generated.api.messages import get_message, list_messages, make_message
from heed_client.generated.models import NewMessage


def read(heed: Heed) -> list[int]:
    made = heed.call(make_message, body=NewMessage(from_="rita"))
    again = heed.call(get_message, made.id)
    misspelt = again.kpis.opened  # type: ignore[attr-defined]
    return [misspelt, *(item.kpis.opens for item in heed.items(list_messages, owner="rita"))]


async def read_async(heed: AsyncHeed) -> list[str]:
    file = await heed.call(add_attachment, "m1", filename="offer.pdf")
    return [file.filename, *[item.subject async for item in heed.items(list_messages)]]
