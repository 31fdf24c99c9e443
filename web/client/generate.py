"""Write `src/generated.ts` out of the server's structs: the types of everything said, and what frames are checked by.

`python web/client/generate.py` writes it, `--check` only tells whether it is up to date.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from commands import Receipt
from commands.rights import PUBLIC
from domain.registry import EVENTS
from projections.queries import QUERIES, RESULT_OF
from transport.errors import Problem
from transport.gateway.socket_messages import Said, Told
from transport.rest.query_door import PATHS
from transport.rest.schemas import as_it_travels, may_be_named

TARGET = Path(__file__).parent / "src/generated.ts"
HEAD = """\
// Written by generate.py out of the server's structs; `make types` writes it anew.
/* A decimal number is a string such as "8205797.76", a time RFC 3339, an id a UUID. */
import type { Schema } from "./validation.js";

"""
KEPT = ("type", "enum", "required", "format", "minimum")
"""What frames are checked by. Bounds of texts are the server's business."""
Json = Mapping[str, Any]


def generated() -> str:
    """Give the file's text. Raises `TypeError` for two structs of one name."""
    groups: list[tuple[Any, ...]] = [tuple(PUBLIC.values()), tuple(QUERIES.values()), tuple(RESULT_OF.values())]
    groups += [tuple(EVENTS.values()), (Said, Told, Receipt, Problem)]
    named = [each for group in groups for each in group]
    schemas, components = msgspec.json.schema_components(named, ref_template="{name}")
    alike = [name for name in components if not name.isidentifier()]
    if alike:
        raise TypeError(f"structs of one name have no names of their own in TypeScript: {', '.join(alike)}")
    found = iter(schemas)
    commands, queries, answers, events, others = ([next(found) for _ in group] for group in groups)
    said, told = others[:2]
    for command, schema in zip(PUBLIC.values(), commands, strict=True):
        may_be_named(components[schema["$ref"]], command)
    for event, schema in zip(EVENTS.values(), events, strict=True):
        as_it_travels(components[schema["$ref"]], event)
    parts = [HEAD]
    parts += [_interface(name, schema) for name, schema in sorted(components.items())]
    parts += [
        _union("Said", said),
        _union("Told", told),
        _table("Commands", zip(PUBLIC, commands, strict=True)),
        _table("Queries", zip(QUERIES, queries, strict=True)),
        _table("Answers", zip(RESULT_OF, answers, strict=True)),
        _table("Events", zip(EVENTS, events, strict=True)),
        _constant("QUERY_PATHS", "Record<string, string>", _paths()),
        _constant("TOLD", "Record<string, string>", told["discriminator"]["mapping"]),
        _constant("EVENTS", "Record<string, string>", {n: s["$ref"] for n, s in zip(EVENTS, events, strict=True)}),
        _constant("SCHEMAS", "Record<string, Schema>", _reachable(components, [told, *events])),
    ]
    return "".join(parts)


def _paths() -> dict[str, str]:
    """Give each query its address; of several, the one with the most in its path."""
    return {name: path for path, name in sorted(PATHS.items(), key=lambda entry: entry[0].count("{"))}


def _interface(name: str, schema: Json) -> str:
    about = " ".join(schema.get("description", "").split())
    lines = [f"/** {about} */\n"] if about else []
    if schema.get("type") != "object" or "properties" not in schema:
        return "".join([*lines, f"export type {name} = {_type(schema)};\n\n"])
    required = set(schema.get("required", ()))
    fields = (
        f"  {key}{'' if key in required else '?'}: {_type(value)};\n" for key, value in schema["properties"].items()
    )
    return "".join([*lines, f"export interface {name} {{\n", *fields, "}\n\n"])


def _type(schema: Json) -> str:
    match schema:
        case {"$ref": name}:
            return str(name)
        case {"anyOf": choices}:
            return " | ".join(dict.fromkeys(_type(each) for each in choices))
        case {"enum": values}:
            return " | ".join(json.dumps(each) for each in values)
        case {"type": "array", "prefixItems": items}:
            return f"readonly [{', '.join(_type(each) for each in items)}]"
        case {"type": "array", "items": items} if items is not False:
            return f"readonly ({_type(items)})[]"
        case {"type": "object", "additionalProperties": dict() as values}:
            return f"Readonly<Record<string, {_type(values)}>>"
        case {"type": "object"}:
            return "Readonly<Record<string, unknown>>"
        case {"type": "integer" | "number"}:
            return "number"
        case {"type": "array"}:
            return "readonly unknown[]"
        case {"type": "string" | "boolean" | "null" as simple}:
            return simple
        case _:
            return "unknown"


def _union(name: str, schema: Json) -> str:
    members = "".join(f"\n  | {each['$ref']}" for each in schema["anyOf"])
    return f"export type {name} ={members};\n\n"


def _table(name: str, rows: Iterator[tuple[str, Json]] | Any) -> str:
    entries = "".join(f"  {json.dumps(key)}: {_type(schema)};\n" for key, schema in rows)
    return f"export interface {name} {{\n{entries}}}\n\n"


def _constant(name: str, kind: str, value: Json) -> str:
    entries = "".join(f"  {json.dumps(key)}: {json.dumps(each, ensure_ascii=False)},\n" for key, each in value.items())
    return f"export const {name}: {kind} = {{\n{entries}}};\n\n"


def _reachable(components: Json, roots: list[Json]) -> dict[str, Any]:
    """Give what frames are made of, without what they are not checked by."""
    found: dict[str, Any] = {}
    waiting = [name for root in roots for name in _references(root)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _slim(components[name])
            waiting += _references(components[name])
    return dict(sorted(found.items()))


def _references(schema: Any) -> Iterator[str]:
    match schema:
        case {"$ref": name}:
            yield name
        case dict():
            for each in schema.values():
                yield from _references(each)
        case list():
            for each in schema:
                yield from _references(each)
        case _:
            pass


def _slim(schema: Json) -> dict[str, Any]:
    slim: dict[str, Any] = {key: schema[key] for key in KEPT if schema.get(key)}
    match schema:
        case {"$ref": name}:
            return {"$ref": name}
        case {"anyOf": choices}:
            slim["anyOf"] = [_slim(each) for each in choices]
        case {"properties": properties}:
            slim["properties"] = {name: _slim(each) for name, each in properties.items()}
        case {"additionalProperties": dict() as values}:
            slim["additionalProperties"] = _slim(values)
        case {"items": dict() as items}:
            slim["items"] = _slim(items)
        case _:
            pass
    return slim


if __name__ == "__main__":
    if "--check" not in sys.argv:
        TARGET.write_text(generated(), encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != generated():
        sys.exit("src/generated.ts is not what the server says any more: `make types` writes it anew")
