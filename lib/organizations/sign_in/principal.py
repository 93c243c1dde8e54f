"""The person whom the platform's own sign-in names: App Service's header `X-MS-CLIENT-PRINCIPAL`.

With that sign-in on, the platform checks the person's token and takes this header off requests from outside. Without it
anyone could send the header. Source:
https://learn.microsoft.com/en-us/azure/app-service/configure-authentication-user-identities.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from lib.organizations.sign_in.refusals import BadToken

_LONGEST = 64 * 1024
"""Characters."""


def read_principal(header: str) -> dict[str, Any]:
    """Read the claims in the header, which lists repeated ones one by one. Raises BadToken."""
    found: dict[str, Any] = {}
    try:
        if len(header) > _LONGEST:
            raise ValueError
        for claim in json.loads(base64.b64decode(header, validate=True))["claims"]:
            name, value = str(claim["typ"]), str(claim["val"])
            found[name] = [*found[name], value] if name in found else [value]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadToken("The header X-MS-CLIENT-PRINCIPAL is malformed.") from None
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}
