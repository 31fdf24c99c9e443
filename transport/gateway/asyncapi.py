"""The AsyncAPI 3.0 document of the socket, generated from the structs of its messages and the registries.

Its schemas are JSON Schema draft 7 with a `discriminator` that is a name, as AsyncAPI has it.
"""

from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import Any, cast, get_args

import msgspec
from msgspec import Struct, structs

from commands import Receipt
from commands.frames import EventFrame, ProgressFrame
from commands.rights import PUBLIC
from domain.registry import EVENTS
from projections.queries import QUERIES, RESULT_OF
from transport.errors import Problem
from transport.gateway.socket_closing import CLOSINGS
from transport.gateway.socket_formats import JSON, MESSAGE_BYTES, MSGPACK
from transport.gateway.socket_messages import (
    Acknowledge,
    Ask,
    Authenticate,
    BePresent,
    ClientPing,
    Error,
    Reset,
    Result,
    RunCommand,
    Said,
    ServerPong,
    SignedIn,
    Subscribe,
    Subscribed,
    Told,
    Unsubscribe,
    Unsubscribed,
    Welcome,
)
from transport.gateway.socket_wire import PATH
from transport.rest.openapi_parts import title_of_struct
from transport.rest.schemas import as_it_travels, may_be_named
from transport.sessions import COOKIE

Json = dict[str, Any]
CHANNEL = "socket"
REF = "#/components/schemas/{name}"
SAID: tuple[type[Struct], ...] = get_args(Said)
TOLD: tuple[type[Struct], ...] = (*get_args(Told), EventFrame, ProgressFrame)
ANSWERED_BY: dict[type[Struct], tuple[type[Struct], ...]] = {
    Subscribe: (Subscribed, Reset, Error),
    Unsubscribe: (Unsubscribed, Error),
    RunCommand: (Result, Error),
    Ask: (Result, Error),
    Acknowledge: (Error,),
    BePresent: (Error,),
    Authenticate: (SignedIn, Welcome, Error),
    ClientPing: (ServerPong,),
}
"""What the server says to a message. What is not refused by an `Error` alone is done silently."""
ABOUT = f"""\
Feeds of events, live and replayed, commands and queries over one connection.

Several messages may share a frame: a line each in `{JSON.name}` (text), end to end in `{MSGPACK.name}` (binary, the
same shapes). A message that comes in has at most {MESSAGE_BYTES} bytes. Sign in by the session cookie from an allowed
origin, by a bearer token in the handshake, or by `auth` as the first message; `welcome` says that it worked. Per feed,
events come in the order of their sequence, without gap or repeat. Before the server closes, it says `bye`.
"""


def document() -> Json:
    """Write the document."""
    messages = {each.__name__: _message(each) for each in (*SAID, *TOLD)}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Plumbline's socket", "version": "1", "description": ABOUT},
        "defaultContentType": "application/json",
        "servers": {"here": _server()},
        "channels": {CHANNEL: _channel(messages)},
        "operations": _operations(),
        "components": {"schemas": schemas(), "messages": messages, "securitySchemes": _SECURITY},
    }


def op_of(message: type[Struct]) -> str:
    """Give a message's `op`."""
    return str(message.__struct_config__.tag)


def schemas() -> Json:
    """Give the schema of every message, command, query, answer and event, by its name."""
    groups = (tuple(PUBLIC.values()), tuple(QUERIES.values()), (Receipt, *RESULT_OF.values()), tuple(EVENTS.values()))
    named = [*SAID, *TOLD, Problem, *(each for group in groups for each in group)]
    found, components = msgspec.json.schema_components(named, ref_template=REF)
    rest = iter(found[len(SAID) + len(TOLD) + 1 :])
    commands, queries, answers, events = ([next(rest) for _ in group] for group in groups)
    for command, schema in zip(PUBLIC.values(), commands, strict=True):
        may_be_named(_named(components, schema), command)
    for event, schema in zip(EVENTS.values(), events, strict=True):
        as_it_travels(_named(components, schema), event)
    components |= {
        "AnyCommand": _any("A command.", commands, by="type"),
        "AnyQuery": _any("A query.", queries, by="type"),
        "AnyAnswer": _any("A command's receipt, or a query's answer.", answers),
    }
    _place(components, RunCommand, "command", "AnyCommand")
    _place(components, Ask, "query", "AnyQuery")
    _place(components, Result, "result", "AnyAnswer")
    _place(components, Error, "problem", Problem.__name__)
    components[EventFrame.__name__]["oneOf"] = [
        {"properties": {"type": {"const": name}, "data": schema}} for name, schema in zip(EVENTS, events, strict=True)
    ]
    return {name: _as_asyncapi_has_it(schema) for name, schema in sorted(components.items())}


def _named(components: Json, reference: Mapping[str, Any]) -> Json:
    return components[reference["$ref"].rpartition("/")[2]]


def _any(description: str, choices: list[Json], *, by: str | None = None) -> Json:
    several = {"description": description, "anyOf": choices}
    return several if by is None else several | {"discriminator": by}


def _place(components: Json, message: type[Struct], field: str, name: str) -> None:
    components[message.__name__]["properties"][field] = {"$ref": REF.format(name=name)}


def _as_asyncapi_has_it(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_as_asyncapi_has_it(each) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    written: Json = {key: _as_asyncapi_has_it(value) for key, value in cast("Json", schema).items()}
    if isinstance(written.get("discriminator"), dict):
        written["discriminator"] = written["discriminator"]["propertyName"]
    if isinstance(written.get("description"), str):
        written["description"] = cleandoc(written["description"])
    if "prefixItems" in written:
        written |= {"items": written.pop("prefixItems"), "additionalItems": False}
    return written


def _message(message: type[Struct]) -> Json:
    described = {
        "name": op_of(message),
        "title": message.__name__,
        "summary": title_of_struct(message),
        "contentType": "application/json",
        "payload": {"$ref": REF.format(name=message.__name__)},
    }
    if "id" in message.__struct_fields__:
        location = "$message.payload#/id"
        described["correlationId"] = {"location": location, "description": "The client's own name for a message."}
    return described


def _server() -> Json:
    return {
        "host": "{host}",
        "protocol": "wss",
        "variables": {
            "host": {"default": "localhost:8000", "description": "Where Plumbline listens; `ws` without TLS."}
        },
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY],
    }


def _channel(messages: Iterable[str]) -> Json:
    offered = {"type": "string", "enum": [JSON.name, MSGPACK.name]}
    headers = {"type": "object", "properties": {"Sec-WebSocket-Protocol": offered}}
    return {
        "address": PATH,
        "title": "The socket",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {"method": "GET", "headers": headers, "bindingVersion": "0.1.0"}},
        "x-close-codes": [
            {name: value for name, value in structs.asdict(each).items() if name != "flush"} for each in CLOSINGS
        ],
    }


def _operations() -> Json:
    """Give what the server receives with what it answers, and what it sends."""
    return {f"receive.{op_of(each)}": _received(each) for each in SAID} | {
        f"send.{op_of(each)}": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{CHANNEL}"},
            "summary": title_of_struct(each),
            "messages": [_in_channel(each)],
        }
        for each in TOLD
    }


def _received(message: type[Struct]) -> Json:
    operation: Json = {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{CHANNEL}"},
        "summary": title_of_struct(message),
        "messages": [_in_channel(message)],
    }
    if answers := ANSWERED_BY.get(message):
        reply = {"channel": {"$ref": f"#/channels/{CHANNEL}"}, "messages": [_in_channel(each) for each in answers]}
        operation["reply"] = reply
    return operation


def _in_channel(message: type[Struct]) -> Json:
    return {"$ref": f"#/channels/{CHANNEL}/messages/{message.__name__}"}


_SECURITY: Json = {
    "token": {"type": "http", "scheme": "bearer"},
    "session": {
        "type": "httpApiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "With an `Origin` that is allowed.",
    },
    "ticket": {
        "type": "userPassword",
        "description": "A ticket of `POST /api/commands/socket.ticket`, or a token, in the first message: `auth`.",
    },
}
