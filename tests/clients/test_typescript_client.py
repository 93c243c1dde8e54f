"""The client of TypeScript: calls compile with its types, its face keeps its promises, and a CRM's whole work goes."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.clients.generate import TYPESCRIPT, generate_typescript
from infra.local.child import ROOT
from tests.clients.opening import open_mail
from tests.end_to_end.running import Running

NODE = shutil.which("node")
COMPILER = ROOT / "node_modules" / ".bin" / "tsc"
_PAGE = ROOT / "clients" / "typescript" / "README.md"
_GIVEN = """
declare const key: string, body: string, secret: string, request: { headers: Record<string, string> };
"""
"""Names that the examples of the page take from the program around them."""

_SECONDS = 300


def run(*command: str | Path, cwd: Path) -> None:
    """Run a program, which has to end well."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def node() -> str:
    if NODE is None:
        pytest.skip("Node is not installed")
    return NODE


@pytest.fixture(scope="module")
def programs(node: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled programs beside this file, with the client installed for them."""
    folder = tmp_path_factory.mktemp("typescript")
    client, programs = folder / "heed-client", folder / "programs"
    left_out = shutil.ignore_patterns("dist", "node_modules", f"{TYPESCRIPT.name}*")
    shutil.copytree(ROOT / TYPESCRIPT.parents[1], client, ignore=left_out)
    generate_typescript(client / "src" / TYPESCRIPT.name)
    (client / "node_modules").symlink_to(ROOT / "node_modules")
    run(COMPILER, "--project", ".", cwd=client)

    shutil.copytree(Path(__file__).parent / "typescript", programs)
    (programs / "page.ts").write_text(_GIVEN + "".join(re.findall(r"```ts\n(.*?)```", _PAGE.read_text(), re.DOTALL)))
    (programs / "package.json").write_text('{"type": "module"}')
    (programs / "node_modules").mkdir()
    (programs / "node_modules" / "heed-client").symlink_to(client)
    for name in ("@types", "standardwebhooks", "@stablelib", "fast-sha256"):
        (programs / "node_modules" / name).symlink_to(ROOT / "node_modules" / name)
    run(COMPILER, "--project", ".", cwd=programs)
    return programs / "built"


def test_the_face_keeps_its_promises(node: str, programs: Path) -> None:
    run(node, "--test", "face.test.js", cwd=programs)


async def test_a_crm_does_its_work(node: str, programs: Path, heed: Running) -> None:
    subject = "Your offer by TypeScript"
    key = await heed.organization("typescript")
    crm = await asyncio.create_subprocess_exec(
        *(node, programs / "whole_flow.js", heed.base_url, key, "typescript", subject),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await open_mail(heed, subject)
        printed, _ = await asyncio.wait_for(crm.communicate(), _SECONDS)
    finally:
        if crm.returncode is None:
            crm.kill()
    assert crm.returncode == 0
    told = json.loads(printed)
    assert sorted(told.pop("listed")) == sorted(["one", "two", "three", subject])
    assert told == {
        "files": ["offer.txt"],
        "delivery": {"type": "message.opened", "isOfTheMessage": True, "deal": "7"},
        "refused": {"status": 412, "code": "version_mismatch", "hasId": True},
        "feed": ["message.sent", "message.opened"],
    }
