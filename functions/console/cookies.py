"""Cookies of the console.

On https their names begin with `__Host-`: browsers then take them from this host alone, with `Secure`, for all paths.
The session goes to links and pixels of mail, too: what a person who is signed in does there is no engagement
(`lib.verdicts.rules.own_side`). Where the address of Heed is plain http, as on one machine, browsers refuse such names,
and some refuse `Secure`: there the cookies have plain names, without it.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

import azure.functions as func

from lib.services import Services
from lib.tracking.facts import SESSION as SESSION

SIGNING_IN = "heed-sign-in"
OPERATOR = "heed-operator"


def _is_secure(services: Services) -> bool:
    return services.settings.base_url.startswith("https:")


def read_cookie(services: Services, request: func.HttpRequest, name: str) -> str:
    """Return the value of a cookie; empty where the browser has none."""
    jar = SimpleCookie()
    try:
        jar.load(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    found = jar.get(_full_name(services, name))
    return found.value if found else ""


def write_cookie(services: Services, name: str, value: str, seconds: int) -> dict[str, str]:
    """Return the header that sets a cookie for so many seconds; for 0 the browser drops the cookie.

    `SameSite=Lax`: a link from a mail of ours leads to a person who is signed in already. Forms have a token.
    """
    secure = "; Secure" if _is_secure(services) else ""
    flags = f"Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return {"Set-Cookie": f"{_full_name(services, name)}={value}; {flags}"}


def _full_name(services: Services, name: str) -> str:
    return f"__Host-{name}" if _is_secure(services) else name
