"""Try a deployment from outside: health, a pixel, a link, both in the timeline, and one mail.

`HEED_ADMIN_KEY=… python -m infra.smoke https://mail.example.com --to ada@example.com`. The test makes an organization
and deletes it at the end. Without an address, no mail is sent. It needs nothing but Python.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_DESTINATION = "https://example.com/offer?id=7&v=2#there"
_REQUEST_SECONDS = 30.0
_USER = "smoke"


class SmokeError(Exception):
    """The deployment does not do what it must; the text says what."""


@dataclass(frozen=True, slots=True)
class Received:
    """An answer to a request; redirects are not followed."""

    status: int
    headers: Any
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Leave the redirect to the caller."""


_OPENER = urllib.request.build_opener(_NoRedirect)


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment under test."""

    base_url: str
    admin_key: str

    patience: float
    """Seconds to wait for a deployment that starts, and for what is done in the background."""

    def request(self, method: str, path: str, body: Any = None, key: str | None = None) -> Received:
        """Make a request; the path may be a whole address of ours. Raises SmokeError where nothing answers."""
        url = path if path.startswith("http") else f"{self.base_url}{path}"
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - the operator's address
        try:
            with _OPENER.open(request, timeout=_REQUEST_SECONDS) as answer:
                return Received(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Received(error.code, error.headers, error.read())
        except OSError as error:
            raise SmokeError(f"{method} {url}: no answer ({error})") from None

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """Make a request to the API; the JSON of its answer. Raises SmokeError for anything but success."""
        answer = self.request(method, path, body, key or self.admin_key)
        if not 200 <= answer.status < 300:
            raise SmokeError(f"{method} {path}: {answer.status} {answer.body[:300].decode(errors='replace')}")
        return json.loads(answer.body)

    def wait_until(self, what: str, is_so: Callable[[], bool]) -> None:
        """Ask again and again. Raises SmokeError when patience is at its end."""
        end = time.monotonic() + self.patience
        while not is_so():
            if time.monotonic() > end:
                raise SmokeError(f"{what}: not within {self.patience:.0f} s")
            time.sleep(1)


def try_deployment(deployment: Deployment, to: str | None) -> None:
    """Run all steps. Raises SmokeError."""
    deployment.wait_until("health", lambda: _is_well(deployment))
    _say("health: ok")
    organization = f"smoke{secrets.token_hex(4)}"
    api = f"/api/orgs/{organization}"
    deployment.call("PUT", api, {"name": "Smoke test"})
    try:
        key = str(deployment.call("POST", f"{api}/keys", {"scope": "full"})["key"])
        user = {"email": "smoke@example.com", "name": "Smoke Test", "opt_in": True}
        deployment.call("PUT", f"{api}/users/{_USER}", user, key)
        _try_hits(deployment, api, key)
        if to is not None:
            _try_mail(deployment, api, key, to)
    finally:
        deployment.call("DELETE", api)


def _is_well(deployment: Deployment) -> bool:
    try:
        return deployment.request("GET", "/api/health").status == 200
    except SmokeError:
        return False


def _try_hits(deployment: Deployment, api: str, key: str) -> None:
    message = _draft(deployment, api, key, "smoke@example.com")
    prepared = deployment.call("POST", f"{api}/messages/{message}/prepare", key=key)
    html = str(prepared["copies"][0]["html"])
    deployment.call("POST", f"{api}/messages/{message}/sent", {"sent_at": datetime.now(UTC).isoformat()}, key)
    _open_pixel(deployment, _address(html, "o"))
    _follow_link(deployment, _address(html, "c"))
    path = f"{api}/messages/{message}/timeline"
    wanted = {"open", "click"}
    deployment.wait_until(
        "open and click in the timeline",
        lambda: wanted <= {each["kind"] for each in deployment.call("GET", path, key=key)["items"]},
    )
    _say("timeline: has both")


def _open_pixel(deployment: Deployment, address: str) -> None:
    answer = deployment.request("GET", address)
    if answer.status != 200 or not answer.body.startswith(b"GIF89a"):
        raise SmokeError(f"the pixel answers {answer.status} with {len(answer.body)} bytes, not with an image")
    _say("pixel: ok")


def _follow_link(deployment: Deployment, address: str) -> None:
    answer = deployment.request("GET", address)
    if answer.status != 302 or answer.headers.get("Location") != _DESTINATION:
        raise SmokeError(f"the link answers {answer.status} and leads to {answer.headers.get('Location')}")
    _say("link: leads to its original address")


def _try_mail(deployment: Deployment, api: str, key: str, to: str) -> None:
    message = _draft(deployment, api, key, to)
    deployment.call("POST", f"{api}/messages/{message}/send", key=key)
    path = f"{api}/messages/{message}"
    status = "queued"

    def has_ended() -> bool:
        nonlocal status
        status = deployment.call("GET", path, key=key)["status"]
        return status in ("sent", "failed", "uncertain")

    deployment.wait_until("the mail", has_ended)
    if status != "sent":
        raise SmokeError(f"the mail is {status}")
    _say("mail: sent")


def _draft(deployment: Deployment, api: str, key: str, to: str) -> str:
    escaped = _DESTINATION.replace("&", "&amp;")
    mail = {
        "from": _USER,
        "to": [{"email": to}],
        "subject": "Smoke test of Heed",
        "html": f'<p>This mail tries a deployment. <a href="{escaped}">A link</a></p>',
    }
    return str(deployment.call("POST", f"{api}/messages", mail, key)["id"])


def _address(html: str, kind: str) -> str:
    found = re.search(rf'https?://[^"\s]+/{kind}/[A-Za-z0-9_.-]+', html)
    if found is None:
        raise SmokeError(f"the prepared mail has no address /{kind}/…")
    return found[0]


def _say(line: str) -> None:
    print(line, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, 1 with a line that says what is wrong, or 2 without the administrator's key."""
    parser = argparse.ArgumentParser(prog="python -m infra.smoke", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("base_url", help="public address of the deployment")
    parser.add_argument("--to", help="address that one mail is sent to")
    parser.add_argument("--patience", type=float, default=300, help="seconds to wait for each step")
    options = parser.parse_args(arguments)
    admin_key = os.environ.get("HEED_ADMIN_KEY")
    if not admin_key:
        print("HEED_ADMIN_KEY is missing: set it to the administrator's key", file=sys.stderr)
        return 2
    try:
        try_deployment(Deployment(options.base_url.rstrip("/"), admin_key, options.patience), options.to)
    except SmokeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
