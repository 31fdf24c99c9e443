"""The reference of the socket's messages, close codes and events, for people: written out of its AsyncAPI document.

`python -m transport.gateway.socket_reference > docs/socket.md`
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from transport.gateway.asyncapi import ABOUT, ANSWERED_BY, SAID, TOLD, op_of, schemas
from transport.gateway.socket_closing import CLOSINGS, Closing
from transport.gateway.socket_messages import Allowance, Present

Json = Mapping[str, Any]
HEAD = f"""\
# The socket: `/api/ws`

{ABOUT}
Feeds are `project:<id>`, and `account:<id>` for one's own account. Whatever is not required may also be null.

This page is generated: `python -m transport.gateway.socket_reference > docs/socket.md`. `/api/asyncapi.json` says the
same to programs, with every command, query and answer. What is told live, and for whom, is in `live-events.md`.
"""
CLOSE_CODES = """\
## Close codes

`bye` tells the code, whether to come back (`reconnect`) and when, before the server closes; the close frame repeats the
code. What clients do, ours among them:

| code | reason | reconnect | what a client does |
|---|---|---|---|
"""
EVENTS_HEAD = """\
## Events

What stands in `data` of an `event`, by its `type`. Members that may be absent or null are marked by `?`; personal ones
are always null.

| type | data |
|---|---|
"""


def markdown() -> str:
    """Write the page."""
    known = schemas()
    parts = [
        HEAD,
        "## What a client says\n",
        *(_message(each, known, _answers(each)) for each in SAID),
        "## What the server tells\n",
        *(_message(each, known) for each in TOLD),
        "## Parts of messages\n",
        *(_section(each.__name__, known[each.__name__]) for each in (Allowance, Present)),
        CLOSE_CODES + "".join(map(_closing, CLOSINGS)),
        EVENTS_HEAD + "".join(_events(known)),
    ]
    return "\n".join(parts)


def _answers(message: type[Struct]) -> str:
    several = [f"`{op_of(each)}`" for each in ANSWERED_BY.get(message, ())]
    if several == ["`error`"]:
        return "Answered by `error` where it is refused, else by nothing.\n"
    return f"Answered by {', '.join(several[:-1])} or {several[-1]}.\n" if len(several) > 1 else ""


def _message(message: type[Struct], known: Json, answers: str = "") -> str:
    return _section(f"`{op_of(message)}`", known[message.__name__], answers)


def _section(name: str, schema: Json, answers: str = "") -> str:
    required = set(schema.get("required", ()))
    rows = "".join(
        f"| `{field}` | {_kind(kind, required=field in required)} | {'yes' if field in required else ''} |\n"
        for field, kind in schema["properties"].items()
        if field != "op"
    )
    table = f"\n| member | is | required |\n|---|---|---|\n{rows}" if rows else ""
    return f"### {name}\n\n{schema['description']}\n{answers and chr(10) + answers}{table}"


def _kind(schema: Json, *, required: bool = True) -> str:
    """Say in a few words what a value is; that a member may be null as well as left out goes without saying."""
    match schema:
        case {"$ref": reference}:
            return _NAMES.get(name := str(reference).rpartition("/")[2], name)
        case {"anyOf": choices}:
            told = [each for each in choices if required or each != {"type": "null"}]
            return " or ".join(dict.fromkeys(map(_kind, told)))
        case {"enum": values}:
            return ", ".join(f"`{each}`" for each in values)
        case {"type": "array", "items": items}:
            return f"list of {_kind(items)}"
        case {"type": "string", "format": form}:
            return {"uuid": "UUID", "date-time": "time", "date": "date", "decimal": "decimal"}[str(form)]
        case {"type": "string"}:
            return f"text{_bounds(schema)}"
        case {"type": ("integer" | "number") as kind}:
            return f"{kind}{_bounds(schema)}"
        case {"type": ("boolean" | "null" | "object") as kind}:
            return kind
        case _:
            return "object, by the event's type: see below"


_NAMES = {
    "AnyCommand": "a command, with its name in `type`",
    "AnyQuery": "a query, with its name in `type`",
    "AnyAnswer": "a receipt, or the query's answer",
    "Problem": "a problem object, as REST answers it",
}


def _bounds(schema: Json) -> str:
    if "maxLength" in schema:
        return f" (at most {schema['maxLength']} long)"
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None:
        return ""
    return f" (from {least})" if most is None else f" ({least} to {most})"


def _closing(closing: Closing) -> str:
    comes_back = "yes" if closing.reconnect else "no"
    if closing.retry_after_ms:
        comes_back += f", {closing.retry_after_ms} ms"
    return f"| {closing.code} | {closing.reason} | {comes_back} | {closing.client} |\n"


def _events(known: Json) -> Iterator[str]:
    found = {
        each["properties"]["type"]["const"]: each["properties"]["data"]["$ref"].rpartition("/")[2]
        for each in known["EventFrame"]["oneOf"]
    }
    for name, schema in sorted(found.items()):
        yield f"| `{name}` | {_members(known[schema])} |\n"


def _members(schema: Json) -> str:
    required = set(schema.get("required", ()))
    members: Iterable[str] = (
        f"`{name}`{'' if name in required and {'type': 'null'} not in kind.get('anyOf', ()) else '?'}"
        for name, kind in schema["properties"].items()
    )
    return ", ".join(members)


if __name__ == "__main__":
    sys.stdout.write(markdown())
