"""Who a recipient is: the rules, in their order."""

from __future__ import annotations

import pytest

from lib.fields import RecordRef
from lib.people.families import Families
from lib.people.matching import Circumstances, match_address
from lib.people.records import StoredRecord, name_of, record_of


def record(name: str, parent: str | None = None, owner: str | None = None) -> StoredRecord:
    """A record with the address; names are `type|id`."""
    ref = record_of(name)
    return StoredRecord(type=ref.type, id=ref.id, owner=owner, parent=record_of(parent) if parent else None)


C1, C2 = record("contact|c1"), record("contact|c2")
A1, A2 = record("account|a1"), record("account|a2")
L1, L2 = record("lead|l1"), record("lead|l2")
OF_A1, OF_A2 = record("contact|c1", "account|a1"), record("contact|c2", "account|a2")
MINE, THEIRS = record("contact|mine", owner="rep1"), record("contact|theirs", owner="rep2")
OPPORTUNITY = "opportunity|o1"


@pytest.mark.parametrize(
    ("found", "regarding", "expected"),
    [
        ([], None, "none"),
        ([C1], None, "contact|c1"),
        ([record("case|x1")], None, "case|x1"),
        ([C1, A1, L1], None, "contact|c1"),
        ([A1, L1], None, "account|a1"),
        ([L1, record("case|x1")], None, "lead|l1"),
        ([C1, C2], None, "contact|c1 contact|c2"),
        ([C1, C2, A1], None, "contact|c1 contact|c2 account|a1"),
        ([A1, A2, L1], None, "account|a1 account|a2 lead|l1"),
        ([L1, L2], None, "lead|l1 lead|l2"),
        ([record("case|x1"), record("case|x2")], None, "case|x1 case|x2"),
        # The one that the mail is regarding, or one tied to it by parent.
        ([C1, C2], "contact|c2", "contact|c2"),
        ([C1, A1, L1], "lead|l1", "lead|l1"),
        ([OF_A1, OF_A2], "account|a2", "contact|c2"),
        ([C1, A1], record(OPPORTUNITY, "account|a1"), "account|a1"),
        ([OF_A1, OF_A2], record(OPPORTUNITY, "account|a2"), "contact|c2"),
        ([record("contact|c1", "account|a1"), C2], record(OPPORTUNITY, "contact|c1"), "contact|c1"),
        # Several that are tied to it hand on to the next rules.
        ([OF_A1, record("contact|c3", "account|a1"), L1], "account|a1", "contact|c1 contact|c3"),
        ([OF_A1, A1, L1], "account|a1", "contact|c1"),
        ([OF_A1, record("contact|c3", "account|a1", "rep1"), L1], "account|a1", "contact|c3"),
        ([C1, C2], "opportunity|unknown", "contact|c1 contact|c2"),
        # The one that the sender owns.
        ([MINE, THEIRS, C1], None, "contact|mine"),
        ([THEIRS, record("lead|mine", owner="rep1")], None, "lead|mine"),
        ([MINE, record("account|mine", owner="rep1"), THEIRS], None, "contact|mine"),
        ([MINE, record("contact|also", owner="rep1"), THEIRS], None, "contact|mine contact|also"),
        ([MINE, OF_A1], "account|a1", "contact|c1"),
    ],
)
def test_the_first_rule_that_leaves_one_record_decides(
    found: list[StoredRecord], regarding: str | StoredRecord | None, expected: str
) -> None:
    about: RecordRef | None = None
    records: dict[str, StoredRecord | None] = {"account|a1": A1, "account|a2": A2}
    records |= {name_of(each): each for each in found}
    if isinstance(regarding, StoredRecord):
        about = regarding.ref()
        records[name_of(regarding)] = regarding
    elif regarding:
        about = record_of(regarding)

    match = match_address(found, False, Circumstances("rep1", about, Families(records)))

    shown = [name_of(each) for each in match.candidates] or [name_of(match.record) if match.record else "none"]
    assert " ".join(shown) == expected
    assert match.resolved_by == ("none" if not found else "ambiguous" if match.candidates else "address")


def test_an_address_of_more_records_than_were_read_belongs_to_none() -> None:
    match = match_address([C1], True, Circumstances("rep1", None, Families({})))

    assert (match.resolved_by, match.record) == ("ambiguous", None)


def test_parents_in_a_circle_come_to_an_end() -> None:
    first, second = record("contact|c1", "account|a1"), record("account|a1", "contact|c1")
    families = Families({"contact|c1": first, "account|a1": second})

    assert families.parents_above("contact|c1") == ["account|a1", "contact|c1"] * 4
    match = match_address([first, second], False, Circumstances("rep1", record_of("contact|c1"), families))
    assert match.record == first.ref()
