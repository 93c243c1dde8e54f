"""The files of a message as they go into one mail: as links and hosted images in a followed copy, else as parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lib.composing.copy_tokens import CopyTokens
from lib.composing.images_in_mail import image_exchange, images_in, missing_images
from lib.composing.link_block import FileLink, with_links
from lib.files.filenames import filename_in_url
from lib.files.models import LARGEST_ATTACHED, StoredAttachment, StoredFile, StoredImage
from lib.messages.models import Body, Remark
from lib.mime.sizes import size_text
from lib.mime.write import ComposeError
from lib.tokens import KeyRing, Purpose
from lib.tracking.facts import FIRST_IMAGE


class MailFiles:
    """The files of one mail. Revoked and expired attachments are not among them."""

    def __init__(
        self, organization: str, message: str, files: Sequence[StoredFile], ring: KeyRing, base_url: str
    ) -> None:
        self._organization = organization
        self._message = message
        self._attachments = [file for file in files if isinstance(file, StoredAttachment)]
        self._images = [file for file in files if isinstance(file, StoredImage)]
        self._ring = ring
        self._base_url = base_url

    def size(self) -> int:
        """Return how many bytes of files can travel in one mail."""
        return min(sum(file.size for file in (*self._attachments, *self._images)), LARGEST_ATTACHED)

    def followed_names(self) -> list[str]:
        """Return the names of the files to which a followed copy has links."""
        return [file.filename for file in self._attachments if file.followed]

    def remarks(self, body: Body) -> list[Remark]:
        """Return remarks for the author on the images."""
        return [] if body.html is None else missing_images(body.html, self._images)

    def links(self, tokens: CopyTokens) -> list[FileLink]:
        """Return a link for each followed attachment, for a followed copy."""
        return [self._link(file, tokens) for file in self._attachments if file.followed]

    def hosting(self, tokens: CopyTokens) -> Callable[[str], str | None]:
        """Return the sources of images in a followed copy, which counts their loading."""
        return image_exchange(self._images, lambda image: self._image_url(image, tokens), self._uncounted)

    def unhosting(self) -> Callable[[str], str | None]:
        """Return the sources of images in any other copy: images of quoted mail show, and nothing is recorded."""
        return image_exchange(self._images, None, self._uncounted)

    def images_in(self, body: Body) -> list[StoredImage]:
        """Return the images that the body shows from inside the mail."""
        return images_in(body.html, self._images)

    def inside(self, images: Sequence[StoredImage], *, followed: bool) -> Sequence[StoredFile]:
        """Return the files that travel inside a copy that shows these images: all of them where it is not followed.

        Raises ComposeError where they are too large.
        """
        files = [file for file in self._attachments if not (followed and file.followed)]
        return _checked([*images, *files])

    def kept(self, body: Body, images: Sequence[StoredImage]) -> tuple[Body, list[StoredFile]]:
        """Return the sender's own copy and the files in it: as many as a mail holds, first those that went out inside.

        The body names the rest.
        """
        inside: list[StoredFile] = [*images]
        room = LARGEST_ATTACHED - sum(file.size for file in inside)
        named: list[FileLink] = []
        for file in sorted(self._attachments, key=lambda file: file.followed):
            if file.size <= room:
                inside.append(file)
                room -= file.size
            else:
                named.append(FileLink(file.filename, size_text(file.size), None))
        html, text = with_links(body.html, body.text, named)
        return Body(html=html, text=text), inside

    def _link(self, file: StoredAttachment, tokens: CopyTokens) -> FileLink:
        token = tokens.mint_token(Purpose.ATTACHMENT, file.number)
        url = f"{self._base_url}/a/{token}/{filename_in_url(file.filename)}"
        return FileLink(file.filename, size_text(file.size), url)

    def _image_url(self, image: StoredImage, tokens: CopyTokens) -> str:
        token = tokens.mint_token(Purpose.IMAGE, FIRST_IMAGE + image.number, image.id)
        return f"{self._base_url}/i/{token}/{filename_in_url(image.filename)}"

    def _uncounted(self, token: str) -> str | None:
        """Return a token that shows an image of quoted mail and records nothing; None for an image of this mail."""
        claim = self._ring.open(Purpose.IMAGE, token)
        if claim is None or (claim.organization, claim.message) == (self._organization, self._message):
            return None
        return self._ring.mint(Purpose.QUOTED_IMAGE, claim._replace(address=None))


def _checked(files: Sequence[StoredFile]) -> Sequence[StoredFile]:
    """Raises ComposeError."""
    size = sum(file.size for file in files)
    if size > LARGEST_ATTACHED:
        largest = max(files, key=lambda file: file.size)
        raise ComposeError(
            f"the files in it have {size:,} bytes, and a mail holds at most {LARGEST_ATTACHED:,}; the largest is "
            f"{largest.filename} with {largest.size:,}. In a mail that is not followed, no file can be a link"
        )
    return files
