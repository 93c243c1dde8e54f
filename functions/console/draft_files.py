"""Files of a draft's form: those that were chosen, those that are removed, and whether each is followed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from functions.api.endpoint import Answer
from functions.api.problems import Problem
from functions.console.drafts import form_of
from functions.console.refusals import told_in_form
from functions.console.visit import Visit
from functions.pages.forms import FormField
from functions.shapes.message import MessageRead
from lib.console.simple_html import simple_html
from lib.errors import Refusal

_LONGEST_NAME = 100
"""Characters of a file's name that are quoted."""

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
        with _naming(file):
            await visit.ask("add_attachment", path, query, file.content)
    if pictures := visit.form.files("picture"):
        answers = list[Answer]()
        for picture in pictures:
            with _naming(picture):
                answers.append(await visit.call("add_image", path, {"filename": picture.filename}, picture.content))
        await visit.ask("patch_message", path, body=_with_pictures(saved, visit.user.time_zone, answers))


@contextmanager
def _naming(file: FormField) -> Iterator[None]:
    """Begin what is wrong with a file by its name: several may have been chosen."""
    try:
        yield
    except (Problem, Refusal) as error:
        problem, name = told_in_form(error), f"“{(file.filename or '')[:_LONGEST_NAME]}”"
        document = problem.document
        document.detail = f"{name}: {document.detail}"
        document.errors = [each.model_copy(update={"msg": f"{name}: {each.msg}"}) for each in document.errors or []]
        raise problem from None


def _with_pictures(saved: MessageRead, zone: str, answers: list[Answer]) -> dict[str, Any]:
    """Return the HTML with the pictures at its end; text becomes HTML by that."""
    form = form_of(saved, zone)
    html = saved.html if saved.html is not None else simple_html(form.body)
    added: list[Any] = [answer.body for answer in answers]
    return {"html": "\n".join([html, *(f'<p><img src="cid:{image.cid}" alt=""></p>' for image in added)])}
