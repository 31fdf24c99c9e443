"""Samples of events with every field set, made from the structs themselves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import inspect

from domain.core import Event
from domain.registry import EVENTS
from eventstore.types import golden_samples

GOLDEN = Path(__file__).with_name("events.jsonl")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class _Maker:
    """Makes values: each number in a sample is another one, so that no two fields can be mixed up unnoticed."""

    def __init__(self) -> None:
        self._numbers = count(3)

    def value(self, kind: inspect.Type, name: str, default: Any = None) -> Any:
        """Make a value of this type, in its JSON form, other than `default`."""
        match kind:
            case inspect.Metadata(type=inner):
                return self.value(inner, name, default)
            case inspect.UnionType(types=types):
                given = next(each for each in types if not isinstance(each, inspect.NoneType))
                return self.value(given, name, default)
            case inspect.StructType(fields=fields):
                return {field.encode_name: self.value(field.type, field.name, field.default) for field in fields}
            case inspect.VarTupleType(item_type=item):
                return [self.value(item, name)]
            case inspect.TupleType(item_types=items):
                return [self.value(item, name) for item in items]
            case inspect.DictType(key_type=key, value_type=item):
                return {self._key(key): self.value(item, name)}
            case inspect.LiteralType(values=values):
                return next(each for each in values if each != default)
            case inspect.EnumType(cls=members):
                return next(each.value for each in members if each.value != default)
            case inspect.BoolType():
                return not default
            case _:
                return self._leaf(kind, name, next(self._numbers))

    def _key(self, kind: inspect.Type) -> str:
        """Make a key that stays the same whatever fields come before it: it is part of a sample's `paths`."""
        return str(UUID(int=1)) if isinstance(kind, inspect.UUIDType) else str(_Maker().value(kind, "key"))

    def _leaf(self, kind: inspect.Type, name: str, number: int) -> Any:
        match kind:
            case inspect.StrType() | inspect.AnyType():
                return f"{name} {number}, žluťoučký"
            case inspect.IntType():
                return number
            case inspect.DecimalType():
                return str(Decimal(number) + Decimal("0.1230"))
            case inspect.UUIDType():
                return str(UUID(int=number))
            case inspect.DateType():
                return (EPOCH + timedelta(days=number)).date().isoformat()
            case inspect.DateTimeType():
                return (EPOCH + timedelta(hours=number)).isoformat().replace("+00:00", "Z")
            case _:
                raise TypeError(f"no sample for {name!r}: teach tests/golden/samples.py to make a {kind}")


def sample(event: type[Event]) -> dict[str, Any]:
    """Make the stored form of an event with every field set, however deep."""
    kind = inspect.type_info(event)
    data = _Maker().value(kind, event.__name__)
    return msgspec.json.decode(msgspec.json.encode(data))


def paths(data: Any, above: str = "") -> Iterator[str]:
    """Name every place in a stored event; what stands in lists counts as one, and so do a map's own keys."""
    match data:
        case dict():
            for key, value in data.items():
                yield from paths(value, f"{above}.{key}")
        case list():
            for value in data:
                yield from paths(value, f"{above}[]")
        case _:
            yield above


def lines_to_add(path: Path) -> list[bytes]:
    """Make a line for each event type, by name, of whose present fields the file shows no sample."""
    shown: dict[str, list[set[str]]] = {}
    for name, data in golden_samples(path):
        shown.setdefault(name, []).append(set(paths(msgspec.json.decode(data))))
    needed = {name: sample(event) for name, event in sorted(EVENTS.items())}
    return [
        msgspec.json.encode({"type": name, "data": data})
        for name, data in needed.items()
        if not any(set(paths(data)) <= seen for seen in shown.get(name, []))
    ]


def add_lines(path: Path) -> list[bytes]:
    """Append what `lines_to_add` gives; what the file holds stays as it is."""
    lines = lines_to_add(path)
    with path.open("ab") as file:
        file.writelines(line + b"\n" for line in lines)
    return lines
