"""The CRM's users: salespeople, who send mail."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from lib.fields import ChosenId, Email, Model, Name, Paragraphs, TimeZone
from lib.storage.versions import ETag

MOST_USERS = 1000
"""Ids of users that one call may opt in or out."""


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise ValueError("not a network, such as 192.0.2.0/24") from None


class UserSpec(Model):
    """A salesperson."""

    added_fields = frozenset({"first_name", "last_name", "company", "title", "phone", "signature"})

    email: Email
    name: Name = Field("", description="as From shows it")
    first_name: Name = Field("", description="for templates, which otherwise read it from the name")
    last_name: Name = ""
    company: Name = ""
    title: Name = Field("", description="the user's position, for templates")
    phone: Name = ""
    signature: Annotated[Paragraphs, StringConstraints(max_length=2000)] = Field(
        "", description="plain text of several lines, for templates: `{{ sender.signature }}`"
    )
    time_zone: TimeZone = Field(
        "UTC", description="a name of the IANA database, such as Europe/Vienna; a name of Windows becomes IANA's"
    )
    opt_in: bool = Field(
        default_factory=bool,
        description="whether this user's mail may be followed; where it is left out, a new user has the organization's "
        "`opt_in_default`, and a known user keeps their own",
    )
    inbound: Literal["all", "replies", "known", "none"] = "replies"
    networks: list[Annotated[str, StringConstraints(max_length=50), AfterValidator(_network)]] = Field(
        [], max_length=50, description="the user's own networks: what comes from there is no engagement"
    )


class StoredUser(UserSpec):
    """A row of the table `people`."""

    id: ChosenId


class User(StoredUser):
    """A salesperson, as answered."""

    etag: ETag


class OptIn(Model):
    """Whether mail of these users may be followed."""

    users: Annotated[list[ChosenId], Field(max_length=MOST_USERS)] | Literal["all"]
    opt_in: bool


class UsersChanged(BaseModel):
    """Number of users whose opt-in has changed."""

    changed: int


class OptInShare(BaseModel):
    """The number of users who have opted in to following mail, beside that of all users."""

    opted_in: int
    users: int = Field(description="all users of the organization")
