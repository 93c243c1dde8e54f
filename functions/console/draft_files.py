"""Files of a draft's form: those that were chosen, those that are removed, and whether each is followed."""

from __future__ import annotations

from typing import Any

from functions.api.endpoint import Answer
from functions.console.drafts import form_of
from functions.console.visit import Visit
from functions.shapes.message import MessageRead
from lib.console.simple_html import simple_html

REMOVE = "remove:"
"""The beginning of the value of a button that removes a file."""


async def save_files(visit: Visit, saved: MessageRead) -> None:
    """Do to the files of a draft what the form says. Raises Problem and refusals."""
    path, act = {"message": saved.id}, visit.form.text("act")
    shown, followed = visit.form.texts("shown_file"), visit.form.texts("followed_file")
    for each in saved.attachments:
        if act == f"{REMOVE}{each.id}":
            await visit.ask("delete_attachment", {**path, "attachment": each.id})
        elif each.id in shown and (each.id in followed) != each.followed:
            body = {"followed": each.id in followed}
            await visit.ask("patch_attachment", {**path, "attachment": each.id}, body=body)
    is_followed = "true" if visit.form.is_checked("follow_new_files") else "false"
    for file in visit.form.files("file"):
        query = {"filename": file.filename, "followed": is_followed}
        await visit.ask("add_attachment", path, query, file.content)
    if pictures := visit.form.files("picture"):
        answers = [await visit.call("add_image", path, {"filename": each.filename}, each.content) for each in pictures]
        await visit.ask("patch_message", path, body=_with_pictures(saved, visit.user.time_zone, answers))


def _with_pictures(saved: MessageRead, zone: str, answers: list[Answer]) -> dict[str, Any]:
    """Return the HTML with the pictures at its end; text becomes HTML by that."""
    form = form_of(saved, zone)
    html = saved.html if saved.html is not None else simple_html(form.body)
    added: list[Any] = [answer.body for answer in answers]
    return {"html": "\n".join([html, *(f'<p><img src="cid:{image.cid}" alt=""></p>' for image in added)])}
