"""Search of blobs for a subject. Raw mails are searched without their encodings: much of their bytes tells nothing."""

from __future__ import annotations

import base64
import logging
import re
from dataclasses import dataclass

from lib.mime.texts import texts_of_mail
from lib.privacy.subjects import Subject
from lib.storage.layout import MAILS
from lib.workers.pool import OffLoop, WorkerLost

log = logging.getLogger("heed.privacy")


def is_in_mail(raw: bytes, subject: Subject) -> bool:
    """Whether a raw mail names the subject. Not for the event loop."""
    return any(map(subject.is_in, texts_of_mail(raw)))


_MAIL_OF_A_RESULT = re.compile(r'"mail": "([A-Za-z0-9+/=]+)"')


def redact_result(text: str, subject: Subject) -> str:
    """Return a result of an export, or a part of one, without the subject and without mails that name the subject."""

    def redact_mail(found: re.Match[str]) -> str:
        return '"mail": null' if is_in_mail(base64.b64decode(found[1]), subject) else found[0]

    return subject.redact_text(_MAIL_OF_A_RESULT.sub(redact_mail, text))


@dataclass(frozen=True, slots=True)
class BlobSearch:
    """Searches blobs for subjects, large ones off the event loop."""

    off_loop: OffLoop

    async def is_in_blob(self, organization: str, blob: str, data: bytes, subject: Subject) -> bool:
        """Whether a blob of that name names the subject."""
        if not blob.startswith(MAILS):
            return subject.is_in(data.decode("utf-8", "replace"))
        try:
            return await self.off_loop.run(organization, len(data), is_in_mail, data, subject)
        except WorkerLost:
            log.error("a mail of organization %s could not be searched but for its bytes", organization)
            return subject.is_in(data.decode("utf-8", "replace"))

    async def redact_result(self, organization: str, data: bytes, subject: Subject) -> bytes:
        """Return a result of an export without the subject."""
        text = data.decode("utf-8", "replace")
        return (await self.off_loop.run(organization, len(data), redact_result, text, subject)).encode()
