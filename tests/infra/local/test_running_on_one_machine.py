"""`make run`: what it says, what it starts, and that it all ends together."""

import base64
import json
import os
import signal
import smtplib
import sys
import time
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from azure.storage.queue import QueueServiceClient

from infra.local.run import main
from tests.infra.local.copy_of_heed import CopyOfHeed

# A start without servers: nothing listens there, and nothing needs to.
NO_SERVERS = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "HEED_SMTP_HOST": "mail.example.com",
    "HEED_QUEUES": "servicebus",
    "HEED_SERVICEBUS": "Endpoint=sb://bus.example.com;SharedAccessKeyName=send;SharedAccessKey=key",
}


@pytest.fixture(scope="module")
def heed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CopyOfHeed]:
    """A copy that tests only look at."""
    copy = CopyOfHeed(tmp_path_factory.mktemp("heed"))
    copy.wait_until_ready()
    yield copy
    copy.send(signal.SIGTERM)
    copy.end()


def test_a_folder_that_holds_no_app_is_refused_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "nowhere")])
    assert "no app's folder" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def get_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as response:
        return json.load(response)


def settings_of(copy: CopyOfHeed) -> dict[str, str]:
    settings: dict[str, str] = get_json(f"http://127.0.0.1:{copy.port}/api/settings")
    return settings


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process_id}/stat").read_text().split()[2] != "Z"


def all_gone(process_ids: list[int], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_alive(process_id) for process_id in process_ids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_it_says_where_it_is_where_the_inbox_is_and_the_key(heed: CopyOfHeed) -> None:
    assert heed.lines[-5:] == [
        f"Heed is ready: http://127.0.0.1:{heed.port}",
        f"Mail server:   smtp://127.0.0.1:{settings_of(heed)['HEED_SMTP_PORT']}",
        f"Inbox:         {heed.inbox}",
        f"Console:       http://127.0.0.1:{heed.port}/console/",
        "Admin key:     local-admin",
    ]


def test_the_app_finds_all_its_settings(heed: CopyOfHeed) -> None:
    settings = settings_of(heed)
    assert settings["HEED_BASE_URL"] == f"http://127.0.0.1:{heed.port}"
    assert settings["HEED_ADMIN_KEY"] == "local-admin"
    assert settings["HEED_TRUSTED_HOPS"] == "0"
    assert settings["HEED_MX_LOOKUP"] == "off"
    key_id, key = settings["HEED_TOKEN_KEYS"].split(":")
    assert key_id == "k1"
    assert len(base64.urlsafe_b64decode(key)) == 64


def test_a_mail_arrives_in_the_inbox(heed: CopyOfHeed) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "rep@example.com", "ada@example.com", "Grüße"
    mail.set_content("Hello")
    settings = settings_of(heed)
    with smtplib.SMTP(settings["HEED_SMTP_HOST"], int(settings["HEED_SMTP_PORT"]), timeout=60) as server:
        server.send_message(mail)
    [caught] = get_json(f"{heed.inbox}/email")
    assert caught["subject"] == "Grüße"
    with urllib.request.urlopen(f"{heed.inbox}/email/{caught['id']}/source", timeout=60) as response:
        assert b"To: ada@example.com" in response.read()


def test_the_inbox_page_needs_nothing_from_elsewhere(heed: CopyOfHeed) -> None:
    with urllib.request.urlopen(heed.inbox, timeout=60) as response:
        page = response.read().decode()
    assert "<script" in page
    assert 'src="http' not in page
    assert 'href="http' not in page


def test_a_port_in_use_is_said_in_one_line_before_anything_starts(heed: CopyOfHeed, tmp_path: Path) -> None:
    second = CopyOfHeed(tmp_path, HEED_PORT=heed.port)
    exit_code, errors = second.end()
    assert exit_code == 1
    [line] = errors.splitlines()
    assert line.startswith(f"Port {heed.port} is in use; choose another: HEED_PORT=")
    assert line.endswith(" HEED_DATA_DIR=.local-2 make run")
    assert not (tmp_path / ".local").exists()


def test_two_copies_run_side_by_side_and_ctrl_c_ends_every_child(heed: CopyOfHeed, tmp_path: Path) -> None:
    first_run = CopyOfHeed(tmp_path)
    first_run.wait_until_ready()
    settings = settings_of(first_run)
    assert settings["AzureWebJobsStorage"] != settings_of(heed)["AzureWebJobsStorage"]
    assert first_run.inbox != heed.inbox
    QueueServiceClient.from_connection_string(settings["AzureWebJobsStorage"]).create_queue("kept")
    children = list(first_run.children.values())
    assert len(children) == 2
    first_run.send(signal.SIGINT)
    exit_code, errors = first_run.end()
    assert (exit_code, errors) == (0, "")
    assert all_gone(children)

    second_run = CopyOfHeed(tmp_path)
    second_run.wait_until_ready()
    again = settings_of(second_run)
    service = QueueServiceClient.from_connection_string(again["AzureWebJobsStorage"])
    assert [queue.name for queue in service.list_queues()] == ["kept"]
    assert again["HEED_TOKEN_KEYS"] == settings["HEED_TOKEN_KEYS"]
    second_run.send(signal.SIGTERM)
    assert second_run.end()[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_the_children_go_even_when_the_host_is_killed(tmp_path: Path) -> None:
    copy = CopyOfHeed(tmp_path, HEED_QUEUES="servicebus")
    copy.wait_until_ready()
    children = list(copy.children.values())
    assert len(children) == 3
    copy.send(signal.SIGKILL)
    copy.end()
    assert all_gone(children)


def test_a_child_that_ends_is_said_and_ends_everything(tmp_path: Path) -> None:
    copy = CopyOfHeed(tmp_path)
    copy.wait_until_ready()
    children = copy.children
    os.kill(children["azurite"], signal.SIGKILL)
    exit_code, errors = copy.end()
    assert exit_code == 1
    assert "Azurite has ended" in errors
    assert all_gone(list(children.values()))


def test_a_given_storage_and_mail_server_start_no_servers(tmp_path: Path) -> None:
    copy = CopyOfHeed(tmp_path, HEED_ADMIN_KEY="mine", **NO_SERVERS)
    copy.wait_until_ready()
    assert copy.children == {}
    assert "Inbox:         none, mail goes out through mail.example.com:587" in copy.lines
    assert copy.lines[-1] == "Admin key:     mine"
    assert "QueueEndpoint=http://127.0.0.1:10001/" in settings_of(copy)["AzureWebJobsStorage"]

    second = CopyOfHeed(tmp_path, **NO_SERVERS)
    exit_code, errors = second.end()
    assert exit_code == 1
    [line] = errors.splitlines()
    assert "is in use by another Heed" in line
    assert line.endswith(f" HEED_PORT={second.port} HEED_DATA_DIR=.local-2 make run")

    copy.send(signal.SIGTERM)
    assert copy.end()[0] == 0


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"HEED_COLOUR": "red"}, "HEED_COLOUR must be green; leave it out to have it so."),
        ({"HEED_PORT": "x", "HEED_COLOUR": "green"}, "HEED_PORT must be a number from 1 to 65535, not x."),
        ({"HEED_MAIL_PICKUP": "yes"}, "HEED_MAIL_PICKUP must be on or off, not yes."),
    ],
)
def test_a_wrong_setting_stops_the_start_with_its_line(tmp_path: Path, settings: dict[str, str], line: str) -> None:
    exit_code, errors = CopyOfHeed(tmp_path, **NO_SERVERS, **settings).end()
    assert (exit_code, errors) == (1, f"{line}\n")


def test_the_environment_wins_over_the_settings_file(tmp_path: Path) -> None:
    values = {**NO_SERVERS, "HEED_ADMIN_KEY": "of the file", "HEED_COLOUR": "red"}
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    copy = CopyOfHeed(tmp_path, HEED_COLOUR="green")
    copy.wait_until_ready()
    assert copy.lines[-1] == "Admin key:     of the file"
    copy.send(signal.SIGTERM)
    assert copy.end()[0] == 0


@pytest.mark.parametrize("data_dir", ["taken", "taken/below", "/proc/heed", "/dev/null/heed"])
def test_a_data_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path, data_dir: str) -> None:
    (tmp_path / "taken").write_text("A file stands in the way.")

    exit_code, errors = CopyOfHeed(tmp_path, HEED_DATA_DIR=data_dir).end()

    [line] = errors.splitlines()
    assert exit_code == 1
    assert line.startswith(f"The data folder {tmp_path / data_dir} cannot be used (")
    assert line.endswith(" HEED_DATA_DIR=/tmp/heed make run")


@pytest.mark.parametrize("place", ["lock", "logs", "azurite", "token-keys"])
def test_a_data_folder_with_something_else_in_it_is_said_in_one_line(tmp_path: Path, place: str) -> None:
    folder = tmp_path / ".local"
    folder.mkdir()
    if place in ("lock", "token-keys"):
        (folder / place).mkdir()
    else:
        (folder / place).write_text("A file stands in the way.")

    exit_code, errors = CopyOfHeed(tmp_path).end()

    [line] = errors.splitlines()
    assert exit_code == 1
    assert line.startswith(f"The data folder {folder} cannot be used ({folder / place}")


@pytest.mark.parametrize("queues", ["storage", "servicebus"])
def test_a_machine_without_node_is_told_what_is_missing(tmp_path: Path, queues: str) -> None:
    given = {"AzureWebJobsStorage": NO_SERVERS["AzureWebJobsStorage"]} if queues == "servicebus" else {}

    exit_code, errors = CopyOfHeed(tmp_path, HEED_QUEUES=queues, PATH=str(tmp_path), **given).end()

    [line] = errors.splitlines()
    assert exit_code == 1
    assert line.startswith("Node.js is not installed")


def test_a_settings_file_that_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").mkdir()

    exit_code, errors = CopyOfHeed(tmp_path, **NO_SERVERS).end()

    assert (exit_code, errors) == (1, "local.settings.json cannot be read: Is a directory.\n")
