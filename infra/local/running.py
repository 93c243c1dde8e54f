"""The note of a running Heed, by which commands on the same machine find it. It lies in the data folder."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.local.files import write_private

_FILE = "running.json"


@dataclass(frozen=True, slots=True)
class RunningHeed:
    """A Heed that runs on this machine. The note holds its keys, so only its owner may read it."""

    url: str
    storage: str
    """Connection string of its storage."""
    admin_key: str
    token_keys: str


@contextlib.contextmanager
def noted(data_dir: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Keep the note for the length of the block. A process that is killed leaves it behind."""
    running = RunningHeed(
        url=environment["HEED_BASE_URL"],
        storage=environment["AzureWebJobsStorage"],
        admin_key=environment["HEED_ADMIN_KEY"],
        token_keys=environment["HEED_TOKEN_KEYS"],
    )
    write_private(data_dir / _FILE, json.dumps(asdict(running)))
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(data_dir / _FILE)


def find_running(data_dir: Path) -> RunningHeed | None:
    """Return the Heed whose note lies in the data folder; None where there is none. It may have been killed since."""
    try:
        return RunningHeed(**json.loads((data_dir / _FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
