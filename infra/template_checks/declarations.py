"""Names, parameters, modules and outputs: what the compiler would see, and what this repository asks beyond that."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from infra.template_checks.syntax import Declaration, Object, Template, objects_of, text_of

MAIN = "main.bicep"
PARAMETERS = "main.parameters.json"

_SECRET = re.compile(r"(password|secret|token|key)s?$", re.IGNORECASE)
_NO_SECRET = {"tokenKeysSecret", "adminKeySecret", "smtpSecret", "withSmtpPassword"}
"""Names that end like secrets and hold a name or a yes."""

_VALUE_FROM_A_SECRET = re.compile(r"\blist(Keys|Secrets|AccountSas|ServiceSas|\w*Keys)\b|getSecret\(")


def wrong_declarations(folder: Path, templates: list[Template]) -> list[str]:
    """One line for each fault in names, parameters, modules and outputs."""
    wrong = [line for each in templates for line in _wrong_in(each, templates)]
    main = next((each for each in templates if each.file == MAIN), None)
    return wrong + (list(_wrong_parameters_file(folder / PARAMETERS, main)) if main else [f"there is no {MAIN}"])


def _wrong_in(template: Template, templates: list[Template]) -> Iterator[str]:
    file = template.file
    for name, line in template.unknown_names:
        yield f"{file}:{line}: {name} is not declared"
    for each in (*template.all("param"), *template.all("var")):
        if len(re.findall(rf"(?<![\w.]){each.name}\b", template.text)) < 2:
            yield f"{file}:{each.line}: {each.name} is not used"
    for each in template.all("param"):
        yield from _wrong_parameter(file, each)
    for each in template.all("output"):
        yield from _wrong_output(template, each)
    for each in template.all("module"):
        yield from _wrong_module(template, each, templates)
    for number, line_text in enumerate(template.text.splitlines(), 1):
        if _VALUE_FROM_A_SECRET.search(line_text):
            yield f"{file}:{number}: a key is read from a resource; an identity does without"


def _wrong_parameter(file: str, parameter: Declaration) -> Iterator[str]:
    place = f"{file}:{parameter.line}: the parameter {parameter.name}"
    is_secure = "secure" in parameter.decorators
    if not str(parameter.decorators.get("description") or ""):
        yield f"{place} has no description"
    if _SECRET.search(parameter.name) and parameter.name not in _NO_SECRET and not is_secure:
        yield f"{place} is not secure"
    if is_secure and parameter.has_default and parameter.value != "":
        yield f"{place} is a secret with a default"
    if file == MAIN and parameter.target not in ("bool", "object"):
        bounds = {"allowed", "minLength", "maxLength", "minValue", "maxValue"} & parameter.decorators.keys()
        if not bounds:
            yield f"{place} has no bounds"
        if parameter.target == "int" and "allowed" not in bounds and not {"minValue", "maxValue"} <= bounds:
            yield f"{place} has a bound on one side only"


def _wrong_output(template: Template, output: Declaration) -> Iterator[str]:
    place = f"{template.file}:{output.line}: the output {output.name}"
    if not str(output.decorators.get("description") or ""):
        yield f"{place} has no description"
    secure = [each.name for each in template.all("param") if "secure" in each.decorators]
    text = text_of(output.value)
    if any(re.search(rf"\b{name}\b", text) for name in secure) or re.search(
        r"connectionString|instrumentationKey|\.properties\.value\b", text, re.IGNORECASE
    ):
        yield f"{place} tells a secret"


def _wrong_module(template: Template, module: Declaration, templates: list[Template]) -> Iterator[str]:
    place = f"{template.file}:{module.line}: the module {module.name}"
    target = next((each for each in templates if each.file == module.target), None)
    if target is None:
        yield f"{place}: there is no {module.target}"
        return
    given = {each.name for each in next(objects_of(module.body.find("params")), Object(())).properties}
    known = {each.name: each for each in target.all("param")}
    for name in sorted(given - known.keys()):
        yield f"{place}: {module.target} has no parameter {name}"
    for name in sorted(known.keys() - given):
        if not known[name].has_default:
            yield f"{place} lacks the parameter {name}"
    outputs = {each.name for each in target.all("output")}
    for name in sorted(set(re.findall(rf"\b{module.name}(?:\[[^\]]*\])?!?\.outputs\.(\w+)", template.text)) - outputs):
        yield f"{place}: {module.target} has no output {name}"


def _wrong_parameters_file(path: Path, main: Template) -> Iterator[str]:
    try:
        given = json.loads(path.read_text())["parameters"]
    except (OSError, ValueError, KeyError) as error:
        yield f"{path.name} cannot be read: {error}"
        return
    known = {each.name: each for each in main.all("param")}
    for name in sorted(known.keys() - given.keys()):
        yield f"{path.name} lacks {name}"
    for name in sorted(given.keys() - known.keys()):
        yield f"{path.name} has {name}, which {main.file} does not know"
    for name in sorted(given.keys() & known.keys()):
        yield from _wrong_default(path.name, known[name], given[name].get("value"))


def _wrong_default(file: str, parameter: Declaration, value: object) -> Iterator[str]:
    """Compare the default in `${NAME=default}` with the template's: who reads one of them must not be misled.

    An object that is not set is left out, so that the template's default holds; braces cannot stand in the file.
    """
    match = re.fullmatch(r"\$\{[A-Z][A-Z0-9_]*(=([^}]*))?\}", str(value))
    if match is None:
        yield f"{file}: {parameter.name} is not taken from the environment"
        return
    stated = match[2] if match[1] else None
    if isinstance(parameter.value, Object):
        if stated is not None:
            yield f"{file}: {parameter.name} is an object, which has no default here"
        return
    expected = str(parameter.value).lower() if isinstance(parameter.value, bool) else str(parameter.value)
    if stated != (expected if parameter.has_default else None):
        yield f"{file}: the default of {parameter.name} is {stated}, and that of {MAIN} {expected}"
