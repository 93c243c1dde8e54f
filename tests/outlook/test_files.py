"""What is served below `/outlook/`: pages with a strict policy, modules that import each other, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from functions.outlook.files import FOLDER, static_path
from functions.outlook.joining import joined
from lib.verdicts.rules.own_side import OWN
from tests.support.heed import Heed

LANGUAGES = ("en", "de", "fr", "es", "it")
ROOT = Path(__file__).parents[2]
COMPILER = ROOT / "node_modules" / ".bin" / "tsc"


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start()


def test_all_modules_and_the_stand_in_have_the_types_of_office_js() -> None:
    if not (ROOT / "node_modules" / "@types" / "office-js").exists():
        pytest.skip("there is no @types/office-js on this machine: npm ci")

    checked = subprocess.run(
        [COMPILER, "-p", Path(__file__).parent / "tsconfig.json"], capture_output=True, text=True, check=False
    )

    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("page", ["pane", "launch"])
async def test_pages_run_scripts_of_this_host_and_office_alone_in_frames_of_outlook(heed: Heed, page: str) -> None:
    answer = await heed.request("GET", f"/outlook/acme/{page}")

    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' https://appsforoffice.microsoft.com"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    ancestors = policy["frame-ancestors"].split()
    assert "https://outlook.office.com" in ancestors
    assert all(re.fullmatch(r"https://[\w.]+", each) for each in ancestors)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_files_are_kept_for_a_year_and_those_of_another_release_are_not(heed: Heed) -> None:
    ours = await heed.request("GET", f"{static_path()}texts/de.json")
    older = await heed.request("GET", "/outlook/-/static/0123456789abcdef/texts/de.json")

    assert "immutable" in ours.headers["cache-control"]
    assert older.headers["cache-control"] == "no-cache"
    assert older.body == ours.body


@pytest.mark.parametrize(
    "path",
    [
        "-/static/../pages.py",
        f"{static_path().removeprefix('/outlook/')}../pages.py",
        f"{static_path().removeprefix('/outlook/')}%2e%2e/pages.py",
        f"{static_path().removeprefix('/outlook/')}",
        "-/static/",
        "-/icons/../pages.py",
        "-/icons/33.png",
        "-/",
        "-",
        "",
        "acme",
        "acme/",
        "acme/other",
        "nobody/pane",
        "ACME/pane",
        f"{'a' * 5000}/pane",
    ],
)
async def test_what_is_not_there_is_not_found(heed: Heed, path: str) -> None:
    assert (await heed.request("GET", f"/outlook/{path}")).status == 404


async def test_a_form_is_taken_nowhere(heed: Heed) -> None:
    assert (await heed.request("POST", "/outlook/acme/pane")).status in (404, 405)


def test_the_script_of_events_is_one_script_without_imports() -> None:
    script = joined(FOLDER, "launch").decode()
    node = shutil.which("node")
    assert node

    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    associated = subprocess.run(
        [node, "-e", f"globalThis.Office = {{actions: {{associate: name => console.log(name)}}}};{script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert associated.stdout == "onMessageSend\n"


def test_modules_that_import_each_other_are_joined_once(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\n\nexport const a = () => b();\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\nimport { c } from "./c.js";\nexport function b() {}\n')
    (tmp_path / "c.js").write_text("export async function c() {}\nconst exported = 'export const';\n")

    script = joined(tmp_path, "a").decode()

    assert [script.index(each) for each in ("function c", "function b", "const a")] == sorted(
        script.index(each) for each in ("function c", "function b", "const a")
    )
    assert script.count("function b() {}") == 1
    assert "'export const'" in script


def test_every_language_says_all_that_the_pane_says() -> None:
    texts = {each: json.loads((FOLDER / "texts" / f"{each}.json").read_text(encoding="utf-8")) for each in LANGUAGES}
    places = {each: {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in texts[each].items()} for each in texts}
    said = "".join(file.read_text(encoding="utf-8") for file in FOLDER.glob("*.js"))
    asked = set(re.findall(r'say\("(\w+)"', said))

    assert all(each == places["en"] for each in places.values())
    assert all(text.strip() for each in texts.values() for text in each.values())
    assert {each for each in asked if each not in texts["en"] and f"{each}_other" not in texts["en"]} == set()


def test_the_pane_knows_a_look_of_the_senders_own_side_by_the_codes_of_the_judge() -> None:
    module = (FOLDER / "sentences.js").read_text(encoding="utf-8")
    listed = re.search(r"OWN = (\[.*?\])", module)

    assert listed
    assert frozenset(json.loads(listed[1])) == OWN
