"""Models of mailboxes: the form in which a CRM puts them, and the rows in which they are stored."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from lib.fields import ChosenId, Model, Moment, RecordType, Regarding
from lib.outside import LONGEST_HOST, is_host
from lib.storage.versions import ETag

PORTS = {"tls": 993, "starttls": 143}
"""The ports of IMAP (RFC 8314, 3.2; RFC 9051, 2.1), by the way in which TLS begins."""

_MOST_FOLDERS = 50
_MOST_CATEGORIES = 50


def _host(value: str) -> str:
    if not is_host(value):
        raise ValueError("not a host name, such as imap.example.com")
    return value.lower()


_Printable = StringConstraints(min_length=1, max_length=250, pattern=r"^[^\x00-\x1f\x7f]+$")
HostName = Annotated[str, StringConstraints(max_length=LONGEST_HOST), AfterValidator(_host)]
FolderPath = Annotated[str, _Printable]
SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,126}$")]


class MailboxFolder(Model):
    """A folder whose new mail is read."""

    path: FolderPath = Field(description="as the server names it, such as INBOX/Deals; in Graph with / between names")
    regarding: Regarding | None = Field(
        None, description="the record that mail of this folder regards; null: mail is tracked by being moved here"
    )


class MailboxCategory(Model):
    """A category (Graph) or a keyword (IMAP) that tracks a mail."""

    name: FolderPath
    create: RecordType | None = Field(None, description="the type of a record that such a mail creates, such as case")


class MailboxSpec(Model):
    """A mailbox that Heed polls: a user's, or a shared queue's."""

    kind: Literal["imap", "graph"]
    owner: ChosenId | None = Field(None, description="the id of the user whose mailbox it is")
    queue: bool = Field(False, description="whether it is a queue that several users share")
    host: HostName | None = Field(None, description="the IMAP server; none for graph")
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="993 for tls, 143 for starttls; that is the default, too"
    )
    security: Literal["tls", "starttls"] = "tls"
    user: Annotated[str, _Printable] = Field(description="the name to log in with; in Graph the mailbox's address")
    auth: Literal["password", "xoauth2"] = "password"
    secret: SecretName = Field(
        description="the name of the secret, not its value: a setting HEED_MAILBOX_<ORG>_… or a secret "
        "HEED-MAILBOX-<ORG>-… of the key vault, with the organization's id in capitals"
    )
    folders: list[MailboxFolder] = Field(
        default_factory=lambda: [MailboxFolder(path="INBOX")], min_length=1, max_length=_MOST_FOLDERS
    )
    categories: list[MailboxCategory] = Field(default_factory=list, max_length=_MOST_CATEGORIES)
    enabled: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> MailboxSpec:
        if self.kind == "imap" and self.host is None:
            raise ValueError("an IMAP mailbox needs a host")
        if self.kind == "graph" and (self.host is not None or self.port is not None):
            raise ValueError("a Graph mailbox takes no host and no port")
        paths = [folder.path for folder in self.folders]
        if len(set(paths)) != len(paths):
            raise ValueError("a folder is named twice")
        return self

    @property
    def server_port(self) -> int:
        """The port that is connected to."""
        return self.port or PORTS[self.security]

    def connection_digest(self) -> str:
        """A hash that tells other mailboxes, servers and ways to log in apart."""
        parts = (self.kind, self.host, self.server_port, self.security, self.user, self.auth, self.secret)
        return blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    def category_of(self, labels: list[str]) -> str | None:
        """Return the first category of the mailbox that is among a mail's labels, without regard to case."""
        there = {label.casefold() for label in labels}
        return next((each.name for each in self.categories if each.name.casefold() in there), None)


class StoredMailbox(MailboxSpec):
    """A row: the mailbox."""

    id: ChosenId


class MailboxRead(StoredMailbox):
    """A mailbox, as answered."""

    etag: ETag
    last_poll_at: Moment | None = Field(
        description="noted when something changes, and at least once an hour; null before the first poll"
    )
    last_error: str | None = Field(description="what went wrong at the last poll, in words; null where nothing did")


_MOST_TAGGED = 500


class ImapPlace(BaseModel):
    """The place up to which an IMAP folder was read."""

    validity: int
    """The folder's UIDVALIDITY. With another one, all UIDs are void."""

    next_uid: int
    """The lowest UID that was not read."""

    modseq: int | None = None
    """The folder's HIGHESTMODSEQ up to which changes of keywords were read; None where these are not watched."""

    tagged: list[int] = []
    """UIDs of the last mails that were read and carried a category."""

    breaks: int = 0
    """Number of polls that broke off at this place, in the middle of a mail."""

    def note_tagged(self, uid: int) -> None:
        """Note that a mail with a category was read: further changes of its flags are no news."""
        self.tagged = [*self.tagged, uid][-_MOST_TAGGED:]


class GraphPlace(BaseModel):
    """The place up to which a Graph folder was read."""

    folder: str
    """Graph's id of the folder."""

    link: str
    """The address of the next page, or of the next round."""

    since: Moment
    """During the first round, mails that were there before this time are passed over."""

    first_round: bool = True
    """Whether the folder's present mails are still being counted."""

    handled: list[str] = []
    """Hashes of mails that were taken over: of the page at `link`; of changed mails the last ones."""

    breaks: int = 0
    """Number of polls that broke off at this place, in the middle of a mail."""

    def note_handled(self, mail: str) -> None:
        """Note by its hash that a mail was taken over."""
        self.handled = [*self.handled, mail][-_MOST_TAGGED:]


class MailboxState(BaseModel):
    """A row: what the poller knows of a mailbox."""

    connection: str = ""
    """The digest of the connection that the rest is about."""

    imap: dict[str, ImapPlace] = {}
    """By the folder's path."""

    graph: dict[str, GraphPlace] = {}
    """The places of new mails, by the folder's path."""

    graph_changes: dict[str, GraphPlace] = {}
    """The places of changed mails, which may have got a category, by the folder's path."""

    noted_at: Moment | None = None
    """The time of the last poll that was written down."""

    last_error: str | None = None

    failures: int = 0
    """Number of polls in a row that failed as a whole."""

    next_poll_at: Moment | None = None
    """The time before which the mailbox is not polled, after failures."""

    leased_until: Moment | None = None
    """The end of the lease of the poller that reads mail just now; None where there is no such poller."""
