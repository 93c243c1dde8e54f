"""Holds property names and values of resources against Azure's client libraries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from importlib import import_module
from types import ModuleType

from infra.template_checks.resource_types import PREVIEWS_WITHOUT_RELEASE, RESOURCE_TYPES, LibraryModel, Names
from infra.template_checks.syntax import BicepValue, Declaration, Expression, Object, Template, literals_of, objects_of

_EVERY_RESOURCE = {"name", "parent", "scope", "dependsOn"}
_REFERENCE = re.compile(r"\b_models\.(\w+)")
_OLD_TYPE = re.compile(r"[\w.]+")

Members = Mapping[str, tuple["Members | None", frozenset[str]]]
"""Property names, each with what its objects hold (None: anything) and its allowed values (empty: anything)."""


def wrong_properties(templates: list[Template]) -> list[str]:
    """One line for each resource type, API version, property or value that is not known."""
    return [wrong for each in templates for resource in each.all("resource") for wrong in _wrong_in(each, resource)]


def _wrong_in(template: Template, resource: Declaration) -> Iterator[str]:
    place = f"{template.file}:{resource.line}"
    kind, _, version = resource.target.partition("@")
    if kind not in RESOURCE_TYPES:
        yield f"{place}: the resource type {kind} is not known"
        return
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", version) and resource.target not in PREVIEWS_WITHOUT_RELEASE:
        yield f"{place}: {resource.target} is a preview"
    if resource.is_existing:
        return
    model = RESOURCE_TYPES[kind]
    members = _members_of_names(model) if isinstance(model, Names) else _members_of_model(model)
    body = Object(tuple(each for each in resource.body.properties if each.name not in _EVERY_RESOURCE))
    variables = {each.name: each.value for each in template.all("var")}
    yield from _compare(template.file, kind, body, members, variables)


def _compare(
    file: str, path: str, found: Object, members: Members | None, variables: Mapping[str, BicepValue]
) -> Iterator[str]:
    for each in found.properties if members is not None else ():
        assert members is not None
        if each.name not in members:
            yield f"{file}:{each.line}: {path} has no property {each.name}"
            continue
        below, values = members[each.name]
        value = resolved(each.value, variables)
        for literal in literals_of(value) if values else ():
            if str(literal).lower() not in values:
                yield f"{file}:{each.line}: {path}.{each.name} cannot be {literal}"
        for inner in objects_of(value):
            yield from _compare(file, f"{path}.{each.name}", inner, below, variables)


def resolved(value: BicepValue | None, variables: Mapping[str, BicepValue]) -> BicepValue:
    """The value with variables of the file in their places."""
    if not isinstance(value, Expression):
        return value
    if value.text in variables:
        return resolved(variables[value.text], variables)
    return Expression(value.text, tuple(resolved(part, variables) for part in value.parts), value.line)


def _members_of_names(names: Names) -> Members | None:
    if not names.properties:
        return None
    return {name: (_members_of_names(below), frozenset()) for name, below in names.properties.items()}


def _members_of_model(model: LibraryModel) -> Members:
    module = import_module(f"azure.mgmt.{model.package}.models")
    return _members(module, model.name)


def _members(module: ModuleType, name: str) -> Members:
    """Members of a model and its subclasses; flattened names of older libraries (`properties.severity`) as objects."""
    plain: dict[str, tuple[Members | None, frozenset[str]]] = {}
    nested: dict[str, dict[str, tuple[Members | None, frozenset[str]]]] = {}
    for model in _with_subclasses(getattr(module, name)):
        for each, words in _types_of(model).items():
            first, dot, rest = each.partition(".")
            if dot and first != "odata":
                nested.setdefault(first, {})[rest] = _described(module, words)
            else:
                plain[each] = _described(module, words)
    return {**plain, **{each: (below, frozenset[str]()) for each, below in nested.items()}}


def _with_subclasses(model: type) -> Iterator[type]:
    yield model
    below: list[type] = type.__subclasses__(model)
    for each in below:
        yield from _with_subclasses(each)


def _types_of(model: type) -> dict[str, str]:
    """Property names of a model with the words of their types, as both generations of the libraries have them."""
    old: Mapping[str, Mapping[str, str]] | None = getattr(model, "_attribute_map", None)
    if old is not None:
        return {each["key"].replace("\\.", "."): each["type"] for each in old.values()}
    return {
        getattr(vars(kind).get(attribute), "_rest_name_input", None) or attribute: str(annotation)
        for kind in reversed(model.__mro__)
        for attribute, annotation in vars(kind).get("__annotations__", {}).items()
    }


def _described(module: ModuleType, words: str) -> tuple[Members | None, frozenset[str]]:
    """Members and allowed values of a type, told by its words; a dictionary of plain values has neither."""
    references = _REFERENCE.findall(words) or _OLD_TYPE.findall(words)
    for name in references:
        found = getattr(module, name, None)
        if isinstance(found, type) and issubclass(found, Enum):
            return None, frozenset(str(each.value).lower() for each in found)
        if isinstance(found, type) and "dict[" not in words.lower() and not words.startswith("{"):
            return _LazyMembers(module, name), frozenset()
    return None, frozenset()


class _LazyMembers(Mapping[str, tuple["Members | None", frozenset[str]]]):
    """Members that are read at the first look."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._place = (module, name)
        self._read: Members | None = None

    @property
    def _members(self) -> Members:
        if self._read is None:
            self._read = _members(*self._place)
        return self._read

    def __getitem__(self, name: str) -> tuple[Members | None, frozenset[str]]:
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)
