"""Settings in forms: what was typed is what is saved, and nothing is lost on the way."""

from __future__ import annotations

from lib.console.setting_fields import SettingField, differences, digest_of_values, patch_with
from lib.console.setting_pages import PAGES, warnings_of
from lib.organizations.settings import OrganizationSettings

SETTINGS = OrganizationSettings().model_dump(mode="json")
ORGANIZATION = {"name": "Acme", "settings": SETTINGS}
NOT_IN_FORMS = {"engagement_enabled", "sign_in"}
"""One has a switch, the other is set by the API."""


class Sent:
    """A form as it was sent."""

    def __init__(self, **fields: list[str]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        return (self._fields.get(name) or [""])[0]

    def texts(self, name: str) -> list[str]:
        return self._fields.get(name) or []

    def is_checked(self, name: str) -> bool:
        return name in self._fields


def test_every_setting_stands_on_one_page_with_all_of_its_parts() -> None:
    paths = [field.path for page in PAGES.values() for field in page.fields if field.path != "name"]
    assert len(paths) == len(set(paths))
    parts = {
        f"{name}.{part}" if isinstance(value, dict) else name
        for name, value in SETTINGS.items()
        for part in (value if isinstance(value, dict) else [""])
    }
    assert set(paths) == parts - NOT_IN_FORMS
    for name in {path.partition(".")[0] for path in paths}:
        assert sum(any(field.path.partition(".")[0] == name for field in page.fields) for page in PAGES.values()) == 1


def test_numbers_lines_and_days_are_read_as_they_are_meant() -> None:
    def read(kind: str, *texts: str, empty: str = "") -> object:
        return SettingField("x", "X", kind, empty=empty).read(Sent(x=list(texts)))  # type: ignore[arg-type]

    assert [read("number", text) for text in ("3", "0.5", "", "many")] == [3, 0.5, None, "many"]
    assert read("lines", " a.example \r\n\r\nb.example") == ["a.example", "b.example"]
    assert (read("days", "1", "5"), SettingField("y", "Y", "days").read(Sent())) == ([1, 5], None)
    assert (read("text", ""), read("text", "", empty="none")) == ("", None)


def test_a_patch_nests_settings_and_names_the_organization_beside_them() -> None:
    assert patch_with({"name": "A", "score.open": 2, "score.click": 3, "raw_days": 9}) == {
        "name": "A",
        "settings": {"score": {"open": 2, "click": 3}, "raw_days": 9},
    }


def test_differences_are_told_in_words() -> None:
    page = PAGES["hours"]
    there = page.values(ORGANIZATION)
    typed = {**there, "work_hours.days": [1, 3]}
    [only] = differences(page.fields, there, typed)
    assert (only.label, only.theirs, only.yours) == (
        "Work days",
        "those of the recipient’s country",
        "Monday, Wednesday",
    )
    assert digest_of_values(there) != digest_of_values(typed)
    assert digest_of_values(there) == digest_of_values(page.values(ORGANIZATION))


def test_only_what_cannot_be_undone_is_warned_of() -> None:
    before = PAGES["privacy"].values(ORGANIZATION)
    assert warnings_of(before, {**before, "retention_days": 500, "lawful_basis": "contract"}) == []
    [warning] = warnings_of(before, {**before, "keep_days.cards": 30})
    assert warning.startswith("Cards: what is older than 30 days")
    rules = PAGES["organization"].values(ORGANIZATION)
    assert warnings_of(rules, {**rules, "people_see": "own_mail"}) == []
    assert len(warnings_of(rules, {**rules, "tracking": "aggregate", "require_opt_in": False})) == 2
