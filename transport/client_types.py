"""What the Python client knows of this server: a module with every event's struct, and the address of every query.

`make types` writes it; `python -m transport.client_types` prints it. `Writer` writes structs for other modules too.
"""

import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from inspect import getdoc
from textwrap import indent

import msgspec
from msgspec import NODEFAULT, inspect

from domain.registry import EVENTS, PERSONAL_FIELDS
from transport.rest.query_door import PATHS

HEAD = '''"""Every event that the server tells, as a struct. Generated: `make types`.

What is personal is `None` here. Members that a newer server adds are passed over.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class _Part(Struct, frozen=True, kw_only=True):
    """Part of an event, or its data."""
'''
LINE = 120
"""The longest that a line of the module may be."""
SIMPLE: dict[type[inspect.Type], str] = {
    inspect.AnyType: "Any",
    inspect.NoneType: "None",
    inspect.BoolType: "bool",
    inspect.IntType: "int",
    inspect.FloatType: "float",
    inspect.StrType: "str",
    inspect.UUIDType: "UUID",
    inspect.DecimalType: "Decimal",
    inspect.DateType: "date",
    inspect.DateTimeType: "datetime",
}


def module() -> str:
    """Write the module."""
    writer = Writer({event: _class_name(name) for name, event in EVENTS.items()})
    for event in EVENTS.values():
        writer.write(event, PERSONAL_FIELDS.get(event, ()))
    events = (f"{_literal(name)}: {_class_name(name)}" for name in EVENTS)
    return "\n".join(
        (
            HEAD.rstrip("\n"),
            *writer.classes.values(),
            "",
            "",
            _table("EVENTS: dict[str, type[Struct]] = {", events),
            '"""Each by the name of its type."""',
            _table("QUERY_PATHS: dict[str, tuple[str, ...]] = {", _queries()),
            '"""Where each query is answered over HTTP. What stands in braces is a field of it."""',
            "",
        )
    )


def _class_name(tag: str) -> str:
    return "".join(part.capitalize() for part in tag.replace(".", "_").split("_"))


class Writer:
    """Writes each struct once, behind those that it is made of."""

    def __init__(self, names: Mapping[type, str]) -> None:
        """Call structs by `names`, others by their own."""
        self.classes: dict[str, str] = {}
        self._names = dict(names)
        self._structs: dict[str, type] = {}

    def write(self, struct: type, personal: tuple[str, ...] = ()) -> str:
        """Write a struct, if that is still to be done; answer its name. Raises `TypeError` for two of one name."""
        name = self._names.setdefault(struct, struct.__name__)
        if self._structs.setdefault(name, struct) is not struct:
            raise TypeError(f"two structs would be called {name}")
        described = inspect.type_info(struct)
        if isinstance(described, inspect.StructType) and name not in self.classes:
            lines = [_annotated(each.encode_name, self.field(each, personal)) for each in described.fields]
            head = f"class {name}({self.parent(described)}):"
            body = ["", *lines] if lines else []
            self.classes[name] = "\n".join(("", "", head, _docstring(struct), *body))
        return name

    def parent(self, described: inspect.StructType) -> str:  # noqa: ARG002 - others look at it
        """Say what a struct is made from."""
        return "_Part, frozen=True, kw_only=True"

    def field(self, field: inspect.Field, personal: tuple[str, ...] = ()) -> str:
        """Write a field's type and default; what is `personal` may be missing."""
        kind = self.spelled(field.type)
        if field.name in personal:
            return f"{kind.removesuffix(' | None')} | None = None"
        if field.default_factory is not NODEFAULT:
            return f"{kind} = {field.default_factory()!r}"
        if field.default is not NODEFAULT:
            return f"{kind} = {_literal(field.default)}"
        if field.required:
            return kind
        return f"{kind.removesuffix(' | None')} | UnsetType{' | None' if kind.endswith(' | None') else ''} = UNSET"

    def spelled(self, kind: inspect.Type) -> str:
        """Write a type. Raises `KeyError` for one that no event has."""
        match kind:
            case inspect.Metadata(type=inner):
                return self.spelled(inner)
            case inspect.StructType(cls=struct):
                return self.write(struct)
            case inspect.LiteralType(values=values):
                return f"Literal[{', '.join(_literal(value) for value in values)}]"
            case inspect.EnumType(cls=members):
                return f"Literal[{', '.join(_literal(each.value) for each in members)}]"
            case inspect.VarTupleType(item_type=item):
                return f"tuple[{self.spelled(item)}, ...]"
            case inspect.TupleType(item_types=items):
                return f"tuple[{', '.join(self.spelled(each) for each in items)}]"
            case inspect.ListType(item_type=item):
                return f"list[{self.spelled(item)}]"
            case inspect.DictType(key_type=key, value_type=value):
                return f"dict[{self.spelled(key)}, {self.spelled(value)}]"
            case inspect.UnionType(types=types):
                return " | ".join(sorted((self.spelled(each) for each in types), key=lambda each: each == "None"))
            case _:
                return SIMPLE[type(kind)]


def _annotated(name: str, kind: str) -> str:
    """Write a field; the parameters of a type too long for its line get one of their own, or one each."""
    line = f"    {name}: {kind}"
    if len(line) <= LINE:
        return line
    head, _, rest = line.partition("[")
    inner, _, tail = rest.rpartition("]")
    parts = f"        {inner}"
    if len(parts) > LINE:
        parts = "\n".join(f"        {each}," for each in inner.split(", "))
    return f"{head}[\n{parts}\n    ]{tail}"


def _docstring(struct: type) -> str:
    text = getdoc(struct) or struct.__name__
    end = "\n" if "\n" in text else ""
    return indent(f'"""{text}{end}"""', "    ")


def _literal(value: object) -> str:
    if isinstance(value, Decimal):
        return f"Decimal({value})" if f"{value}".isdigit() else f'Decimal("{value}")'
    return msgspec.json.encode(value).decode() if isinstance(value, str) else repr(value)


def _table(head: str, rows: Iterator[str]) -> str:
    return "\n".join((head, *(f"    {row}," for row in rows), "}"))


def _queries() -> Iterator[str]:
    paths: dict[str, list[str]] = {}
    for path, name in PATHS.items():
        paths.setdefault(name, []).append(path)
    for name, several in paths.items():
        given = ", ".join(_literal(path) for path in sorted(several, key=len, reverse=True))
        yield f"{_literal(name)}: ({given}{',' if len(several) == 1 else ''})"


if __name__ == "__main__":
    sys.stdout.write(module())
