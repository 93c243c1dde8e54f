"""A recipient who opens a mail."""

from __future__ import annotations

import re

from tests.end_to_end.running import Running, eventually
from tests.end_to_end.test_a_followed_mail import html_part


async def open_mail(heed: Running, subject: str) -> None:
    """Wait for the mail of that subject, and load its pixel as Gmail's proxy does."""
    mail = await eventually(lambda: heed.inbox(subject))
    [pixel] = re.findall(r'src="([^"]+/o/[^"]+)"', html_part(mail))
    assert (await heed.visit(pixel))[0] == 200
