"""Generated code of the clients: the API's document as types and calls of Python and TypeScript.

The code is not committed: it is 75,000 lines in Python alone, and follows from the document. Beside it lies a digest of
what it was made of, by which it is found stale.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from functions.endpoints import document

ROOT = Path(__file__).parents[2]

PYTHON = Path("clients/python/src/heed_client/generated")
"""The folder of the generated package, below the repository's root."""

TYPESCRIPT = Path("clients/typescript/src/schema.ts")
"""The generated types, below the repository's root."""

_DIGEST = ".made_of"
_CONFIGURATION = ROOT / "clients" / "python" / "generator.yaml"
_TEMPLATES = ROOT / "clients" / "python" / "templates"
_NODE_TOOLS = ROOT / "node_modules" / ".bin"
_SECONDS = 300


class GeneratorError(Exception):
    """A generator that failed, or warned of something in the document."""


def generate_python(folder: Path) -> None:
    """Write the package `folder` anew. Raises GeneratorError."""
    with TemporaryDirectory() as temporary:
        described = _described(Path(temporary), _without_304(_document()))
        made = Path(temporary, folder.name)
        _run(
            *(sys.executable, "-c", "from openapi_python_client.cli import app; app()", "generate"),
            *("--path", described, "--output-path", made, "--meta", "none", "--fail-on-warning"),
            *("--config", _CONFIGURATION, "--custom-template-path", _TEMPLATES),
        )
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)
    (folder / _DIGEST).write_text(digest_for_python())


def generate_typescript(path: Path) -> None:
    """Write the types to `path`. Raises GeneratorError."""
    with TemporaryDirectory() as temporary:
        _run(_NODE_TOOLS / "openapi-typescript", _described(Path(temporary), _document()), "-o", path)
    _digest_beside(path).write_text(digest_for_typescript())


def digest_for_python() -> str:
    """Return what the package is made of: the document, the generator, its configuration and templates."""
    chosen = [_CONFIGURATION, *sorted(_TEMPLATES.iterdir())]
    return _digest(version("openapi-python-client").encode(), *(path.read_bytes() for path in chosen))


def digest_for_typescript() -> str:
    """Return what the types are made of: the document and the generator."""
    wanted = json.loads((ROOT / "package.json").read_bytes())["devDependencies"]
    return _digest(str(wanted["openapi-typescript"]).encode())


def stale_parts(root: Path = ROOT) -> Iterator[Path]:
    """Yield what was generated from another document, or by another generator. What is not there is not stale."""
    package, types = root / PYTHON, root / TYPESCRIPT
    if package.exists() and _read(package / _DIGEST) != digest_for_python():
        yield PYTHON
    if types.exists() and _read(_digest_beside(types)) != digest_for_typescript():
        yield TYPESCRIPT


def _digest_beside(path: Path) -> Path:
    return path.with_name(f"{path.name}{_DIGEST}")


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _described(folder: Path, described: bytes) -> Path:
    path = folder / "openapi.json"
    path.write_bytes(described)
    return path


def _without_304(described: bytes) -> bytes:
    """Leave out `If-None-Match` and its answer, with which each call that reads would return anything or nothing."""
    changed = json.loads(described)
    asks = {"$ref": "#/components/parameters/IfNoneMatch"}
    for operation in (each for methods in changed["paths"].values() for each in methods.values()):
        operation["responses"].pop("304", None)
        operation["parameters"] = [each for each in operation["parameters"] if each != asks]
    return json.dumps(changed).encode()


@cache
def _document() -> bytes:
    return document("https://heed.example")


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join((_document(), *parts))).hexdigest()


def _run(*command: str | Path) -> None:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    if done.returncode != 0:
        raise GeneratorError(f"{command[0]} failed:\n{done.stdout}\n{done.stderr}")
