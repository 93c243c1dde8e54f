"""Traces by hand."""

from bench.traces.trace import Actor, Request, Trace
from lib.tracking.facts import HitKind

SENT = 1_790_000_000_000
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/154.0.0.0 Safari/537.36"
)


def hit(
    actor: Actor,
    kind: HitKind = "open",
    after: float = 3600,
    *,
    item: int = 0,
    agent: str | None = CHROME,
    unknowable: bool = False,
    scenario: str = "by-hand",
    **headers: str,
) -> Request:
    """`after` is in seconds from the sending."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(
        at=SENT + int(after * 1000),
        kind=kind,
        item=item,
        recipient=0,
        method="GET",
        headers=sent if agent is None else {"user-agent": agent, **sent},
        address="91.2.3.4",
        actor=actor,
        scenario=scenario,
        unknowable=unknowable,
    )


def mail(*requests: Request, read: bool | None = None) -> Trace:
    """Read by somebody if a person asked for something, unless `read` says otherwise."""
    was_read = any(request.actor == "person" for request in requests) if read is None else read
    return Trace(
        message="0" * 32,
        scenario="by-hand",
        sent_at=SENT,
        links=3,
        honeypots=frozenset(),
        gateways=(None,),
        own_networks=(),
        colleagues=frozenset(),
        read=frozenset((0,) if was_read else ()),
        requests=tuple(sorted(requests, key=lambda request: request.at)),
    )
