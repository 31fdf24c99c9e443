"""What the Python client knows of the socket's messages: a module with a struct for each, as the server has them.

`make types` writes it; `python -m transport.client_messages` prints it.
"""

import sys
from typing import get_args

from msgspec import inspect

from commands import Receipt
from commands.frames import EventFrame, ProgressFrame
from transport.client_types import Writer
from transport.gateway import socket_messages
from transport.gateway.socket_messages import ClientPing

HEAD = '''"""What is said on the wire, as structs. Generated: `make types`.

Members that a newer server adds are passed over, and where it may add a value, any text will do. This client numbers
its messages, so their ids are whole numbers.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Raw, Struct


class _Said(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    """Something the client says."""


class _Told(Struct, frozen=True, kw_only=True, tag_field="op"):
    """Something the server tells."""
'''
SAID: tuple[type, ...] = tuple(each for each in get_args(socket_messages.Said) if each is not ClientPing)
"""Whatever is said but pings: the client leaves them to the server."""
TOLD: tuple[type, ...] = (EventFrame, ProgressFrame, *get_args(socket_messages.Told))
NAMES = {ProgressFrame: "Progress"}
LINE = 120


def module() -> str:
    """Write the module."""
    writer = _Messages(NAMES)
    said, told = ([writer.write(each) for each in messages] for messages in (SAID, TOLD))
    writer.write(Receipt)
    unions = (_union("Said", said), _union("Told", told))
    return "\n".join((HEAD.rstrip("\n"), *writer.classes.values(), "", "", *unions, ""))


class _Messages(Writer):
    """Writes messages: what carries a payload leaves it as it came, for its taker to read."""

    _saying = False

    def parent(self, described: inspect.StructType) -> str:
        """Tell what is said from what is told, and from parts of either."""
        if described.tag is None:
            return "Struct, frozen=True, kw_only=True"
        side = "_Said" if described.cls in SAID else "_Told"
        light = ", gc=False" if described.cls is EventFrame else ""  # there are many, and none holds a cycle
        return f'{side}, frozen=True, kw_only=True{light}, tag="{described.tag}"'

    def field(self, field: inspect.Field, personal: tuple[str, ...] = ()) -> str:
        """Leave a payload of any kind unread."""
        return "Raw" if isinstance(field.type, inspect.AnyType) else super().field(field, personal)

    def spelled(self, kind: inspect.Type) -> str:
        """Write a type as the client has it."""
        match kind:
            case inspect.RawType():
                return "Raw | dict[str, Any]" if self._saying else "Raw"
            case inspect.LiteralType():
                return "str"
            case inspect.ListType(item_type=item):
                return f"tuple[{self.spelled(item)}, ...]"
            case inspect.UnionType(types=types) if any(isinstance(each, inspect.IntType) for each in types):
                ours = tuple(each for each in types if not isinstance(each, inspect.StrType))
                return super().spelled(inspect.UnionType(ours))
            case _:
                return super().spelled(kind)

    def write(self, struct: type, personal: tuple[str, ...] = ()) -> str:
        """Write a struct."""
        if struct in (*SAID, *TOLD):
            self._saying = struct in SAID
        return super().write(struct, personal)


def _union(name: str, parts: list[str]) -> str:
    line = f"{name} = {' | '.join(parts)}"
    if len(line) <= LINE:
        return line
    return "\n".join((f"{name} = (", f"    {parts[0]}", *(f"    | {part}" for part in parts[1:]), ")"))


if __name__ == "__main__":
    sys.stdout.write(module())
