"""Access keys for functions whose auth level is not anonymous, kept in the data folder of this machine."""

import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from infra.local.files import write_private


@dataclass(frozen=True, slots=True)
class HostKeys:
    """The master key opens every function; the function key opens those of auth level `function`."""

    master: str
    function: str

    def allow(self, auth_level: str, given: str) -> bool:
        """Whether the given key opens a function of that level (`anonymous`, `function` or `admin`)."""
        if auth_level == "anonymous":
            return True
        accepted = [self.master] if auth_level == "admin" else [self.master, self.function]
        return any(hmac.compare_digest(given.encode(), key.encode()) for key in accepted)


def load_host_keys(path: Path, master: str | None = None) -> HostKeys:
    """Read the keys of this machine, and make them the first time. A given master key wins over the file."""
    if path.exists():
        stored = json.loads(path.read_text(encoding="utf-8"))
    else:
        stored = {"master": secrets.token_urlsafe(32), "function": secrets.token_urlsafe(32)}
        write_private(path, json.dumps(stored, indent=2) + "\n")
    return HostKeys(master or stored["master"], stored["function"])
