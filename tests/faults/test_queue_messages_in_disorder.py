"""Queue messages come twice, late and in any order; what they lead to is the same."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.storage.memory import MemoryQueues
from tests.faults.ends import End, ends_of
from tests.faults.hosts import Host, memory_host
from tests.faults.jobs import TIMERS, Message, Tick, Visit
from tests.faults.story import pixel_of
from tests.support.mail_server import MailServer

OPENED = End("sent", received=1, cards=("email_opened",), opens=1)

Choice = st.tuples(
    st.integers(0, 99),  # which of the messages that wait
    st.sampled_from(["once", "comes again", "ticks first"]),
    st.sampled_from([0, 1, 30, 200]),  # seconds that go by before
)


@settings(max_examples=25)
@given(choices=st.lists(Choice, max_size=50))
async def test_every_mail_is_sent_and_its_open_counted_once(choices: list[tuple[int, str, int]]) -> None:
    async with MailServer() as mails, memory_host(mails.settings) as host:
        delays = (timedelta(0), timedelta(0), timedelta(minutes=5))
        messages = [await host.told_to_go(deliver_at=host.clock.now() + delay) for delay in delays]
        unopened = Unopened(mails)

        await in_disorder(host, unopened, choices)
        host.clock.move(minutes=5)
        await host.settle()
        await host.do(*unopened.visits())
        await host.settle()

        assert await ends_of(host.heed, mails, messages) == [OPENED] * len(messages)


class Unopened:
    """The mails that nobody has opened yet."""

    def __init__(self, mails: MailServer) -> None:
        self._mails = mails
        self._opened: set[str] = set()

    def visits(self) -> list[Visit]:
        """By which these are opened."""
        new = self._mails.mails.keys() - self._opened
        self._opened |= new
        return [Visit(pixel_of(self._mails.mails[each])) for each in sorted(new)]


class Waiting:
    """The queue messages: each may be handed out when its delay is over, not before."""

    def __init__(self, host: Host, queues: MemoryQueues) -> None:
        self._clock = host.clock
        self._queues = queues
        self._all: list[tuple[datetime, Message]] = []

    def everything(self) -> list[Message]:
        now = self._clock.now()
        self._all += [(now + sent.delay, Message(sent.queue, sent.body)) for sent in self._queues.waiting]
        self._queues.waiting.clear()
        return [message for _, message in self._all]

    def ready(self) -> list[Message]:
        self.everything()
        return [message for at, message in self._all if at <= self._clock.now()]

    def remove(self, done: Message) -> None:
        place = next(place for place, (_, message) in enumerate(self._all) if message is done)
        del self._all[place]


async def in_disorder(host: Host, unopened: Unopened, choices: list[tuple[int, str, int]]) -> None:
    """Messages are handed out as chosen; each mail is opened as soon as it has come."""
    assert isinstance(host.heed.storage.queues, MemoryQueues)
    waiting = Waiting(host, host.heed.storage.queues)
    for number, way, seconds in choices:
        host.clock.move(seconds=seconds)
        if way == "ticks first":
            await host.do(*(Tick(timer) for timer in TIMERS))
        if ready := waiting.ready():
            message = ready[number % len(ready)]
            await host.do(message)
            if way != "comes again":
                waiting.remove(message)
        await host.do(*unopened.visits())
        await host.heed.services.journal.settle()
    host.come_again(*waiting.everything())
