"""Settings that every app has: its address, its part of the functions, and its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from lib.settings.values import TokenKeys, WebAddress

_SHORTEST_KEY = 16
_SHORTEST_LOCAL_KEY = 8

NOT_NEEDED_BY: Mapping[str, frozenset[str]] = {"HEED_ADMIN_KEY": frozenset({"recipients"})}
"""Required settings, each with the parts (`HEED_FUNCTIONS`) that do without and that had better not have it. An app
that recipients reach answers no administrator: what it does not hold cannot be stolen there."""


class AppSettings(BaseModel):
    """Settings of one app. The alias of a field is its name in the environment."""

    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=True, defer_build=True)

    base_url: WebAddress = Field(
        alias="HEED_BASE_URL",
        description="the public address that links in mail begin with, for example https://mail.example.com",
    )
    environment: str = Field(
        "Production",
        alias="AZURE_FUNCTIONS_ENVIRONMENT",
        description="Development on one machine, as the local host and Core Tools set it; anything else in Azure",
    )
    functions: Literal["all", "recipients", "crm", "work"] = Field(
        "all",
        alias="HEED_FUNCTIONS",
        description="which functions this app has: all of them, or one of three parts that run as apps of their own: "
        "recipients (what mail leads to), crm (the API) or work (queues and timers)",
    )
    admin_key: SecretStr | None = Field(
        None,
        alias="HEED_ADMIN_KEY",
        description=f"the administrator's key, at least {_SHORTEST_KEY} characters "
        f"(at least {_SHORTEST_LOCAL_KEY} characters on the local host)",
    )
    token_keys: TokenKeys = Field(
        alias="HEED_TOKEN_KEYS",
        description="the ring of token keys, newest first: k1:<base64url of 64 random bytes>[,k0:...]; make one with "
        "python3 -c \"import base64,os;print('k1:'+base64.urlsafe_b64encode(os.urandom(64)).decode().rstrip('='))\"",
    )
    token_form: Literal["1", "2"] = Field(
        "2",
        alias="HEED_TOKEN_FORM",
        description="2 (tokens name the recipient's address as a hash, so that a stop acts without storage) or 1 (as "
        "earlier releases open them: while instances of such a release still run)",
    )

    @model_validator(mode="after")
    def _check_admin_key(self) -> Self:
        """Check that there is a key of the administrator that cannot be guessed. Raises ValueError."""
        if self.functions in NOT_NEEDED_BY["HEED_ADMIN_KEY"]:
            return self
        meaning = AppSettings.model_fields["admin_key"].description
        if self.admin_key is None:
            raise ValueError(f"HEED_ADMIN_KEY is missing: set it to {meaning}")
        length = len(self.admin_key.get_secret_value())
        if length < (_SHORTEST_LOCAL_KEY if self.environment == "Development" else _SHORTEST_KEY):
            raise ValueError(f"HEED_ADMIN_KEY is wrong (it has {length} characters): set it to {meaning}")
        return self
