"""What the server has loaded that worker processes are forked from: so a worker is there within some milliseconds."""

from __future__ import annotations

from unittest.mock import patch

from lib.storage.memory import memory_storage
from tests.faults import worker  # noqa: F401
from tests.faults.jobs import HostedHeed

# On a busy machine a commit may take its time: a hit that only the log has is another test's business.
patch("lib.tracking.journal.COMMIT_LIMIT", 30.0).start()

HostedHeed(storage=memory_storage())
