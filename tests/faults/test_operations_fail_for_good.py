"""An operation on storage fails for good, retries and all: each one on the whole way of a mail, one after the other.

It may have been done all the same. Storage is in memory here, so that every single operation can have its turn.
"""

from __future__ import annotations

from collections import Counter

import pytest

from lib.storage.memory import MemoryQueues, memory_storage
from lib.transports.smtp import SmtpTransport
from tests.faults.ends import End, ends_of
from tests.faults.hosts import Host, MemoryInbox
from tests.faults.jobs import HostedHeed
from tests.faults.story import SENT, tell_story
from tests.support.failing import Failure, When, failing_storage
from tests.support.heed import mail_server_of
from tests.support.mail_server import MailServer


@pytest.mark.parametrize("when", ["before", "after"])
async def test_every_failure_is_made_up_for(mails: MailServer, when: When) -> None:
    storage, failure = memory_storage(), Failure()
    assert isinstance(storage.queues, MemoryQueues)
    smtp = SmtpTransport(mail_server_of(mails.settings))
    heed = HostedHeed(storage=failing_storage(storage, failure), transport=smtp)
    await heed.start()
    host = Host(heed, MemoryInbox(storage.queues))
    ends: Counter[End] = Counter()
    number, operations = 0, 1

    while number < operations:
        number += 1
        user = f"rep{number}"
        await heed.put(f"/users/{user}", {"email": "rep@acme.example", "opt_in": True})
        failure.arm(number, when)
        message = await tell_story(host, mails, user)
        operations = failure.count
        failure.arm(0, when)
        ends.update(await ends_of(heed, mails, [message], user))
    await smtp.close()

    assert ends == {SENT: number}
