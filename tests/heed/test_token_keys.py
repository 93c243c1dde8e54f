"""Rotation of token keys: no link and no stored secret is lost on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta

import pytest

from lib.clock import SetClock, SystemClock
from lib.operations.instances import Presence
from lib.people.alert_choices import ALERTS, StoredAlerts
from lib.services import Services
from lib.settings import load_settings
from lib.storage import Delete, Tables
from lib.storage.layout import ORGANIZATIONS
from lib.tokens import Claim, KeyRing, Purpose
from lib.webhooks.models import WebhookSpec
from tests.heed.conftest import Commands, Deployment
from tests.support.heed import TOKEN_KEYS

CHANNEL = "https://hooks.slack.com/services/T0/B0/secret"


async def _with_sealed(services: Services, organization: str, names: Sequence[str] = ("w1", "w2")) -> list[str]:
    """Webhooks and a chat channel; the secrets of the webhooks."""
    secrets = []
    for name in names:
        _, secret = await services.webhooks.save_webhook(
            organization, name, WebhookSpec(url="https://example.com/hook"), None
        )
        secrets.append(str(secret))
    sealed = services.alert_choices.seal(organization, "rep1", CHANNEL)
    await services.alert_choices.rows.save(organization, ALERTS, "rep1", StoredAlerts(user="rep1", slack=sealed), None)
    return secrets


async def _opened(
    settings: dict[str, str], ring: str, organization: str, names: Sequence[str] = ("w1", "w2")
) -> tuple[list[str], str | None]:
    """The secrets of the webhooks and the channel, as an app with this ring reads them."""
    app = Services(load_settings({**settings, "HEED_TOKEN_KEYS": ring}))
    secrets = []
    for name in names:
        found = await app.webhooks.load_webhook(organization, name)
        assert found
        secrets += app.webhooks.secrets_of(organization, found[0])
    choice = await app.alert_choices.load(organization, "rep1")
    assert choice
    assert choice.slack
    channel = app.alert_choices.unseal(organization, "rep1", choice.slack)
    await app.close()
    return secrets, channel


async def _tell(services: Services, name: str, ring: str, part: str = "all", minutes_ago: int = 0) -> None:
    """Have an instance of the app tell of itself."""

    async def tables() -> Tables:
        return services.storage.tables

    clock = SetClock(SystemClock().now() - timedelta(minutes=minutes_ago))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WEBSITE_INSTANCE_ID", name)
        await Presence(tables, KeyRing.parse(ring).ids, part, clock).tell_once()


@pytest.fixture
async def instances(services: Services) -> AsyncIterator[None]:
    """No instance was seen before the test, nor is after it."""
    await _forget(services)
    yield
    await _forget(services)


async def _forget(services: Services) -> None:
    tables = services.storage.tables
    async for row in tables.query(ORGANIZATIONS, "token-keys"):
        await tables.write_rows(ORGANIZATIONS, [Delete(row.partition, row.key)])


@pytest.mark.usefixtures("instances")
async def test_a_step_waits_until_every_instance_is_ready_for_it(
    commands: Commands, services: Services, organization: str
) -> None:
    ring = (await commands.run("token-keys", "add", "k2")).out.strip()
    promoted = ",".join(reversed(ring.split(",")))

    async def run(*arguments: str, ring: str = ring) -> tuple[int, str, str]:
        ran = await commands.run("token-keys", *arguments, HEED_TOKEN_KEYS=ring)
        return ran.code, ran.out.strip(), ran.err

    code, out, err = await run("promote", "k2")
    assert (code, out, "No instance" in err) == (3, "", True)
    assert (await run("promote", "k2", "--unchecked"))[:2] == (0, promoted)

    await _tell(services, "gone", TOKEN_KEYS, minutes_ago=21)
    await _tell(services, "new", ring, "crm")
    await _tell(services, "old", TOKEN_KEYS, "work", minutes_ago=15)
    code, out, err = await run("promote", "k2")
    assert (code, out) == (3, "")
    assert "1 of 2 instances seen in the last 20 minutes (crm 1, work 1) have the key k2" in err
    assert "These lack it: old (work, seen " in err
    assert (await run("reseal", ring=promoted))[0] == 3
    assert (await run("reseal", "--dry-run", ring=promoted))[0] == 0
    listed = [line.split("\t")[:3] for line in (await run("instances"))[1].splitlines()]
    assert listed == [["instance", "part", "token keys"], ["old", "work", "k1"], ["new", "crm", "k1, k2"]]

    await _forget(services)
    await _tell(services, "new", ring, "crm")
    code, out, err = await run("promote", "k2")
    assert (code, out, "1 of 1 instances" in err) == (0, promoted, True)

    await _tell(services, "newer", promoted, "work")
    code, out, err = await run("retire", "k1", ring=promoted)
    assert (code, out, "These still seal with it: new (crm" in err) == (3, "", True)
    assert (await run("retire", "k1", "--unchecked", ring=promoted))[0] == 0


@pytest.mark.usefixtures("instances")
async def test_a_key_is_rotated_without_the_loss_of_a_link_or_a_secret(
    commands: Commands, services: Services, settings: dict[str, str], organization: str
) -> None:
    secrets = await _with_sealed(services, organization)
    link = services.ring.mint(Purpose.CLICK, Claim(organization, "0" * 32, 0, 0, "https://example.com/"))

    with_new = (await commands.run("token-keys", "add", "k2")).out.strip()
    await _tell(services, "one", with_new)
    new_first = (await commands.run("token-keys", "promote", "k2", HEED_TOKEN_KEYS=with_new)).out.strip()
    await _forget(services)
    await _tell(services, "one", new_first)
    assert with_new.startswith(f"{TOKEN_KEYS},k2:")
    assert new_first.endswith(f",{TOKEN_KEYS}")
    ring = load_settings({**settings, "HEED_TOKEN_KEYS": new_first}).token_keys
    assert ring.open(Purpose.CLICK, link) is not None
    sealed_by_new = ring.mint(Purpose.CLICK, Claim(organization, "0" * 32, 0, 0, "https://example.com/"))
    before = load_settings({**settings, "HEED_TOKEN_KEYS": with_new}).token_keys
    assert before.open(Purpose.CLICK, sealed_by_new) is not None  # by instances that have not restarted yet

    early = await commands.run("token-keys", "retire", "k1", HEED_TOKEN_KEYS=new_first)
    assert (early.code, early.out) == (3, "")
    assert (await commands.run("token-keys", "reseal", "--dry-run", HEED_TOKEN_KEYS=new_first)).code == 0
    assert (await commands.run("token-keys", "retire", "k1", HEED_TOKEN_KEYS=new_first)).code == 3
    assert (await commands.run("token-keys", "reseal", HEED_TOKEN_KEYS=new_first)).code == 0
    again = await commands.run("token-keys", "reseal", HEED_TOKEN_KEYS=new_first)
    assert again.out.startswith("0 stored texts were sealed")

    without_old = (await commands.run("token-keys", "retire", "k1", HEED_TOKEN_KEYS=new_first)).out.strip()
    assert without_old == new_first.removesuffix(f",{TOKEN_KEYS}")
    assert await _opened(settings, without_old, organization) == (secrets, CHANNEL)
    await services.administration.delete_organization(organization)


async def test_a_rotation_that_was_killed_is_ended_by_another_run(deployment: Deployment) -> None:
    services, commands, names = deployment.heed.services, deployment.commands, [f"w{number}" for number in range(1, 21)]
    secrets = await _with_sealed(services, "acme", names)
    ring = (await commands.run("token-keys", "add", "k2")).out.strip()
    await _tell(services, "one", ring)
    ring = (await commands.run("token-keys", "promote", "k2", HEED_TOKEN_KEYS=ring)).out.strip()
    rows = [await _row_of(services, name) for name in names]

    process = deployment.start_command("token-keys", "reseal", HEED_TOKEN_KEYS=ring)
    while process.poll() is None and [await _row_of(services, name) for name in names[:2]] == rows[:2]:
        pass
    process.kill()
    process.wait()

    assert (await _opened(commands.settings, ring, "acme", names)) == (secrets, CHANNEL)
    assert (await commands.run("token-keys", "reseal", HEED_TOKEN_KEYS=ring)).code == 0
    assert (await _opened(commands.settings, ring.partition(",")[0], "acme", names)) == (secrets, CHANNEL)


async def _row_of(services: Services, name: str) -> str:
    found = await services.webhooks.load_webhook("acme", name)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "k1"), "has a key k1 already"),
        (("add", "key"), "is not <two of a-z0-9>"),
        (("promote", "k9"), "has no key k9"),
        (("retire", "k1"), "The key k1 seals"),
    ],
)
async def test_a_step_that_would_break_links_is_refused(
    commands: Commands, new_name: Callable[[], str], arguments: tuple[str, str], said: str
) -> None:
    ran = await commands.run("token-keys", *arguments)

    assert ran.code == 2
    assert (said in ran.err, ran.out) == (True, "")
