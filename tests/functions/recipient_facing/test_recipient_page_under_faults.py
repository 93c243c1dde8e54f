"""With storage down the recipient's page never says that something is done which is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from functions.pages.recipient.page import words_in
from lib.storage import Unavailable
from tests.support.failing import Failure, When, failing_storage
from tests.support.heed import Heed
from tests.support.recipient_page import ADA, mails, page_in, page_of_mail, press, says
from tests.support.spoiling import spoil_organization

EN = words_in("en")
Result = TypeVar("Result")


class Outage(Failure):
    """Storage that answers nothing while `is_out`."""

    is_out = False

    async def meet(self, operation: Callable[[], Awaitable[Result]]) -> Result:
        if self.is_out:
            raise Unavailable("storage is out")
        return await super().meet(operation)


async def beside(steady: Heed, failure: Failure) -> Heed:
    """Another process of the same Heed, whose storage fails."""
    storage = failing_storage(steady.storage, failure)
    return Heed(clock=steady.clock, storage=storage, transport=steady.transport, key=steady.key)


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start(recipients_page=True)


async def test_with_storage_out_the_page_opens_and_a_stop_is_refused_plainly(heed: Heed) -> None:
    page, outage = await page_of_mail(heed), Outage()
    shaky = await beside(heed, outage)
    outage.is_out = True

    opened = await shaky.hit(page)
    answers = [await press(shaky, page, action=action) for action in ("stop", "allow", "see")]

    assert opened.status == 200
    assert EN.intro_without_name in opened.body.decode()
    for answer in answers:
        assert answer.status == 503
        assert answer.headers["retry-after"] == "60"
        assert EN.unreachable_text in answer.body.decode()
        assert EN.stopped not in answer.body.decode()
    outage.is_out = False
    assert (await press(shaky, page, action="stop")).status == 200
    assert await says(heed, "ada@example.com") == "do_not_allow"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_whatever_operation_fails_a_stop_is_done_where_the_page_says_so(heed: Heed, when: When) -> None:
    failure = Failure()
    statuses = set()
    for number in range(1, 40):
        email = f"ada{number}@example.com"
        page = await page_of_mail(heed, to=[{**ADA, "email": email}])
        shaky = await beside(heed, failure)
        failure.arm(number, when)
        answer = await press(shaky, page, action="stop")
        has_failed = failure.count >= number
        failure.arm(0, when)
        statuses.add(answer.status)
        if answer.status == 200:
            assert await says(heed, email) == "do_not_allow", number
        else:
            assert (answer.status, EN.stopped in answer.body.decode()) == (503, False)
            assert (await press(shaky, page, action="stop")).status == 200
            assert await says(heed, email) == "do_not_allow", number
        if not has_failed:
            break
    else:
        raise AssertionError("there were more operations than were made to fail")
    assert statuses == {200, 503}


async def test_a_link_that_the_mail_server_cannot_take_now_comes_later(heed: Heed) -> None:
    from datetime import timedelta

    from lib.transports.protocol import Accepted, Envelope, Outcome, Paced, Refused

    page = await page_of_mail(heed)
    outcomes: list[Outcome] = [Refused(True, "451", "later"), Paced(timedelta(seconds=5)), Accepted()]
    keys = []
    assert heed.transport is not None
    send = heed.transport.send

    async def busy(envelope: Envelope) -> Outcome:
        keys.append(envelope.key)
        outcome = outcomes.pop(0)
        return await send(envelope) if isinstance(outcome, Accepted) else outcome

    heed.transport.send = busy  # type: ignore[method-assign]
    before = mails(heed)

    await press(heed, page, action="see")
    await heed.work()

    assert mails(heed) == before + 1
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert (await press(heed, page_in(heed.mail()), action="show")).status == 200


async def test_a_row_of_the_organization_that_cannot_be_read_leaves_the_page_without_a_name(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await spoil_organization(heed)

    answer = await heed.hit(page)

    assert answer.status == 200
    assert EN.intro_without_name in answer.body.decode()
