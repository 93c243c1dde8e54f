"""Tables that stand between marks in pages of `docs/`, rendered from the code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bench.scale import report
from bench.scale.measured import read_steps
from functions.api.table import TABLE, table_text
from functions.endpoints import table_rows
from infra.costs.idle import SIZES, Cost, idle_costs, options
from infra.docs.deployment_tables import alert_rows, parameter_rows, role_rows
from lib.checks import CHECKS, CheckKind
from lib.fields import WebOrigin
from lib.metrics import METRICS
from lib.settings import NOT_NEEDED_BY, Settings
from lib.tokens import KeyRing

_SECRETS = (SecretStr, KeyRing)
_TYPE_NAMES: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    frozenset[WebOrigin]: "origins",
    Path: "folder",
    SecretStr: "text",
    KeyRing: "text",
    tuple[str, ...]: "text",
}


class PageError(Exception):
    """A page lacks something that its table is made from; the text says what."""


def settings_table() -> str:
    """One row for each setting: name with type, default and whether it is secret; meaning."""
    return _table(
        ("setting", "meaning"),
        (
            (
                f"`{field.alias}`<br>{_type_of(field)}; {_default_of(field)}{_secret_of(field)}",
                _breakable(str(field.description)),
            )
            for field in Settings.model_fields.values()
        ),
    )


def metrics_table() -> str:
    """One row for each metric: name, unit, labels, meaning."""
    return _table(
        ("metric", "unit", "labels", "meaning"),
        (
            (f"`{metric.name}`", metric.unit, "; ".join(map(_label, metric.labels.items())), metric.meaning)
            for metric in METRICS
        ),
    )


def checks_table() -> str:
    """One row for each check: code, when it is said, and its sentence where it has one of its own."""
    return _table(
        ("code", "when", "sentence"),
        ((f"`{code}`", kind.meaning, _sentence_of(kind)) for code, kind in CHECKS.items()),
    )


def _sentence_of(kind: CheckKind) -> str:
    return "" if kind.sentence == "{remark}" else re.sub(r"\{(\w+)\}", r"*\1*", kind.sentence)


def decisions_table(folder: Path) -> str:
    """One row for each decision: number and title, date, status. Raises PageError for a page without date or status."""
    rows = []
    for page in sorted(folder.glob("[0-9]*.md")):
        text = page.read_text()
        title = re.match(r"# (.+)\n", text)
        state = re.search(r"^Status: (.+?)\. Date: (\d{4}-\d\d-\d\d)\.$", text, re.MULTILINE)
        if title is None or state is None:
            raise PageError(f"{page}: it needs a title and a line `Status: …. Date: YYYY-MM-DD.`")
        rows.append((f"[{int(page.name[:4])}]({page.name})", title[1], state[2], state[1]))
    return _table(("", "decision", "date", "status"), rows)


def costs_table() -> str:
    """One row for each part of the monthly costs, a row of totals, and one row for each option."""
    small, large = map(idle_costs, SIZES)
    totals = [sum(cost.usd for cost in costs) for costs in (small, large)]
    rows = [_cost_row(first, second) for first, second in zip(small, large, strict=True) if first.usd + second.usd]
    free = [cost.what for cost, other in zip(small, large, strict=True) if not cost.usd + other.usd]
    return _table(
        ("USD a month", "small", "large", "price", "source"),
        (
            *rows,
            (f"within free amounts: {', '.join(free)}", "0.00", "0.00", "", ""),
            ("**together**", *(f"**{total:.2f}**" for total in totals), "", ""),
            *(
                (f"option: {each.what}", f"{each.usd:.2f}", f"{each.usd:.2f}", *_price_cells(each))
                for each in options()
            ),
        ),
    )


def _cost_row(small: Cost, large: Cost) -> tuple[str, ...]:
    what = large.what if large.usd else small.what
    return (f"{large.price.meter}: {what}", f"{small.usd:.2f}", f"{large.usd:.2f}", *_price_cells(large))


def _price_cells(cost: Cost) -> tuple[str, str]:
    price = cost.price
    free = f"; {price.free:g} free" if price.free else ""
    doubt = "" if price.is_confirmed else "; **not confirmed**"
    return f"{f'{price.usd:f}'.rstrip('0').rstrip('.')} a {price.unit}{free}", f"{price.source}, {price.as_of}{doubt}"


def parameters_table() -> str:
    """One row for each parameter of the deployment."""
    return _table(("parameter", "azd's variable", "default", "values", "meaning"), parameter_rows())


def roles_table() -> str:
    """One row for each place on which roles are given, with the roles of each part."""
    return _table(("on", "all", "recipients", "crm", "work", "the person who deploys"), role_rows())


def alerts_table() -> str:
    """One row for each alert, the most severe ones first."""
    return _table(("alert", "severity", "meaning"), alert_rows())


def made_pages(root: Path) -> dict[Path, str]:
    """Every page that holds a table, and the table of endpoints, with the text that each should have.

    Raises PageError.
    """
    docs = root / "docs"
    tables: Mapping[Path, Mapping[str, Callable[[], str]]] = {
        docs / "settings.md": {"settings": settings_table},
        docs / "operations.md": {"metrics": metrics_table},
        docs / "checks.md": {"checks": checks_table},
        docs / "costs.md": {"costs": costs_table},
        docs / "scale.md": {
            "loads": lambda: _table(report.LOAD_HEADER, report.load_rows(read_steps())),
            "months": lambda: _table(report.COST_HEADER, report.cost_rows(read_steps())),
            "steps": lambda: _table(report.STEP_HEADER, report.step_rows(read_steps())),
            "kinds": lambda: _table(report.KIND_HEADER, report.kind_rows(read_steps())),
            "spread": lambda: _table(report.SPREAD_HEADER, report.spread_rows(read_steps())),
            "limits": lambda: _table(report.LIMIT_HEADER, report.limit_rows()),
        },
        docs / "deployment.md": {"parameters": parameters_table, "roles": roles_table, "alerts": alerts_table},
        docs / "decisions" / "README.md": {"decisions": lambda: decisions_table(docs / "decisions")},
    }
    return {page: _with_tables(page, renders) for page, renders in tables.items()} | {
        root / "functions" / "api" / TABLE.name: table_text(table_rows())
    }


def _with_tables(page: Path, renders: Mapping[str, Callable[[], str]]) -> str:
    text = page.read_text()
    for name, render in renders.items():
        text = filled_in(page, text, name, render())
    return text


def filled_in(page: Path, text: str, name: str, table: str) -> str:
    """The text of a page with the table between its marks. Raises PageError for a page without the marks."""
    begin, end = f"<!-- made by make docs: {name} -->\n", f"<!-- end: {name} -->\n"
    before, is_begun, rest = text.partition(begin)
    _, is_ended, after = rest.partition(end)
    if not is_begun or not is_ended:
        raise PageError(f"{page}: it needs the lines {begin.strip()} and {end.strip()}")
    return f"{before}{begin}{table}{end}{after}"


def _label(label: tuple[str, tuple[str, ...]]) -> str:
    name, values = label
    return f"`{name}`: {', '.join(f'`{value}`' for value in values)}"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _breakable(text: str) -> str:
    """The text with places to break long words, which would push the column out of sight; `<` is escaped."""
    return re.sub(r"\S{50,}", lambda word: re.sub(r"[.(]", r"\g<0><wbr>", word[0]), text.replace("<", "&lt;"))


def _type_of(field: FieldInfo) -> str:
    kind = _kind_of(field)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    return _TYPE_NAMES[kind] + _bounds_of(field)


def _kind_of(field: FieldInfo) -> Any:
    """The type without `None` and without what Annotated adds."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not NoneType]
    is_optional = NoneType in get_args(field.annotation)
    kind = kinds[0] if is_optional else field.annotation
    return getattr(kind, "__origin__", kind) if hasattr(kind, "__metadata__") else kind


def _bounds_of(field: FieldInfo) -> str:
    words = {"ge": "from", "gt": "above", "le": "to"}
    said = [
        f"{word} {getattr(each, name)}"
        for name, word in words.items()
        for each in field.metadata
        if hasattr(each, name)
    ]
    return f", {' '.join(said)}" if said else ""


def _default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if parts := NOT_NEEDED_BY.get(str(field.alias)):
        return f"required, but for the part {', '.join(sorted(parts))}"
    return "optional" if field.default in (None, frozenset()) else f"default `{field.default}`"


def _secret_of(field: FieldInfo) -> str:
    return "; **secret**" if _kind_of(field) in _SECRETS else ""
