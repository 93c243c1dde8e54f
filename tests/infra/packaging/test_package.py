"""The deployed package: what it holds, what it leaves out, and that it is the same each time."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.packaging.__main__ import main
from infra.packaging.build import (
    IGNORE_FILE,
    ROOT,
    SITE_PACKAGES,
    app_python,
    copy_app,
    is_current,
    sources_mark,
    write_archive,
)
from infra.packaging.ignore_file import IgnoreError, kept_files, read_patterns
from tests.support.heed import SETTINGS

APP_FOLDERS = {"attachment_fn", "functions", "lib", "pixel_fn", "redirect_fn", "reminder_fn", "scheduler_fn"}
APP_FILES = {".funcignore", "LICENSE", "function_app.py", "host.json", "requirements.txt"}
LARGEST_APP = 20_000_000
"""Bytes of the app without what it needs; autonomous systems, which are mapped and not read, are half of it."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app as the package holds it, without dependencies."""
    folder = tmp_path_factory.mktemp("package")
    copy_app(ROOT, folder)
    return folder


def test_the_package_holds_the_app_and_nothing_else(package: Path) -> None:
    assert {path.name for path in package.iterdir() if path.is_dir()} == APP_FOLDERS
    assert {path.name for path in package.iterdir() if path.is_file()} == APP_FILES


def test_the_package_is_small(package: Path) -> None:
    files = [path for path in package.rglob("*") if path.is_file()]
    assert 300 < len(files) < 900
    assert sum(path.stat().st_size for path in files) < LARGEST_APP


def test_no_secret_and_no_local_file_is_in_the_package(tmp_path: Path) -> None:
    """A folder that was worked in for long."""
    for name in (
        "local.settings.json",
        ".env",
        ".env.local.json",
        "lib/__pycache__/x.pyc",
        ".azure/prod/.env",
        ".local/keys",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("secret")
    (tmp_path / "lib" / "local.settings.json").write_text("secret")
    (tmp_path / IGNORE_FILE).write_text((ROOT / IGNORE_FILE).read_text())
    kept = {str(path) for path in kept_files(tmp_path, read_patterns(tmp_path / IGNORE_FILE))}
    assert kept == {IGNORE_FILE, "lib/__pycache__/x.pyc"}


def test_compiled_files_and_dependencies_survive_the_ignore_file() -> None:
    """The file applies again when the built folder is deployed."""
    patterns = read_patterns(ROOT / IGNORE_FILE)
    assert not {"__pycache__", "*.pyc", "/.python_packages", "tests", "docs"} & set(patterns)


def test_the_app_in_the_package_needs_nothing_of_the_rest(package: Path) -> None:
    settings = {**SETTINGS, "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    listed = "import function_app, sys; print(len(function_app.app.get_functions())); print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", listed],
        cwd=package,
        env=settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    count, modules = ran.stdout.splitlines()
    assert int(count) > 90
    assert not {"infra", "tests", "bench", "pytest"} & set(modules.split())


def test_everything_that_the_app_needs_has_a_locked_version() -> None:
    locked = {line.partition("==")[0] for line in (ROOT / "requirements.lock").read_text().splitlines()}
    wanted = re.findall(r"^([A-Za-z0-9-]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert set(wanted) <= locked


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    """Whatever order, time and mode its files have."""
    for folder, names in (("first", ("b.py", "a.py")), ("second", ("a.py", "b.py"))):
        (tmp_path / folder / SITE_PACKAGES).mkdir(parents=True)
        for name in names:
            path = tmp_path / folder / SITE_PACKAGES / name
            path.write_text(f"# {name}")
            os.utime(path, (len(folder) * 10_000_000, 0))
            path.chmod(0o600 if folder == "first" else 0o755)
        assert write_archive(tmp_path / folder, tmp_path / f"{folder}.zip") == 2
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "first.zip") as archive:
        assert archive.namelist() == [f"{SITE_PACKAGES}/a.py", f"{SITE_PACKAGES}/b.py"]


def test_a_package_for_another_python_is_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("infra.packaging.__main__.app_python", lambda: "3.99")
    assert main([str(tmp_path)]) == 1
    assert "build with that one (make package PYTHON=python3.99)" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_apps_python_is_one_that_heed_runs_on() -> None:
    assert app_python() in ("3.11", "3.12")


@pytest.mark.parametrize("pattern", ["!lib", "lib/storage", "**/x", "[ab]", "docs/"])
def test_a_pattern_that_is_not_understood_is_refused(tmp_path: Path, pattern: str) -> None:
    (tmp_path / IGNORE_FILE).write_text(f"# comment\n\n/.git\n{pattern}\n")
    with pytest.raises(IgnoreError, match="is not understood"):
        read_patterns(tmp_path / IGNORE_FILE)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A small app in a folder `sources`, beside a folder `dist` with the package that was built from it."""
    folder = tmp_path / "sources"
    for name in ("lib/a.py", "docs/a.md", "requirements.lock", IGNORE_FILE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("/docs\n")
    (folder / "infra").mkdir()
    (folder / "infra" / "app.bicep").write_text((ROOT / "infra" / "app.bicep").read_text())
    package = tmp_path / "dist" / "package"
    package.mkdir(parents=True)
    (package / "host.json").touch()
    (package.parent / "package.sha256").write_text(sources_mark(folder))
    return folder


@pytest.mark.parametrize("name", ["lib/a.py", "lib/new.py", "requirements.lock", IGNORE_FILE])
def test_a_package_of_other_sources_is_built_again(sources: Path, name: str) -> None:
    dist = sources.parent / "dist"
    assert is_current(dist, sources)
    with (sources / name).open("a") as changed:
        changed.write("# other\n")
    assert not is_current(dist, sources)


def test_another_python_of_the_app_needs_another_package(sources: Path) -> None:
    template = sources / "infra" / "app.bicep"
    template.write_text(template.read_text().replace("version: '3.12'", "version: '3.13'"))
    assert not is_current(sources.parent / "dist", sources)


def test_docs_and_line_endings_need_no_other_package(sources: Path) -> None:
    (sources / "docs" / "a.md").write_text("other")
    (sources / "lib" / "a.py").write_bytes(b"/docs\r\n")
    assert is_current(sources.parent / "dist", sources)


@pytest.mark.parametrize("missing", ["package.sha256", "package/host.json"])
def test_a_build_that_did_not_end_is_no_package(sources: Path, missing: str) -> None:
    dist = sources.parent / "dist"
    (dist / missing).unlink()
    assert not is_current(dist, sources)


def test_the_hook_leaves_a_current_package_as_it_is(sources: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever Python runs the hook."""
    dist = sources.parent / "dist"
    (dist / "package.sha256").write_text(sources_mark(ROOT))
    assert main([str(dist), "--if-changed"]) == 0
    assert capsys.readouterr().out == f"{dist / 'package'} is built from these sources\n"
    (dist / "package.sha256").write_text("others")
    if f"{sys.version_info.major}.{sys.version_info.minor}" != app_python():
        assert main([str(dist), "--if-changed"]) == 1
