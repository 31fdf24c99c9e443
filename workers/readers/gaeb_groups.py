"""Groups of GAEB DA XML whose members stand for each other: items or categories, a base and its alternatives.

The base has the lowest serial number, 0 in documents that conform. In orders `Accepted` says which was chosen:
`AltAccept` of an alternative, `BasReject` of the base.
"""

from collections.abc import Sequence

from msgspec import Struct

YES = {"yes", "ja", "true", "1"}
ACCEPTED, REJECTED = {"altaccept", *YES}, "basreject"


class Member(Struct, frozen=True):
    """A member by its serial number, with what `Accepted` says of it."""

    serial: int
    accepted: str

    @property
    def is_chosen(self) -> bool:
        """Whether it was ordered in the place of another one."""
        return self.accepted.casefold() in ACCEPTED

    @property
    def is_rejected(self) -> bool:
        """Whether it was not ordered."""
        return self.accepted.casefold() == REJECTED


def enter_sums(members: Sequence[Member]) -> list[bool]:
    """Tell of each member of a group whether it enters sums."""
    if any(member.is_chosen for member in members):
        return [member.is_chosen for member in members]
    lowest = min(member.serial for member in members)
    return [member.serial == lowest and not member.is_rejected for member in members]


def serial_of(stated: str) -> int:
    """Read a serial number; what is none counts as 0."""
    return int(stated) if stated.isdecimal() else 0
