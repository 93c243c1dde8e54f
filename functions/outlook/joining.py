"""One classic script of modules that import each other, for a runtime that takes a single file without imports."""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) )", re.MULTILINE)


def joined(folder: Path, name: str) -> bytes:
    """Join a module with all that it imports, each once, after what it imports itself.

    The modules import and export by name alone, and no two of them have a top-level name in common.
    """
    parts: dict[str, str] = {}

    def add(module: str) -> None:
        if module in parts:
            return
        text = (folder / f"{module}.js").read_text(encoding="utf-8")
        parts[module] = ""  # on its way: modules that import each other end here
        for imported in _IMPORT.findall(text):
            add(imported)
        del parts[module]
        parts[module] = _EXPORT.sub("", _IMPORT.sub("", text))

    add(name)
    inside = "\n".join(parts.values())
    return f'(function () {{\n"use strict";\n{inside}}})();\n'.encode()
