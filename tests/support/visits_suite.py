"""What the store of visits promises, over every implementation of storage. A test class says which storage it is."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib.assessment.visit_rows import PARTITIONS
from lib.assessment.visits import MOST_ROWS, Visits
from lib.catalogues.registry import load_catalogues
from lib.clock import SetClock, milliseconds
from lib.mime.limits import MOST_RECIPIENTS
from lib.organizations.registry import Organizations, OrganizationSpec
from lib.people.address_hashes import AddressHashes, short_hash
from lib.stops.organization_stops import NOTHING_STOPPED, AddressTimes, OrganizationStops
from lib.storage import Delete, Row, Storage, Tables, Unavailable, Upsert
from lib.storage.layout import EVIDENCE, table
from lib.storage.protocols import EVERYTHING
from lib.tracking.facts import Fact
from lib.verdicts.memory import Memory, SourceKey, Visit
from tests.support.counting import Calls, counting_storage
from tests.support.failing import Failure, failing_storage
from tests.support.heed import CHROME, GMAIL, START

CATALOGUES = load_catalogues()
AT = milliseconds(START)
SENDER = "rita@acme.example"
ADA, BOB, CLEO = "ada@one.example", "bob@one.example", "cleo@two.example"
HOME = "81.2.69.0/24"
GOOGLE = "66.249.84.0/24"


def hit(number: int = 0, network: str | None = HOME, agent: str | None = CHROME, **fields: Any) -> Fact:
    at = AT + number * 1_000
    shape = Fact(f"{at:013d}-{number:012x}", "0" * 32, "open", at, "GET", 0, agent=agent, network=network)
    return replace(shape, **fields)


@dataclass
class Office:
    """An organization and its visits. Tables fail as `failure` is armed, and their calls are counted."""

    storage: Storage
    organization: str = field(default_factory=lambda: f"v{uuid.uuid4().hex[:12]}")
    clock: SetClock = field(default_factory=lambda: SetClock(START + timedelta(hours=1)))
    calls: Calls = field(default_factory=Calls)
    failure: Failure = field(default_factory=Failure)
    visits: Visits = field(init=False)

    def __post_init__(self) -> None:
        counted = failing_storage(counting_storage(self.storage, self.calls, self.organization), self.failure)
        hashes = AddressHashes(self.storage, self.clock)
        self.visits = Visits(counted.tables, hashes, CATALOGUES, self.clock)

    @property
    def tables(self) -> Tables:
        return self.storage.tables

    @property
    def table(self) -> str:
        return table(self.organization, EVIDENCE)

    async def open(self) -> Office:
        spec = OrganizationSpec(name="Acme")
        await Organizations(self.storage, self.clock).save_organization(self.organization, spec, None)
        return self

    async def recall(
        self,
        message: str,
        emails: Sequence[str] = (ADA,),
        facts: Iterable[Fact] = (),
        sender: str = SENDER,
        stops: OrganizationStops = NOTHING_STOPPED,
    ) -> Memory:
        there = list(facts) or [hit()]
        return await self.visits.recall(self.organization, message, sender, emails, there, stops)

    async def save(
        self, message: str, emails: Sequence[str] = (ADA,), facts: Iterable[Fact] = (), **fields: Any
    ) -> list[Visit]:
        """Remember one visit of each source of these facts, as the judge finds them."""
        there = list(facts) or [hit()]
        memory = await self.recall(message, emails, there)
        first: dict[SourceKey, Fact] = {}
        for each in there:
            if each.key in memory.keys:
                first.setdefault(memory.keys[each.key], each)
        shape = {"since": 60_000, "opens": 1, "targets": 0, "links": 3, "odds": 0.5, "sure": "", **fields}
        found = [Visit(key, message, memory.sender, **{"first": each.at, **shape}) for key, each in first.items()]
        await self.visits.save_visits(self.organization, memory, found)
        return found

    async def rows(self) -> list[Row]:
        return [row async for row in self.tables.query(self.table, EVERYTHING)]

    async def sweep(self, until: int = 0, **fields: Any) -> int:
        """Let the sweep look at every partition; the number of rows that it deleted."""
        return sum(
            [await self.visits.delete_old(self.organization, partition, until, **fields) for partition in PARTITIONS]
        )

    async def hash_of(self, email: str) -> str:
        return short_hash(await AddressHashes(self.storage, self.clock).hash_address(self.organization, email))


def all_of(memory: Memory) -> list[Visit]:
    """All visits that are recalled from other mails, each once."""
    found = [each for some in (*memory.kin.values(), *memory.at_company.values()) for each in some]
    return sorted(set(found), key=lambda visit: (visit.message, visit.key.person))


class VisitsSuite:
    @pytest.fixture
    async def office(self, storage: Storage) -> Office:
        return await Office(storage).open()

    async def test_a_visit_is_recalled_at_the_next_mail_to_the_recipient_as_it_was_saved(self, office: Office) -> None:
        [visit] = await office.save("a1", sure="person", odds=-2.5, targets=2)

        memory = await office.recall("b2")

        assert all_of(memory) == [visit]
        assert (visit.sender, list(memory.keys.values())) == (memory.sender, [visit.key])

    async def test_a_source_is_known_again_at_a_mail_to_another_company(self, office: Office) -> None:
        [visit] = await office.save("a1")

        memory = await office.recall("b2", [CLEO])

        [key] = memory.keys.values()
        assert memory.kin == {(key.area, key.agent): [visit]}
        assert memory.at_company == {key.company: []}
        assert (key.place, key.agent) == (visit.key.place, visit.key.agent)

    @pytest.mark.parametrize("other", [hit(network="89.160.20.0/24"), hit(agent="curl/8.5")])
    async def test_another_source_at_another_company_knows_nothing_of_it(self, office: Office, other: Fact) -> None:
        [visit] = await office.save("a1")

        [key] = (await office.recall("b2", [CLEO], [other])).keys.values()

        assert (key.place, key.agent) != (visit.key.place, visit.key.agent)

    async def test_networks_of_which_no_owner_is_known_are_kin_to_their_neighborhood(self, office: Office) -> None:
        near, far = hit(network="198.18.9.0/24"), hit(network="198.19.1.0/24")
        await office.save("a1", facts=[hit(network="198.18.1.0/24")])
        await office.save("a2", facts=[hit(network="2001:db8:1::/48")])

        def known(memory: Memory) -> set[str]:
            return {each.message for some in memory.kin.values() for each in some}

        assert known(await office.recall("a3", [CLEO], [near])) == {"a1"}
        assert known(await office.recall("a4", [CLEO], [far])) == set()
        assert known(await office.recall("a5", [CLEO], [hit(network="2001:db8:2::/48")])) == {"a2"}

    async def test_a_message_does_not_recall_itself(self, office: Office) -> None:
        [visit] = await office.save("a1")

        memory = await office.recall("a1")

        assert all_of(memory) == []
        assert memory.own == {visit.key: visit}

    async def test_the_same_judgement_writes_nothing_new(self, office: Office) -> None:
        facts = [hit(), hit(1, agent=GMAIL, network=GOOGLE), hit(2, network=None)]
        await office.save("a1", facts=facts, since=-700)
        before = await office.rows()
        office.calls.reset()

        await office.save("a1", facts=facts, since=-700)

        assert office.calls.writes == {}
        assert await office.rows() == before

    async def test_another_judgement_takes_the_place_of_the_one_before(self, office: Office) -> None:
        await office.save("a1", odds=0.5)
        [visit] = await office.save("a1", odds=-7.0, sure="machine")

        assert all_of(await office.recall("b2")) == [visit]
        assert len(await office.rows()) == 2

    async def test_what_many_people_share_is_no_source_but_a_recipients_place(self, office: Office) -> None:
        [visit] = await office.save("a1", facts=[hit(agent=GMAIL, network=GOOGLE)])

        again = await office.recall("b2", facts=[hit(agent=GMAIL, network=GOOGLE)])
        elsewhere = await office.recall("b2", [CLEO], [hit(agent=GMAIL, network=GOOGLE)])

        assert visit.key.is_shared
        assert (all_of(again), all_of(elsewhere)) == ([visit], [])
        assert len(await office.rows()) == 1

    async def test_no_address_domain_network_or_agent_can_be_read_in_any_row(self, office: Office) -> None:
        facts = [hit(), hit(1, agent=GMAIL, network=GOOGLE), hit(2, network="89.160.20.0/24", agent="curl/8.5")]
        await office.save("a1", facts=facts)

        rows = await office.rows()

        text = " ".join(f"{row.partition} {row.key} {dict(row.values)}" for row in rows).lower()
        assert len(rows) == 5
        for word in ("ada@", "one.example", "rita", "acme", "81.2", "69.0", "66.249", "89.160", "mozilla", "curl"):
            assert word not in text, word

    async def test_without_the_organizations_secret_the_same_visits_have_other_hashes(
        self, office: Office, storage: Storage
    ) -> None:
        other = await Office(storage).open()
        await office.save("a1")
        await other.save("a1")

        hashes = [{each for row in await one.rows() for each in row.key.split("|")} for one in (office, other)]

        assert hashes[0] & hashes[1] == {"a1"}
        assert len(all_of(await other.recall("b2"))) == 1
        assert all_of(await other.recall("b2")) != all_of(await office.recall("b2"))

    async def test_two_organizations_never_see_each_others_visits(self, office: Office, storage: Storage) -> None:
        other = await Office(storage).open()
        await office.save("a1")

        assert all_of(await other.recall("b2")) == []

    async def test_copied_rows_tell_another_organization_nothing(self, office: Office, storage: Storage) -> None:
        other = await Office(storage).open()
        await office.save("a1", sure="person")
        for row in await office.rows():
            await other.tables.write_rows(other.table, [Upsert(row)])

        assert all_of(await other.recall("b2")) == all_of(await other.recall("b2", [CLEO])) == []

    # Time

    async def test_visits_are_not_read_after_90_days_and_the_sweep_deletes_them(self, office: Office) -> None:
        await office.save("a1")
        office.clock.move(days=89, hours=22)
        assert all_of(await office.recall("b2"))

        office.clock.move(hours=3)

        assert all_of(await office.recall("b2")) == []
        assert await office.sweep(AT) == 2
        assert await office.rows() == []

    async def test_what_is_older_than_that_is_not_written_again(self, office: Office) -> None:
        office.clock.move(days=91)

        await office.save("a1")

        assert await office.rows() == []

    async def test_the_sweep_leaves_later_visits(self, office: Office) -> None:
        await office.save("a1")
        [later] = await office.save("b2", facts=[hit(5)])

        await office.sweep(AT + 4_000)

        assert all_of(await office.recall("c3")) == [later]

    async def test_in_the_year_9999_nothing_is_recalled_and_nothing_fails(self, office: Office) -> None:
        await office.save("a1")
        office.clock.move(days=(datetime(9999, 12, 30, tzinfo=UTC) - START).days)

        assert all_of(await office.recall("b2")) == []
        assert await office.sweep(AT - 1) == 0
        assert len(await office.rows()) == 2

    async def test_a_clock_that_goes_far_back_recalls_and_keeps_visits(self, office: Office) -> None:
        [visit] = await office.save("a1")
        office.clock.move(days=-20_000)

        assert all_of(await office.recall("b2")) == [visit]
        assert await office.sweep(-1) == 0

    # Bounds

    async def test_a_company_with_more_visits_than_are_read_still_knows_its_recipients_places(
        self, office: Office
    ) -> None:
        """Whatever the hash of the recipient's address is."""
        [mine] = await office.save("a1", sure="person")
        await self._fill(office, mine, lambda number: mine.key._replace(person=f"{number:016x}", area="0" * 12))
        people = await office.recall("b2", facts=[hit(agent="another/1.0")])

        assert mine in people.at_company[mine.key.company]
        assert len(people.at_company[mine.key.company]) <= 2 * MOST_ROWS

    async def test_a_place_that_was_at_very_many_mails_gets_no_more_visits(self, office: Office) -> None:
        [mine] = await office.save("a1")
        await self._fill(office, mine, lambda number: mine.key._replace(person=f"{number:016x}", company="f" * 12))
        before = [row for row in await office.rows() if row.partition.startswith("k")]

        memory = await office.recall("b2", [CLEO])
        [theirs] = await office.save("b2", [CLEO])

        rows = await office.rows()
        assert len(next(iter(memory.kin.values()))) == MOST_ROWS
        assert [row for row in rows if row.partition.startswith("k")] == before
        assert all_of(await office.recall("c3", [CLEO], [hit(agent="other/1.0")])) == [theirs]

    @staticmethod
    async def _fill(office: Office, like: Visit, key_of: Any) -> None:
        """Remember as many visits as are read at once, with the keys that `key_of` gives a number."""
        visits = [like._replace(key=key_of(number), message=f"f{number}") for number in range(MOST_ROWS)]
        for start in range(0, MOST_ROWS, 50):
            await office.visits.save_visits(office.organization, Memory(), visits[start : start + 50])

    async def test_the_largest_mail_to_as_many_companies_costs_a_bounded_number_of_reads(self, office: Office) -> None:
        emails = [f"p{number}@c{number}.example" for number in range(MOST_RECIPIENTS)]
        facts = [
            hit(number, network=f"81.{number // 250}.{number % 250}.0/24", recipient=number)
            for number in range(MOST_RECIPIENTS)
        ]

        await office.save("a1", emails, facts)

        assert office.calls.reads["evidence"] <= 60
        assert len(await office.rows()) <= 200
        memory = await office.recall("a1", emails, reversed(facts))
        assert list(memory.keys) == [fact.key for fact in facts[: len(memory.keys)]]
        assert len(memory.keys) == 20

    async def test_the_largest_mail_to_one_company_costs_a_bounded_number_of_reads(self, office: Office) -> None:
        [mine] = await office.save("a1")
        await self._fill(office, mine, lambda number: mine.key._replace(person=f"{number:016x}"))
        emails = [f"p{number}@one.example" for number in range(MOST_RECIPIENTS)]
        office.calls.reset()

        await office.recall("b2", emails, [hit(number, recipient=number) for number in range(MOST_RECIPIENTS)])

        assert office.calls.reads["evidence"] <= 60

    async def test_thousands_of_sources_at_one_mail_leave_few_rows(self, office: Office) -> None:
        """However they come: all at once, or in windows of which the earlier ones are no longer read."""
        facts = [hit(n, f"81.{n // 250}.{n % 250}.0/24", f"agent/{'x' * n}"[:400], recipient=0) for n in range(2_000)]

        for start in range(0, len(facts), 100):
            await office.save("a1", facts=facts[start : start + 100])

        assert len(await office.rows()) <= 2 * 100 + 2 * 20

    # Odd facts and rows

    async def test_facts_that_tell_no_recipient_are_remembered_of_a_mail_to_one_alone(self, office: Office) -> None:
        unnamed = hit(1, recipient=None)

        assert list((await office.recall("a1", [ADA], [unnamed])).keys) == [unnamed.key]
        assert (await office.recall("a1", [ADA, BOB], [unnamed])).keys == {}
        assert list((await office.recall("a1", [ADA, BOB], [hit(), unnamed])).keys) == [hit().key]

    @pytest.mark.parametrize("number", [-1, 1, 70_000])
    async def test_facts_of_recipients_that_the_mail_does_not_have_are_passed_over(
        self, office: Office, number: int
    ) -> None:
        forged = hit(1, recipient=number)

        assert list((await office.recall("a1", [ADA], [hit(), forged])).keys) == [hit().key]
        assert (await office.recall("a1", [], [forged])).keys == {}

    @pytest.mark.parametrize(
        "values",
        [
            {},
            {"at": "soon"},
            {"since": "x"},
            {"odds": "nan"},
            {"sure": "god"},
            {"sure": 7},
            {"opens": "many"},
            {"sender": 5},
            {"v": 2},
        ],
        ids=str,
    )
    async def test_a_row_that_cannot_be_read_is_passed_over_with_a_log_line(
        self, office: Office, values: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        [visit] = await office.save("a1")
        await office.save("b2")
        for row in await office.rows():
            if row.key.endswith("b2"):
                changed = {**row.values, **values} if values else {"v": 1}
                await office.tables.write_rows(office.table, [Upsert(Row(row.partition, row.key, changed))])

        with caplog.at_level(logging.ERROR):
            memory = await office.recall("c3")

        assert all_of(memory) == [visit]
        assert "1 rows of evidence cannot be read" in caplog.text
        assert await office.sweep(-1) == 2

    @pytest.mark.parametrize(
        "shape", ["{company}|", "{company}|x|y", "{company}|{person}|a|b|c|d|e|f", "{company}|G|a|b|c|d|e"]
    )
    async def test_a_row_whose_key_is_none_of_a_visit_is_passed_over(self, office: Office, shape: str) -> None:
        [visit] = await office.save("a1")
        key = shape.format(company=visit.key.company, person=visit.key.person)
        values = (await office.rows())[0].values
        await office.tables.write_rows(office.table, [Upsert(Row(f"c{key[0]}", key, values))])

        assert all_of(await office.recall("b2")) == [visit]
        assert await office.visits.forget_address(office.organization, ADA) >= 1
        assert await office.sweep(-1) in (0, 1)

    # Forgetting

    async def test_an_address_is_forgotten_whole_and_others_stay(self, office: Office) -> None:
        facts = [hit(), hit(1, agent=GMAIL, network=GOOGLE)]
        await office.save("a1", facts=facts)
        await office.save("b2", facts=facts)
        [theirs] = await office.save("a1", [BOB])

        assert await office.visits.forget_address(office.organization, f" {ADA.upper()} ".strip()) == 4
        assert await office.visits.forget_address(office.organization, ADA) == 0

        person = await office.hash_of(ADA)
        assert [row.key for row in await office.rows() if person in row.key] == []
        assert all_of(await office.recall("c3", [CLEO])) == [theirs]

    async def test_of_one_message_only_its_visits_are_forgotten(self, office: Office) -> None:
        await office.save("a1")
        [other] = await office.save("b2")

        assert await office.visits.forget_address(office.organization, ADA, "a1") == 1

        assert all_of(await office.recall("c3")) == [other]

    async def test_a_visit_that_is_no_more_found_is_deleted_where_all_were_looked_at(self, office: Office) -> None:
        facts = [hit(), hit(1, network="89.160.20.0/24")]
        first, second = await office.save("a1", facts=facts)
        memory = await office.recall("a1", facts=facts[:1])

        await office.visits.save_visits(office.organization, memory, [first])
        assert len(all_of(await office.recall("b2"))) == 2
        await office.visits.save_visits(office.organization, memory, [first], is_whole=True)

        assert all_of(await office.recall("b2")) == [first]
        assert len(await office.rows()) == 2
        assert second not in all_of(await office.recall("b2", [CLEO], facts))

    async def test_what_is_known_of_hits_that_are_no_longer_judged_stays(self, office: Office) -> None:
        await office.save("a1", sure="machine", odds=-8.0, opens=3)
        await office.save("a1", facts=[hit(9)], odds=1.0)

        [visit] = all_of(await office.recall("b2"))
        assert (visit.first, visit.sure, visit.odds, visit.opens) == (AT, "machine", -8.0, 3)

    async def test_of_recipients_who_are_stopped_nothing_is_known_and_the_sweep_deletes_what_was(
        self, office: Office
    ) -> None:
        await office.save("a1")
        [theirs] = await office.save("a1", [BOB])
        stops = OrganizationStops(stopped=AddressTimes({await office.hash_of(ADA): AT}))

        assert (await office.recall("b2", stops=stops)).keys == {}
        assert all_of(await office.recall("b2", [BOB], stops=stops)) == [theirs]
        assert all_of(await office.recall("b2", [CLEO], stops=stops)) == [theirs]
        assert await office.sweep(-1, stops=stops) == 2
        assert all_of(await office.recall("b2")) == [theirs]

    async def test_visits_of_before_an_erasure_that_come_back_tell_nothing_and_go(self, office: Office) -> None:
        """As after the restoring of a backup."""
        await office.save("a1")
        [later] = await office.save("b2", facts=[hit(9)])
        stops = OrganizationStops(erased=AddressTimes({await office.hash_of(ADA): AT + 5_000}))

        assert all_of(await office.recall("c3", [CLEO], stops=stops)) == [later]
        assert all_of(await office.recall("c3", stops=stops)) == [later]
        assert await office.sweep(-1, stops=stops) == 2

    # Faults

    async def test_a_write_that_fails_is_made_good_by_the_next(self, office: Office) -> None:
        """Each of the writes may be the one that fails, before it was done or after it."""
        for number in (1, 2):
            for when in ("before", "after"):
                message = f"{number}{'ab'[when == 'after']}"
                memory = await office.recall(message)
                visit = Visit(next(iter(memory.keys.values())), message, memory.sender, AT, 5, 1, 0, 3, 0.5)
                office.failure.arm(number, "before" if when == "before" else "after")
                with pytest.raises(Unavailable):
                    await office.visits.save_visits(office.organization, memory, [visit])
                office.failure.arm(0, "before")

                await office.visits.save_visits(office.organization, await office.recall(message), [visit])

                assert len([row for row in await office.rows() if row.key.endswith(f"|{message}")]) == 2

    async def test_a_visit_of_which_only_half_is_written_can_still_be_forgotten(self, office: Office) -> None:
        """What stands by company has its row by place: the other way round, an erasure's scan finds it."""
        memory = await office.recall("a1")
        visit = Visit(next(iter(memory.keys.values())), "a1", memory.sender, AT, 5, 1, 0, 3, 0.5)
        office.failure.arm(2, "before")
        with pytest.raises(Unavailable):
            await office.visits.save_visits(office.organization, memory, [visit])

        assert [row.partition[0] for row in await office.rows()] == ["k"]

    async def test_forgetting_that_fails_anywhere_is_made_good_by_the_next(self, office: Office) -> None:
        for number in (2, 3):
            await office.save("a1")
            office.failure.arm(number, "before")
            with pytest.raises(Unavailable):
                await office.visits.forget_address(office.organization, ADA)
            office.failure.arm(0, "before")

            await office.visits.forget_address(office.organization, ADA)

            assert await office.rows() == []

    async def test_an_organization_that_is_older_than_the_table_gets_it(self, office: Office) -> None:
        await office.tables.drop(office.table)
        assert all_of(await office.recall("a1")) == []
        assert await office.visits.forget_address(office.organization, ADA) == 0
        assert await office.sweep(AT) == 0

        [visit] = await office.save("a1")

        assert all_of(await office.recall("b2")) == [visit]

    async def test_an_organization_that_is_gone_gets_no_table(self, office: Office, storage: Storage) -> None:
        memory = await office.recall("a1")
        visit = Visit(next(iter(memory.keys.values())), "a1", memory.sender, AT, 5, 1, 0, 3, 0.5)
        await Organizations(storage, office.clock).delete_organization(office.organization)

        await office.visits.save_visits(office.organization, memory, [visit])

        assert await office.rows() == []

    async def test_rows_that_another_process_has_deleted_are_no_fault(self, office: Office) -> None:
        [visit] = await office.save("a1")
        for row in await office.rows():
            if row.partition.startswith("k"):
                await office.tables.write_rows(office.table, [Delete(row.partition, row.key)])

        assert await office.visits.forget_address(office.organization, ADA) == 1
        assert await office.rows() == []
        assert visit.message == "a1"
