"""`local.settings.json`, the file that Core Tools reads too."""

from pathlib import Path

import pytest

from infra.local.errors import StartError
from infra.local.settings import expand_development_storage, fill_in_settings, read_settings_file


def written(folder: Path, text: str) -> Path:
    path = folder / "local.settings.json"
    path.write_text(text)
    return path


def test_no_file_means_no_values(tmp_path: Path) -> None:
    assert read_settings_file(tmp_path / "local.settings.json") == {}


def test_values_are_read_as_texts(tmp_path: Path) -> None:
    path = written(tmp_path, '{"IsEncrypted": false, "Values": {"A": "x", "B": 7, "C": true}}')
    assert read_settings_file(path) == {"A": "x", "B": "7", "C": "true"}


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, '{"IsEncrypted": true, "Values": {"A": "CfDJ8"}}')
    with pytest.raises(StartError, match="is encrypted; decrypt it with: func settings decrypt"):
        read_settings_file(path)


@pytest.mark.parametrize("text", ["{", "[]", '{"Values": []}', '{"Values": {"A": {"b": 1}}}'])
def test_a_file_that_is_not_of_the_form_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(StartError, match=r"local\.settings\.json"):
        read_settings_file(written(tmp_path, text))


def test_percent_signs_name_a_setting() -> None:
    assert fill_in_settings("0 %MINUTES% * * * *", {"MINUTES": "*/5"}, "sweep") == "0 */5 * * * *"


def test_a_name_that_is_not_set_is_said_with_its_function() -> None:
    with pytest.raises(StartError, match="Function sweep needs the setting MINUTES, which is not set"):
        fill_in_settings("%MINUTES%", {}, "sweep")


def test_the_short_form_for_a_running_azurite_is_spelled_out() -> None:
    expanded = expand_development_storage("UseDevelopmentStorage=true;")
    assert "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;" in expanded
    assert expand_development_storage("AccountName=other") == "AccountName=other"
