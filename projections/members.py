"""Members: who may do what in which project, and who is invited to."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from msgspec import Struct, structs

from domain.project import Created, MemberInvited, MemberJoined, MemberRemoved, MemberRoleChanged, Role
from projections.asking import MEMBERS, Listing, Order, Page, Question, Reading
from projections.projection import Projection, Rows, Seen, Touched
from projections.rows import Row

MemberEvent = Created | MemberInvited | MemberJoined | MemberRoleChanged | MemberRemoved


class MemberRow(Row, frozen=True, kw_only=True):
    """An account's place in a project: a member where `joined`, else invited."""

    table: ClassVar = "members"
    key: ClassVar = ("project_id", "account_id")
    indexes: ClassVar = ("account_id, project_id",)

    project_id: UUID
    account_id: UUID
    role: Role
    joined: bool
    invited_by: str | None = None
    invited_at: datetime | None = None
    joined_at: datetime | None = None


def _keys(seen: Seen) -> Touched:
    event: MemberEvent = seen.event
    if isinstance(event, MemberJoined | MemberRoleChanged):
        yield MemberRow, (event.project_id, event.account_id)


def _fold(rows: Rows, seen: Seen) -> None:
    event: MemberEvent = seen.event
    match event:
        case Created(project_id=project_id, owner=owner):
            rows.put(MemberRow(project_id=project_id, account_id=owner, role="owner", joined=True, joined_at=seen.at))
        case MemberInvited(project_id=project_id, account_id=account_id, role=role):
            rows.put(
                MemberRow(
                    project_id=project_id,
                    account_id=account_id,
                    role=role,
                    joined=False,
                    invited_by=seen.actor,
                    invited_at=seen.at,
                )
            )
        case MemberJoined(project_id=project_id, account_id=account_id, role=role):
            row = _row(rows, project_id, account_id, role)
            rows.put(structs.replace(row, role=role, joined=True, joined_at=seen.at))
        case MemberRoleChanged(project_id=project_id, account_id=account_id, role=role):
            rows.put(structs.replace(_row(rows, project_id, account_id, role), role=role))
        case MemberRemoved(project_id=project_id, account_id=account_id):
            rows.delete(MemberRow, project_id, account_id)


def _row(rows: Rows, project_id: UUID, account_id: UUID, role: Role) -> MemberRow:
    row = rows.get(MemberRow, project_id, account_id)
    return row or MemberRow(project_id=project_id, account_id=account_id, role=role, joined=True)


PROJECTION = Projection(
    name=MEMBERS,
    version=1,
    rows=(MemberRow,),
    events=(Created, MemberInvited, MemberJoined, MemberRoleChanged, MemberRemoved),
    keys=_keys,
    fold=_fold,
)


class ListMembers(Listing, frozen=True, kw_only=True, tag="members.list"):
    """Who is in a project and who is invited, with their names; `joined` tells them apart."""

    project_id: UUID
    joined: bool | None = None


class Member(Struct, frozen=True, kw_only=True):
    """A member or an invited account. `name` and `email` are null once that person's data was erased."""

    account_id: UUID
    role: Role
    joined: bool
    name: str | None
    email: str | None
    invited_by: str | None
    invited_at: datetime | None
    joined_at: datetime | None


class ListInvitations(Listing, frozen=True, kw_only=True, tag="invitations.list"):
    """The projects that the asking account was invited to and has not joined."""


class Invitation(Struct, frozen=True, kw_only=True):
    """An open invitation."""

    project_id: UUID
    project_name: str
    role: Role
    invited_by: str | None
    invited_at: datetime | None


MEMBERS_OF = (
    "SELECT m.account_id, m.role, m.joined, a.name, a.email, m.invited_by, m.invited_at, m.joined_at"
    " FROM read.members m LEFT JOIN read.accounts a USING (account_id) WHERE m.project_id = %(project_id)s"
)
INVITED = (
    "SELECT m.project_id, p.name AS project_name, m.role, m.invited_by, m.invited_at"
    " FROM read.members m JOIN read.projects p USING (project_id) WHERE m.account_id = %(viewer)s AND NOT m.joined"
)


async def _list_members(reading: Reading, query: ListMembers) -> Page[Member]:
    found = await reading.page(
        query,
        Member,
        MEMBERS_OF,
        Order(fields=("account_id",), table="m"),
        ("joined", "m.joined = %(joined)s", query.joined),
        project_id=query.project_id,
    )
    readable = [
        structs.replace(member, name=await reading.open(member.name), email=await reading.open(member.email))
        for member in found.items
    ]
    return structs.replace(found, items=readable)


async def _list_invitations(reading: Reading, query: ListInvitations) -> Page[Invitation]:
    return await reading.page(query, Invitation, INVITED, Order(fields=("project_id",), table="m"))


QUESTIONS = (
    Question(query=ListMembers, result=Page[Member], sources=(MEMBERS, "accounts"), answer=_list_members),
    Question(query=ListInvitations, result=Page[Invitation], sources=(MEMBERS, "projects"), answer=_list_invitations),
)
