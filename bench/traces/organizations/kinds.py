"""All kinds of behavior of the play, by the name with which requests are labelled, and what they are.

The scans of listed gateways have the names that `bench.traces.scanners` gives them, and are not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import cleandoc

from bench.traces.organizations import afterwards, at_click, at_delivery, hidden, own_side, readers

_LABELLED_ELSEWHERE = frozenset(
    ("nothing-scans", "the-gateway-s-own-scan", "nothing-checks", "safe-links", "passes-mail-to-strangers")
)

_FUNCTIONS: Mapping[str, Callable[..., None]] = {
    **at_delivery.KINDS,
    **at_click.KINDS,
    **readers.KINDS,
    "help-desk": readers.help_desk,
    "announcement-behind-one-address": readers.announcement,
    "forward": readers.pass_on,
    "apple-without-a-reader": readers.loads_by_itself,
    "quoted-pixel": own_side.quoted_pixel,
    "own-look-from-elsewhere": own_side.own_look_from_elsewhere,
    "own-look-in-the-office": own_side.own_look_in_the_office,
    "colleague-looks-once": hidden.colleague_looks_once,
    "passed-to-a-stranger": hidden.passed_to_a_stranger,
    "opened-on-a-stranger-s-phone": hidden.opened_on_a_strangers_phone,
    "mail-migration": afterwards.mail_migration,
    "e-discovery": afterwards.e_discovery,
}

_CIRCUMSTANCES: Mapping[str, str] = {
    "new-phone": "A person reads on a phone bought in the last month: a device and places that no mail has seen. "
    "The office and the other devices are as before.",
    "back-from-holiday": "A person reads all mails of a holiday within an hour, on the first morning. Many mails at "
    "once from one source are one recipient's here.",
    "isolated-browsing": "A person's clicks open in the gateway's own browser, from the network whose machines scan "
    "the company's mail. They come after an open at the person's place, and at all mails of that company. Source: "
    "warmbly#526.",
    "help-desk-s-staff": "A person of the staff reads in the ticket system's page, at the office.",
}
"""Kinds that `bench.traces.organizations.readers.read_as` labels by the circumstances of a reading."""

DESCRIPTIONS: Mapping[str, str] = {
    **{
        name: cleandoc(function.__doc__ or "")
        for name, function in _FUNCTIONS.items()
        if name not in _LABELLED_ELSEWHERE
    },
    **_CIRCUMSTANCES,
}
"""Who acts, and what tells the kind apart or that nothing does; by the kind's name."""
