"""Links and paths in pages that lead nowhere. Only files of this repository are looked at, never the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

_PAGES = ("*.md", "docs/**/*.md", "bench/**/*.md", "clients/*/*.md")
_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^()\s]+)\)|(?:src|href)=\"([^\"]+)\"")
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"\.{0,2}[\w-][\w./-]*")
_MODULE = re.compile(r"python3? -m ([\w.]+)")
_HEADING = re.compile(r"^#{1,6} (.+?)[ \t]*$", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//")


def broken_links(root: Path) -> list[str]:
    """One line for each link, path or module that is not there: `page: what`."""
    pages = sorted({page for pattern in _PAGES for page in root.glob(pattern) if "node_modules" not in page.parts})
    return [f"{page.relative_to(root)}: {broken}" for page in pages for broken in dict.fromkeys(_broken_in(page, root))]


def _broken_in(page: Path, root: Path) -> Iterator[str]:
    text = page.read_text()
    prose = _FENCE.sub("", text)
    for match in _LINK.finditer(_CODE.sub("", prose)):
        link = match[1] or match[2]
        if not _ELSEWHERE.match(link) and not _leads_somewhere(link, page):
            yield f"the link {link} leads nowhere"
    for match in _CODE.finditer(prose):
        if not _is_there(match[1], root):
            yield f"there is no {match[1]}"
    for match in _MODULE.finditer(text):
        if _is_ours(match[1].partition(".")[0], root) and not _exists(match[1].replace(".", "/"), root):
            yield f"there is no module {match[1]}"


def _leads_somewhere(link: str, page: Path) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / unquote(path) if path else page
    if not target.exists():
        return False
    return not anchor or target.suffix != ".md" or anchor in _anchors_of(target)


def _anchors_of(page: Path) -> set[str]:
    """Anchors as GitHub makes them of headings; two headings of the same words are not told apart."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _is_there(code: str, root: Path) -> bool:
    """Whether code that looks like a path of this repository is one; true for everything else."""
    path = code.partition("::")[0]
    if "/" not in path or not _PATH.fullmatch(path) or not _is_ours(path.partition("/")[0], root):
        return True
    return _exists(path.rstrip("/"), root)


def _is_ours(name: str, root: Path) -> bool:
    return name not in ("", ".", "..") and (root / name).is_dir()


def _exists(path: str, root: Path) -> bool:
    return (root / path).exists() or (root / f"{path}.py").exists()
