"""A check's finding, and the checks that need nothing but what is known already. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from lib.people.users import OptInShare

CheckState = Literal["ok", "warning", "problem", "unknown"]


class ReadinessCheck(BaseModel):
    """The finding of one check."""

    code: str = Field(description="what was looked at, such as `transport`, `spf` or `opt-in`")
    about: str | None = Field(None, description="the domain or mailbox, where a check has several")
    state: CheckState = Field(
        description="`problem`: mail does not arrive, or is not followed; `unknown`: not found out"
    )
    sentence: str
    what_to_do: str | None = Field(None, description="null where there is nothing to do")


_LARGEST_SKEW = timedelta(seconds=60)
_NOTABLE_SKEW = timedelta(seconds=5)
_LOCAL_NAMES = (".localhost", ".local", ".internal", ".test", ".invalid", ".example")


def check_base_url(base_url: str) -> ReadinessCheck:
    """Check that recipients anywhere can follow the links of mail, attachments included."""
    parts, code = urlsplit(base_url), "links"
    host = (parts.hostname or "").rstrip(".").lower()
    mending = "Set HEED_BASE_URL to an https address of a domain of yours that leads to this app."
    if _is_local(host):
        sentence = f"Links in mail lead to {host}, which recipients cannot reach."
        return ReadinessCheck(code=code, state="problem", sentence=sentence, what_to_do=mending)
    if parts.scheme != "https":
        sentence = "Links in mail do not begin with https: browsers warn of them, and attachments travel unencrypted."
        return ReadinessCheck(code=code, state="problem", sentence=sentence, what_to_do=mending)
    if host.endswith((".azurewebsites.net", ".azurefd.net")):
        sentence = f"Links in mail lead to {host}, a domain that anybody may rent: spam filters trust it less."
        return ReadinessCheck(code=code, state="warning", sentence=sentence, what_to_do=mending)
    return ReadinessCheck(code=code, state="ok", sentence=f"Links in mail lead to {host} over https.")


def _is_local(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or f".{host}".endswith(_LOCAL_NAMES)


def check_clock(skew: timedelta) -> ReadinessCheck:
    """Check the difference between the machine's clock and that of storage, which may be negative."""
    size, code = abs(skew), "clock"
    if size < _NOTABLE_SKEW:
        return ReadinessCheck(code=code, state="ok", sentence="The clock agrees with that of storage.")
    sentence = f"The clock differs from that of storage by {size.total_seconds():.0f} s."
    state: CheckState = "problem" if size > _LARGEST_SKEW else "warning"
    mending = "Let the machine set its clock by NTP: times of hits, and whether a send time has come, depend on it."
    return ReadinessCheck(code=code, state=state, sentence=sentence, what_to_do=mending)


def check_opt_in(share: OptInShare, *, required: bool) -> ReadinessCheck:
    """Check how many users have agreed that their mail is followed."""
    code, opted = "opt-in", share.opted_in
    if not share.users:
        mending = "Send the users with PUT /users/{id}."
        return ReadinessCheck(code=code, state="warning", sentence="There are no users yet.", what_to_do=mending)
    sentence = f"{opted} of {share.users} users have opted in to following their mail."
    if not required:
        return ReadinessCheck(code=code, state="ok", sentence=f"{sentence} The organization does not require it.")
    if opted * 2 >= share.users:
        return ReadinessCheck(code=code, state="ok", sentence=sentence)
    mending = "Ask the others, then send their answers with POST /users/opt-in."
    return ReadinessCheck(code=code, state="warning" if opted else "problem", sentence=sentence, what_to_do=mending)


def check_zones(known: int, records: int) -> ReadinessCheck:
    """Check for how many recipients of late a local time can be named."""
    code = "time-zones"
    if not records:
        return ReadinessCheck(code=code, state="unknown", sentence="No mail to a known record has been sent yet.")
    sentence = f"The time zone of {known} of the last {records} recipients is known."
    if known * 2 >= records:
        return ReadinessCheck(code=code, state="ok", sentence=sentence)
    mending = "Send records with an address or a time_zone: delivery advice cannot tell a good time otherwise."
    return ReadinessCheck(code=code, state="warning", sentence=sentence, what_to_do=mending)


def check_maps(*, is_set: bool) -> ReadinessCheck:
    """Check whether Azure Maps is asked for places; it is not tried, as each request is billed."""
    source = "Azure Maps, then data at hand" if is_set else "data at hand alone"
    return ReadinessCheck(code="maps", state="ok", sentence=f"Places of recipients are looked up in {source}.")


def check_networks(as_of: str | None) -> ReadinessCheck:
    """Check whether owners of networks are known, as of a day such as `2026-06-17`; None if their table is missing."""
    code = "networks"
    if as_of is not None:
        return ReadinessCheck(code=code, state="ok", sentence=f"Owners of networks are known, as of {as_of}.")
    sentence = "The table of networks' owners is missing or broken: scans from unlisted networks are told less surely."
    mending = "Deploy a whole package again, or make the table with `make networks` and deploy."
    return ReadinessCheck(code=code, state="warning", sentence=sentence, what_to_do=mending)


def check_mailboxes(mailboxes: Sequence[tuple[str, str | None]]) -> list[ReadinessCheck]:
    """Check the mailboxes that Heed reads, (id, last error)."""
    failing = [
        ReadinessCheck(
            code="mailbox",
            about=name,
            state="problem",
            sentence=f"The mailbox {name} could not be read: {error}",
            what_to_do="Mend what it says: mail that comes back is not seen until then.",
        )
        for name, error in mailboxes
        if error
    ]
    if failing:
        return failing
    counted = f"All {len(mailboxes)} mailboxes are read." if mailboxes else "No mailbox is set up."
    return [ReadinessCheck(code="mailbox", state="ok", sentence=counted)]


def check_storage(silent: Sequence[str]) -> ReadinessCheck:
    """Check whether the storage that holds the organization's data answers; `silent` are kinds that do not."""
    if not silent:
        return ReadinessCheck(code="storage", state="ok", sentence="The organization's storage account answers.")
    return ReadinessCheck(
        code="storage",
        state="problem",
        sentence=f"The organization's storage account does not answer, or refuses the app: {', '.join(silent)}.",
        what_to_do="Look whether the account is there, whether the app's identity or the connection string in its "
        "setting may read and write its tables and blobs, and whether a firewall stands between.",
    )


def check_dead_letters(count: int) -> ReadinessCheck:
    """Check whether queues have messages that failed every time, of whatever organization."""
    if not count:
        return ReadinessCheck(code="dead-letters", state="ok", sentence="No work is stuck in the queues.")
    return ReadinessCheck(
        code="dead-letters",
        state="problem",
        sentence="Some work in the service's queues has failed every time.",
        what_to_do="Ask the operator to look at the dead letters, and to replay them (docs/operations.md).",
    )
