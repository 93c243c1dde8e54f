"""Puts the package together: files, dependencies, compiled files, archive."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infra.packaging.ignore_file import kept_files, read_patterns

ROOT = Path(__file__).parents[2]
IGNORE_FILE = ".funcignore"
SITE_PACKAGES = Path(".python_packages/lib/site-packages")
"""Where the Functions worker looks for what the app needs."""

_DEPLOYED_AS = "/home/site/wwwroot"
"""Folder of the app in Azure; compiled files name their sources by it."""

_MARK = "package.sha256"
"""File beside the package that says which sources it is built from."""

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""Time of every file in the archive: the earliest that the format knows."""


class PackageError(Exception):
    """The package cannot be built; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Built:
    """A package that was built."""

    folder: Path
    archive: Path
    files: int

    unpacked: int
    """Bytes."""

    packed: int
    """Bytes of the archive."""


def app_python(template: Path = ROOT / "infra" / "app.bicep") -> str:
    """The app's version of Python, such as 3.12, as the template has it. Raises PackageError."""
    found = re.search(r"name: 'python'\s+version: '([\d.]+)'", template.read_text())
    if found is None:
        raise PackageError(f"{template.name} names no version of Python")
    return found[1]


def build_package(target: Path, root: Path = ROOT) -> Built:
    """Build `package/` and `heed.zip` in the target folder with the running Python. Raises PackageError."""
    folder, archive, mark = target / "package", target / "heed.zip", target / _MARK
    mark.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    copy_app(root, folder)
    _install(root, folder / SITE_PACKAGES)
    _compile(folder)
    files = write_archive(folder, archive)
    mark.write_text(sources_mark(root))
    unpacked = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Built(folder, archive, files, unpacked, archive.stat().st_size)


def is_current(target: Path, root: Path = ROOT) -> bool:
    """Tell whether the package in the target folder is built, to its end, from the sources as they are now."""
    try:
        marked = (target / _MARK).read_text()
    except FileNotFoundError:
        return False
    return (target / "package" / "host.json").exists() and marked == sources_mark(root)


def sources_mark(root: Path) -> str:
    """SHA-256 of everything that a package is built from. How a checkout ends its lines does not count."""
    digest = hashlib.sha256(app_python(root / "infra" / "app.bicep").encode())
    for path in (*_app_files(root), Path("requirements.lock")):
        content = (root / path).read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.as_posix()} {len(content)} ".encode() + content)
    return digest.hexdigest()


def copy_app(root: Path, folder: Path) -> None:
    """Copy what the ignore file keeps, without compiled files, and the ignore file itself."""
    for path in _app_files(root):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, folder / path)


def _app_files(root: Path) -> list[Path]:
    kept = kept_files(root, [*read_patterns(root / IGNORE_FILE), "__pycache__"])
    return sorted({*kept, Path(IGNORE_FILE)})


def _install(root: Path, folder: Path) -> None:
    """Install what the app needs, in the versions of requirements.lock."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    wanted = ["--only-binary", ":all:", "-r", str(root / "requirements.txt"), "-c", str(root / "requirements.lock")]
    if subprocess.run([*command, "--target", str(folder), *wanted], check=False).returncode:
        raise PackageError("what the app needs could not be installed")
    # Scripts, and the lists of files with their hashes, name the Python that installed them.
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for record in folder.glob("*.dist-info/RECORD"):
        record.unlink()


def _compile(folder: Path) -> None:
    """Compile all sources. A process of its own, with a fixed seed: sets in code are written in the order of hashes."""
    command = [sys.executable, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    paths = ["-s", str(folder), "-p", _DEPLOYED_AS, str(folder)]
    # A source of a package that is for other versions of Python does not compile; no one imports it.
    subprocess.run(
        [*command, *paths], check=False, env={**os.environ, "PYTHONHASHSEED": "0"}, stdout=subprocess.DEVNULL
    )


def write_archive(folder: Path, archive: Path) -> int:
    """Write all files of the folder in order of names, with one time and one mode; how many there are."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(archive, "w") as packed:
        for path in paths:
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EARLIEST)
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)
    return len(paths)
