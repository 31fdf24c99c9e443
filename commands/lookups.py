"""What a decision needs besides command and state: hashes of secrets, other aggregates, earlier states.

Decisions are pure, so the bus looks these up first and hands them over in the context.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from commands.passwords import Passwords
from commands.refusals import Forbidden
from commands.states import States
from commands.tokens import Tokens
from domain.account import Account, ChangePassword, Credentials, Erase, IssueToken, Register
from domain.analysis import RequestAnalysis, RequestUploaded, SharingPolicy, analysis_id_of
from domain.audit import AuditCompleted, Scope, StartAudit
from domain.budget import Budget, RestoreVersion, UnknownVersion
from domain.catalogue import AttachCatalogue, ImportPrices
from domain.comparison import AddComparison, Compared, Comparison
from domain.core import Command
from domain.document import Document, UnknownDocument
from domain.experts.rules import RULES
from domain.job import RequestExport
from domain.project import ChangeMemberRole, Project, RemoveMember, Role, UnknownProject
from domain.thread import DeleteMessage, EditMessage, Link, OpenThread, PostMessage, Surroundings, links_of


@lru_cache(maxsize=10_000)
def _person(actor: str) -> bytes:
    return sha256(actor.encode()).digest()[:16]


class Found(Struct, frozen=True, kw_only=True):
    """What was looked up: for the decision, the unique values it will claim, and what only the caller may learn.

    `pins`: streams that the decision rests on besides, with their versions.
    """

    given: Any = None
    claims: tuple[str, ...] = ()
    pins: dict[str, int] = {}
    result: dict[str, Any] = {}


NOTHING = Found()
Find = Callable[[Any, States, bool], Awaitable[Found]]


class Lookups:
    """Finds what commands need. Most need nothing."""

    def __init__(
        self, master_key: bytes, passwords: Passwords, tokens: Tokens, sharing: SharingPolicy = "per_account"
    ) -> None:
        """Derive digests from `master_key`, so that the log reveals neither addresses nor bodies.

        `sharing` decides whether accounts share analyses: for every door, as all commands come through here.
        """
        self._key = master_key
        self._sharing: SharingPolicy = sharing
        self._passwords = passwords
        self._tokens = tokens
        self._finders: dict[type[Command], Find] = {
            Register: self._registration,
            ChangePassword: self._password_change,
            IssueToken: self._token,
            Erase: self._erasure,
            ChangeMemberRole: self._erased_owners,
            RemoveMember: self._erased_owners,
            StartAudit: self._audit_scope,
            RestoreVersion: self._past_budget,
            ImportPrices: self._price_list,
            AttachCatalogue: self._attachment,
            RequestExport: self._newest_version,
            AddComparison: self._compared_document,
            OpenThread: self._links,
            PostMessage: self._links,
            EditMessage: self._links,
            DeleteMessage: self._members,
        }

    async def find(self, command: Command, states: States, *, fresh: bool) -> Found:
        """Look up what `command` needs; with `fresh`, from the log and not from memory."""
        finder = self._finders.get(type(command))
        return NOTHING if finder is None else await finder(command, states, fresh)

    async def addressed(self, command: Command, states: States) -> Command:
        """Complete a command whose stream the service finds: an analysis is named by policy, kind and content.

        Raises `UnknownProject`, `UnknownDocument` where the account may not read what it wants analysed.
        """
        match command:
            case RequestAnalysis():
                content_hash = (await _document(states, command)).content_hash
            case RequestUploaded(content_hash=content_hash):
                pass
            case _:
                return command
        named = analysis_id_of(self._sharing, command.kind, content_hash, command.account_id)
        return structs.replace(command, analysis_id=named, content_hash=content_hash)

    async def repeated(self, command: Command) -> dict[str, Any]:
        """Give the result of a command that was carried out before."""
        return self._tokens.issued(command) if isinstance(command, IssueToken) else {}

    def command_hash(self, actor: str, command: Command) -> bytes:
        """Digest who commands what, to tell a repeated command from another one under the same id."""
        body = msgspec.json.encode(command)
        return blake2b(body, key=self._key, digest_size=16, person=_person(actor)).digest()

    def email_claim(self, email: str) -> str:
        """Name the unique value that an e-mail address is, without revealing it."""
        digest = hmac.digest(self._key, f"email:{email.strip().casefold()}".encode(), "sha256")
        return f"email:{digest.hex()[:32]}"

    async def _registration(self, command: Register, _states: States, _fresh: bool) -> Found:
        claim = self.email_claim(command.email)
        password_hash = await self._passwords.hash(command.password)
        return Found(given=Credentials(email_claim=claim, password_hash=password_hash), claims=(claim,))

    async def _password_change(self, command: ChangePassword, states: States, fresh: bool) -> Found:
        account: Account = (await states.get(f"account:{command.account_id}", fresh=fresh)).state
        matches = await self._passwords.verify(account.password_hash, command.old_password)
        password_hash = await self._passwords.hash(command.new_password) if matches else ""
        return Found(given=Credentials(password_hash=password_hash, password_matches=matches))

    async def _token(self, command: IssueToken, _states: States, _fresh: bool) -> Found:
        return Found(
            given=Credentials(token_sha256=self._tokens.digest(command.token_id)), result=self._tokens.issued(command)
        )

    async def _erasure(self, command: Erase, states: States, fresh: bool) -> Found:
        account: Account = (await states.get(f"account:{command.account_id}", fresh=fresh)).state
        matches = bool(command.password) and await self._passwords.verify(account.password_hash, command.password)
        claim = "" if account.email is None else self.email_claim(account.email)
        only_owner_of, pins = await _only_owner_of(states, command.account_id, fresh=fresh)
        given = Credentials(email_claim=claim, password_matches=matches, only_owner_of=only_owner_of)
        return Found(given=given, claims=(claim,) if claim else (), pins=pins)

    async def _erased_owners(self, command: ChangeMemberRole | RemoveMember, states: States, fresh: bool) -> Found:
        project: Project = (await states.get(f"project:{command.project_id}", fresh=fresh)).state
        owners = [member for member, role in project.members.items() if role == "owner"]
        erased, pins = await _erased(states, owners, fresh=fresh)
        return Found(given=erased, pins=pins)

    async def _audit_scope(self, command: StartAudit, states: States, _fresh: bool) -> Found:
        budget: Budget = (await states.get(f"budget:{command.project_id}", fresh=True)).state
        project: Project = (await states.get(f"project:{command.project_id}", fresh=True)).state
        completed = await states.latest(f"project:{command.project_id}", AuditCompleted)
        scope = Scope(
            version=budget.version,
            rules=tuple(rule.id for rule in RULES),
            settings=project.audit_settings,
            previous=completed and completed.audit_id,
            compared=await _compared(states, command.project_id),
        )
        return Found(given=scope)

    async def _newest_version(self, command: RequestExport, states: States, _fresh: bool) -> Found:
        budget: Budget = (await states.get(f"budget:{command.project_id}", fresh=True)).state
        return Found(given=budget.version)

    async def _compared_document(self, command: AddComparison, states: States, _fresh: bool) -> Found:
        """Make sure that the project has the document. Raises `UnknownDocument`."""
        await _of_project(states, command.project_id, command.document_id)
        return NOTHING

    async def _members(self, command: DeleteMessage, states: States, fresh: bool) -> Found:
        project: Project = (await states.get(f"project:{command.project_id}", fresh=fresh)).state
        return Found(given=Surroundings(members=project.members))

    async def _links(self, command: OpenThread | PostMessage | EditMessage, states: States, fresh: bool) -> Found:
        """Find which of a message's links lead somewhere; for a command without links that costs nothing."""
        project: Project = (await states.get(f"project:{command.project_id}", fresh=fresh)).state
        links = await _leading_somewhere(states, command.project_id, links_of(command), fresh=fresh)
        return Found(given=Surroundings(members=project.members, links=links))

    async def _past_budget(self, command: RestoreVersion, states: States, _fresh: bool) -> Found:
        return Found(given=await past_budget(states, command.project_id, command.version))

    async def _price_list(self, command: ImportPrices, states: States, _fresh: bool) -> Found:
        """Give the hash of a project's document. Raises `UnknownProject`, `UnknownDocument`."""
        return Found(given=(await _document(states, command)).content_hash)

    async def _attachment(self, command: AttachCatalogue, states: States, _fresh: bool) -> Found:
        if await _role(states, command) not in MAY_PRICE:
            raise Forbidden("Only owners and editors of a project may attach a catalogue to it.")
        return NOTHING


async def _only_owner_of(states: States, account_id: UUID, *, fresh: bool) -> tuple[tuple[UUID, ...], dict[str, int]]:
    """Find the projects in which nobody could take an account's place, and the versions of all that this rests on.

    An archived project needs no owner, and one that nobody else is in or invited to is missed by nobody.
    """
    only: list[UUID] = []
    pins: dict[str, int] = {}
    for stream in await states.joined(f"account:{account_id}"):
        entry = await states.get(stream, fresh=fresh)
        project: Project = entry.state
        pins[stream] = entry.version
        if project.archived or project.members.get(account_id) != "owner":
            continue
        others = {*project.members, *project.invited} - {account_id}
        erased, versions = await _erased(states, others, fresh=fresh)
        pins |= versions
        others -= erased
        if others and not any(project.members.get(other) == "owner" for other in others):
            only.append(UUID(stream.removeprefix("project:")))
    return tuple(only), pins


async def _erased(states: States, accounts: Iterable[UUID], *, fresh: bool) -> tuple[frozenset[UUID], dict[str, int]]:
    """Find which of these accounts were erased, and the versions of all of them."""
    found = {each: await states.get(f"account:{each}", fresh=fresh) for each in accounts}
    erased = frozenset(each for each, entry in found.items() if entry.state.status == "erased")
    return erased, {f"account:{each}": entry.version for each, entry in found.items()}


MAY_PRICE: frozenset[Role] = frozenset({"owner", "editor"})
"""Whose catalogues count in a project's audits."""


async def _document(states: States, command: ImportPrices | RequestAnalysis) -> Document:
    """Give a document that the account may read. Raises `UnknownProject`, `UnknownDocument`."""
    await _role(states, command)
    return await _of_project(states, command.project_id, command.document_id)


async def _of_project(states: States, project_id: UUID, document_id: UUID) -> Document:
    """Give a document that is in the project now. Raises `UnknownDocument`."""
    document = await _found(states, project_id, document_id, fresh=True)
    if document is None:
        raise UnknownDocument
    return document


async def _found(states: States, project_id: UUID, document_id: UUID, *, fresh: bool) -> Document | None:
    """Give a document, if the project has it."""
    document: Document = (await states.get(f"document:{document_id}", fresh=fresh)).state
    return document if document.exists and document.project_id == project_id else None


async def _leading_somewhere(
    states: States, project_id: UUID, links: frozenset[Link], *, fresh: bool
) -> frozenset[Link]:
    """Give the links that lead to a position or a document that the project has. The budget is read once for all."""
    found: set[Link] = set()
    positions = {link for link in links if link[0] == "position"}
    if positions:
        budget: Budget = (await states.get(f"budget:{project_id}", fresh=fresh)).state
        found.update(link for link in positions if link[1] in budget.positions)
    for link in links - positions:
        if await _found(states, project_id, link[1], fresh=fresh) is not None:
            found.add(link)
    return frozenset(found)


async def _compared(states: States, project_id: UUID) -> tuple[Compared, ...]:
    """Give the documents that a project's prices are compared with, as far as they are there and were read."""
    comparison: Comparison = (await states.get(f"comparison:{project_id}", fresh=True)).state
    found: list[Compared] = []
    for added in comparison.documents.values():
        document: Document = (await states.get(f"document:{added.document_id}", fresh=True)).state
        if document.exists and document.bill_hash:
            name = added.bidder or document.filename
            found.append(
                Compared(
                    document_id=added.document_id,
                    compared_as=added.compared_as,
                    name=name,
                    bill_hash=document.bill_hash,
                )
            )
    return tuple(found)


async def _role(states: States, command: ImportPrices | AttachCatalogue | RequestAnalysis) -> Role:
    """Give the account's role in the project that a command names. Raises `UnknownProject`."""
    project: Project = (await states.get(f"project:{command.project_id}", fresh=True)).state
    role = project.members.get(command.account_id)
    if role is None:
        raise UnknownProject
    return role


async def past_budget(states: States, project_id: UUID, version: int) -> Budget:
    """Fold a project's budget as it was when `version` was complete. Raises `UnknownVersion`."""
    budget = await states.past(f"budget:{project_id}", until=lambda state: state.version == version)
    if budget.version != version:
        raise UnknownVersion
    return budget
