"""Reads a Bicep file into declarations, as far as checks look at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, cast

import tree_sitter_bicep
from pycep import BicepParser
from tree_sitter import Language, Node, Parser

Kind = Literal["param", "var", "resource", "module", "output"]

_PARSER = Parser(Language(tree_sitter_bicep.language()))
_SECOND_PARSER = BicepParser()
_KINDS: dict[str, Kind] = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
}


@dataclass(frozen=True, slots=True)
class Expression:
    """A value that is computed."""

    text: str
    parts: tuple[BicepValue, ...]
    """Values that it may be: branches of a condition, arguments of union and concat."""

    line: int


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an object; the name is as written, without quotes."""

    name: str
    value: BicepValue
    line: int


@dataclass(frozen=True, slots=True)
class Object:
    """An object with its properties in order."""

    properties: tuple[Property, ...]

    def find(self, *path: str) -> BicepValue | None:
        """The value at the path of names; None where there is none."""
        found = next((each.value for each in self.properties if each.name == path[0]), None)
        if len(path) == 1 or found is None:
            return found
        return next((value for each in objects_of(found) if (value := each.find(*path[1:])) is not None), None)


@dataclass(frozen=True, slots=True)
class Array:
    """An array; a loop is an array of its body."""

    items: tuple[BicepValue, ...]


BicepValue = str | int | bool | None | Object | Array | Expression


@dataclass(frozen=True, slots=True)
class Declaration:
    """A parameter, variable, resource, module or output."""

    kind: Kind
    name: str
    line: int

    target: str
    """Type and API version of a resource, path of a module, type of a parameter or output."""

    value: BicepValue
    """Body of a resource or module, value of a variable or output, default of a parameter."""

    decorators: dict[str, BicepValue] = field(default_factory=dict)
    """First arguments of the decorators, by name; `secure` has None."""

    has_default: bool = False
    is_existing: bool = False

    @property
    def body(self) -> Object:
        """The body of a resource or module."""
        return next(objects_of(self.value), Object(()))


@dataclass(frozen=True, slots=True)
class Template:
    """A file of the folder."""

    file: str
    text: str
    declarations: tuple[Declaration, ...]
    unknown_names: tuple[tuple[str, int], ...]
    """Names that are used and not declared, each with its line."""

    def all(self, kind: Kind) -> Iterator[Declaration]:
        """Declarations of the kind."""
        return (each for each in self.declarations if each.kind == kind)

    def find(self, kind: Kind, name: str) -> Declaration | None:
        """The declaration of the kind and name."""
        return next((each for each in self.all(kind) if each.name == name), None)


def syntax_errors(path: Path) -> list[str]:
    """One line for each place that tree-sitter does not understand, and one if pycep fails."""
    return [f"{path.name}{wrong}" for wrong in _syntax_errors(path.read_text())]


@cache
def _syntax_errors(text: str) -> tuple[str, ...]:
    wrong = [f":{_line(node)}: {_words(node)}" for node in _broken(_root(text))]
    try:
        _SECOND_PARSER.parse(text=text)
    except Exception as error:  # pycep raises what its grammar library raises
        wrong.append(f": pycep does not understand it: {str(error).splitlines()[0]}")
    return tuple(wrong)


def read_template(path: Path) -> Template:
    """Read a file without syntax errors."""
    return _template(path.name, path.read_text())


@cache
def _template(file: str, text: str) -> Template:
    root = _root(text)
    declarations = tuple(_declarations(root))
    declared = {each.name for each in declarations if each.kind != "output"}
    unknown = tuple((name, line) for name, line in _names_used(root) if name not in declared)
    return Template(file, text, declarations, unknown)


def objects_of(value: BicepValue | None) -> Iterator[Object]:
    """Objects that the value is, may be, or is an array of."""
    if isinstance(value, Object):
        yield value
    elif isinstance(value, Array):
        for item in value.items:
            yield from objects_of(item)
    elif isinstance(value, Expression):
        for part in value.parts:
            yield from objects_of(part)


def literals_of(value: BicepValue | None) -> Iterator[str | int | bool]:
    """Literals that the value is or may be; not those in objects."""
    if isinstance(value, str | int | bool):
        yield value
    elif isinstance(value, Array):
        for item in value.items:
            yield from literals_of(item)
    elif isinstance(value, Expression):
        for part in value.parts:
            yield from literals_of(part)


def text_of(value: BicepValue | None) -> str:
    """All text of a value, to search in."""
    if isinstance(value, Object):
        return " ".join(text_of(each.value) for each in value.properties)
    if isinstance(value, Array):
        return " ".join(map(text_of, value.items))
    return value.text if isinstance(value, Expression) else str(value)


def _root(text: str) -> Node:
    return _PARSER.parse(text.encode()).root_node


def _broken(node: Node) -> Iterator[Node]:
    if node.type == "ERROR" or node.is_missing:
        yield node
    elif node.has_error:
        for child in node.children:
            yield from _broken(child)


def _words(node: Node) -> str:
    return f"{node.type} is missing" if node.is_missing else f"not understood: {_text(node)[:60]!r}"


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _line(node: Node) -> int:
    return node.start_point.row + 1


def _named(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type != "comment"]


def _declarations(root: Node) -> Iterator[Declaration]:
    decorators: dict[str, BicepValue] = {}
    for node in _named(root):
        if node.type == "decorators":
            decorators = dict(map(_decorator, _named(node)))
        elif node.type in _KINDS:
            yield _declaration(node, decorators)
            decorators = {}


def _decorator(node: Node) -> tuple[str, BicepValue]:
    function, *arguments = _named(_named(node)[0])
    values = _named(arguments[0]) if arguments else []
    return _text(function), _value(values[0]) if values else None


def _declaration(node: Node, decorators: dict[str, BicepValue]) -> Declaration:
    kind = _KINDS[node.type]
    name, *rest = _named(node)
    target = ""
    if kind in ("resource", "module", "param", "output"):
        target, rest = _text(rest[0]).strip("'"), rest[1:]
    value = _value(rest[-1]) if rest else None
    existing = " existing = " in _text(node).split("\n")[0]
    return Declaration(kind, _text(name), _line(node), target, value, decorators, bool(rest), existing)


def _value(node: Node) -> BicepValue:
    children = _named(node)
    match node.type:
        case "string":
            return _string(node)
        case "number":
            return int(_text(node))
        case "boolean":
            return _text(node) == "true"
        case "null":
            return None
        case "object":
            return Object(tuple(_property(child) for child in children if child.type == "object_property"))
        case "array":
            return Array(tuple(map(_value, children)))
        case "for_statement":
            return Array((_value(cast(Node, node.child_by_field_name("body"))),))
        case "if_statement" | "ternary_expression":
            return Expression(_text(node), tuple(map(_value, children[1:])), _line(node))
        case "call_expression" if _text(children[0]) in ("union", "concat"):
            return Expression(_text(node), tuple(map(_value, _named(children[1]))), _line(node))
        case _:
            return Expression(_text(node), (), _line(node))


def _string(node: Node) -> BicepValue:
    if any(child.type == "interpolation" for child in node.named_children):
        return Expression(_text(node), (), _line(node))
    text = _text(node)
    return text.removeprefix("'''").removesuffix("'''") if text.startswith("'''") else text[1:-1].replace("\\'", "'")


def _property(node: Node) -> Property:
    name, value = _named(node)[0], _named(node)[-1]
    return Property(_text(name).strip("'"), _value(value), _line(node))


_BUILT_IN = {"true", "false", "null"}
_NAMELESS = {"decorators", "type", "property_identifier"}


def _names_used(root: Node) -> Iterator[tuple[str, int]]:
    """Identifiers that stand for a declaration, but for variables of loops and lambdas, and names of functions."""
    stack: list[tuple[Node, frozenset[str]]] = [(root, frozenset())]
    while stack:
        node, loop = stack.pop()
        if node.type in _NAMELESS:
            continue
        children = _named(node)
        if node.type in ("for_statement", "lambda_expression"):
            loop = loop | _loop_variables(children[0])
            children = children[1:]
        elif node.type in _KINDS or (node.type == "object_property" and children[0].type == "identifier"):
            children = children[1:]
        elif node.type == "call_expression":
            children = [each for each in children if each.type != "identifier"]
        if node.type == "identifier" and _text(node) not in loop | _BUILT_IN:
            yield _text(node), _line(node)
        stack += [(child, loop) for child in children]


def _loop_variables(node: Node) -> frozenset[str]:
    return frozenset({_text(node)} if node.type == "identifier" else {_text(child) for child in _named(node)})
