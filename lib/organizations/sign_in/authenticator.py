"""Authentication of people, by tokens of their organization's provider."""

from __future__ import annotations

from lib.clock import Clock
from lib.errors import WrongField
from lib.organizations.registry import Organization
from lib.organizations.settings import OrganizationSettings
from lib.organizations.sign_in.claims import Person, check_parties, check_times, name_person
from lib.organizations.sign_in.principal import read_principal
from lib.organizations.sign_in.providers import Providers
from lib.organizations.sign_in.refusals import BadToken
from lib.organizations.sign_in.settings import SignIn
from lib.organizations.sign_in.signatures import check_signature, read_header
from lib.outside import NotOutside
from lib.outside.http import check_address


class Authenticator:
    """Checks proofs of people against the settings of the organization that they want to work in."""

    def __init__(self, clock: Clock, *, loopback: bool) -> None:
        self._clock = clock
        self._loopback = loopback
        self.providers = Providers(clock, loopback=loopback)
        """Keys of providers, which the sign-in to the console needs, too."""

    def check_settings(self, settings: OrganizationSettings) -> None:
        """Check that the issuer's host is outside. Raises WrongField."""
        if settings.sign_in is None:
            return
        try:
            check_address(settings.sign_in.issuer, loopback=self._loopback)
        except NotOutside as error:
            raise WrongField(["settings", "sign_in", "issuer"], f"{error}") from None

    async def check_token(self, organization: Organization, token: str) -> Person:
        """Tell who sends the token. Raises BadToken, NotEntitled, ProviderDown."""
        sign_in, header = _sign_in(organization), read_header(token)
        key = await self.providers.find_key(sign_in.issuer, header)
        claims = check_signature(token, key, header.algorithm)
        check_parties(claims, sign_in)
        check_times(claims, self._clock.now())
        return name_person(claims, sign_in)

    def check_principal(self, organization: Organization, header: str) -> Person:
        """Tell whom the platform has signed in. Raises BadToken, NotEntitled."""
        sign_in, claims = _sign_in(organization), read_principal(header)
        check_parties(claims, sign_in)
        return name_person(claims, sign_in)


def _sign_in(organization: Organization) -> SignIn:
    """Raises BadToken where the organization has no provider."""
    if organization.settings.sign_in is None:
        raise BadToken("The organization accepts no tokens of an identity provider.")
    return organization.settings.sign_in
