"""Published limits of providers for one mail, and checks of a mail against them.

Plain data: no provider's SDK is loaded for it. Sources, as of 2026-11: "Size limits for Email",
https://learn.microsoft.com/en-us/azure/communication-services/concepts/service-limits (50 recipients, 10 MB a request;
30 MB after a request to support); "Exchange Online limits",
https://learn.microsoft.com/en-us/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits
(500 recipients and 35 MB, unless the administrator has set others); https://learn.microsoft.com/en-us/graph/outlook-large-attachments
(a file of 150 MB). What a mail server takes, it says itself when it is greeted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lib.checks import Check, make_check
from lib.mime.sizes import MEGABYTE, size_text


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one mail; None where nothing is published.

    `recipients`: To, Cc and Bcc together. `mail`: bytes, with files in base64. `file`: bytes of one file.
    """

    provider: str
    recipients: int | None = None
    mail: int | None = None
    file: int | None = None

    def of_recipients(self, number: int) -> list[Check]:
        """Check a number of recipients; the result is empty if the provider takes them."""
        if self.recipients is None or number <= self.recipients:
            return []
        text = (
            f"{self.provider} takes {self.recipients} recipients in one mail, and this one has {number}: "
            "send it as several messages."
        )
        return [make_check("too_many_recipients_for_transport", remark=text)]

    def of_files(self, sizes: Collection[int], body: int = 0) -> list[Check]:
        """Check the sizes of files that travel inside and of the body, in bytes; empty if the provider takes them."""
        largest, whole = max(sizes, default=0), sum(_in_base64(size) for size in sizes) + body
        if self.file is not None and largest > self.file:
            text = f"{self.provider} takes files of {size_text(self.file)} at most, and this has {size_text(largest)}"
        elif self.mail is not None and whole > self.mail:
            what = "this file has" if len(sizes) == 1 else "the files in it have"
            text = (
                f"{self.provider} takes {size_text(self.mail)} in one mail, and {what} {size_text(sum(sizes))}, which "
                f"with the text are {size_text(whole)} as they are sent (in base64)"
            )
        else:
            return []
        mend = "Remove some, or let them be followed: in a followed mail they travel as links." if sizes else "Cut it."
        return [make_check("too_large_for_transport", remark=f"{text}. {mend}")]


PUBLISHED = {
    "smtp": Limits("The mail server"),
    "acs": Limits("Azure Communication Services", recipients=50, mail=10 * MEGABYTE),
    "graph": Limits("Microsoft Graph", recipients=500, mail=35 * MEGABYTE, file=150 * MEGABYTE),
}
"""By the names of transports in the settings."""


def _in_base64(size: int) -> int:
    return -(-size // 3) * 4
