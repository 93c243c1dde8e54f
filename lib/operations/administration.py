"""Organizations made, changed and deleted, with all that has to hear of it."""

from __future__ import annotations

from lib.assessment.wishes import Wishes
from lib.errors import Stale
from lib.inbound.mailboxes.store import MailboxStore
from lib.organizations.registry import Organization, Organizations, OrganizationSpec
from lib.organizations.sign_in.authenticator import Authenticator
from lib.stops.stops import Stops
from lib.storage import Conflict
from lib.storage.versions import IfMatch


class Administration:
    """The administrator's acts on organizations. Every method raises StorageError."""

    def __init__(
        self,
        organizations: Organizations,
        sign_in: Authenticator,
        stops: Stops,
        wishes: Wishes,
        mailboxes: MailboxStore,
    ) -> None:
        self._organizations = organizations
        self._sign_in = sign_in
        self._stops = stops
        self._wishes = wishes
        self._mailboxes = mailboxes

    async def save_organization(
        self, organization: str, spec: OrganizationSpec, if_match: IfMatch | None
    ) -> tuple[Organization, str, bool]:
        """Make or change an organization; return (organization, etag, whether it was made).

        Messages that are not decided on are looked at again after a change. Raises Stale, NotAllowed, WrongField.
        """
        self._sign_in.check_settings(spec.settings)
        try:
            saved, etag, is_made = await self._organizations.save_organization(organization, spec, if_match)
        except Conflict as error:
            raise Stale(f"the organization {organization} was changed at the same time") from error
        if not is_made:
            await self._stops.list.note_change(organization)
            await self._wishes.organization_changed(organization)
        return saved, etag, is_made

    async def delete_organization(self, organization: str) -> None:
        """Delete the organization with its keys and all its storage. Again ends what was begun."""
        await self._organizations.delete_organization(organization)
        self._stops.list.forget_organization(organization)
        self._mailboxes.forget_organization(organization)
