"""Libraries that only some installations need are imported when they are first needed."""

from __future__ import annotations

import subprocess
import sys


def test_an_installation_without_imap_mailboxes_does_not_import_the_imap_library() -> None:
    load = "import lib.services, lib.inbound.mailboxes.imap, sys; print('imapclient' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "False"
