import asyncio
from decimal import Decimal
from uuid import UUID

import pytest

from commands import Busy, Forbidden, IdempotencyMismatch, NotSignedIn, PersonErased
from commands.identities import BadCredentials
from commands.write_side import WriteSide
from domain.account import (
    AlreadyRegistered,
    ChangePassword,
    EmailTaken,
    Erase,
    GrantRole,
    IssueToken,
    OnlyOwner,
    Register,
    RevokeToken,
    Suspend,
    WrongPassword,
)
from domain.budget import AddPosition, Edit, EditPosition, RestoreVersion, RevisionConflict, UnknownPosition
from domain.core import SYSTEM, Refused
from domain.project import (
    AcceptInvitation,
    ArchiveProject,
    ChangeMemberRole,
    InviteMember,
    LastOwner,
    ProjectArchived,
    RemoveMember,
    RenameProject,
    Role,
    UnknownProject,
)
from domain.thread import EditMessage, OpenThread, PostMessage
from eventstore import Append, Appended, EventStore, Recorded
from runtime.ids import new_id
from tests.acting import PASSWORD, Open, create_project, register


def account_id(actor: str) -> UUID:
    return UUID(actor.removeprefix("account:"))


async def add_position(write: WriteSide, actor: str, project_id: UUID, price: str = "10") -> UUID:
    position_id = new_id()
    fields = Edit(description="Concrete", quantity=Decimal("2.5"), unit="m3", unit_price=Decimal(price))
    await write.bus.execute(AddPosition(project_id=project_id, position_id=position_id, fields=fields), actor=actor)
    return position_id


async def test_a_receipt_names_the_last_event_of_the_command(write: WriteSide) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    receipt = await write.bus.execute(RenameProject(project_id=project_id, name="Villa"), actor=actor)
    (_, renamed) = await write.store.feed(f"project:{project_id}")
    assert (receipt.feed, receipt.sequence, receipt.position) == (renamed.feed, 2, renamed.position)
    assert renamed.actor == actor
    assert renamed.correlation_id == renamed.causation_id == receipt.command_id == renamed.command_id


async def test_nothing_to_do_counts_only_on_what_is_true_now(write: WriteSide, open_write_side: Open) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    await write.bus.execute(RenameProject(project_id=project_id, name="Villa"), actor=actor)
    async with open_write_side() as other:
        await other.bus.execute(RenameProject(project_id=project_id, name="Tower"), actor=actor)
    again = await write.bus.execute(RenameProject(project_id=project_id, name="Villa"), actor=actor)
    assert (again.unchanged, again.sequence) == (False, 4)


async def test_the_same_command_again_answers_the_first_receipt(write: WriteSide, open_write_side: Open) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    command, command_id = RenameProject(project_id=project_id, name="Villa"), new_id()
    first = await write.bus.execute(command, actor=actor, command_id=command_id)
    await write.bus.execute(RenameProject(project_id=project_id, name="Tower"), actor=actor)
    again = await write.bus.execute(command, actor=actor, command_id=command_id)
    async with open_write_side() as other:
        elsewhere = await other.bus.execute(command, actor=actor, command_id=command_id)
    assert not first.replayed
    for receipt in (again, elsewhere):
        assert receipt.replayed
        assert (receipt.sequence, receipt.position) == (first.sequence, first.position)
    assert len(await write.store.feed(f"project:{project_id}")) == 3


async def test_a_repeated_command_that_would_now_be_refused_answers_the_first_receipt(write: WriteSide) -> None:
    actor = await register(write)
    project_id = new_id()
    first = await create_project(write, actor)
    command, command_id = AddPosition(project_id=first, position_id=project_id, fields=Edit(code="1")), new_id()
    receipt = await write.bus.execute(command, actor=actor, command_id=command_id)
    again = await write.bus.execute(command, actor=actor, command_id=command_id)
    assert (again.replayed, again.position) == (True, receipt.position)


async def test_the_same_id_with_another_body_or_actor_is_an_error(write: WriteSide) -> None:
    actor, other = await register(write), await register(write)
    project_id = await create_project(write, actor)
    command_id = new_id()
    await write.bus.execute(RenameProject(project_id=project_id, name="Villa"), actor=actor, command_id=command_id)
    with pytest.raises(IdempotencyMismatch):
        await write.bus.execute(RenameProject(project_id=project_id, name="Hut"), actor=actor, command_id=command_id)
    with pytest.raises(IdempotencyMismatch):
        await write.bus.execute(RenameProject(project_id=project_id, name="Villa"), actor=other, command_id=command_id)


async def test_a_command_that_changes_nothing_stores_nothing(write: WriteSide) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    head = await write.store.head()
    receipt = await write.bus.execute(RenameProject(project_id=project_id, name="House"), actor=actor)
    assert (receipt.sequence, receipt.replayed, receipt.unchanged) == (1, False, True)
    assert await write.store.head() == head


async def test_strangers_learn_nothing_and_viewers_change_nothing(write: WriteSide) -> None:
    owner, viewer, stranger = await register(write), await register(write), await register(write)
    project_id = await create_project(write, owner)
    invite = InviteMember(project_id=project_id, account_id=account_id(viewer), role="viewer")
    await write.bus.execute(invite, actor=owner)
    await write.bus.execute(AcceptInvitation(project_id=project_id), actor=viewer)
    rename = RenameProject(project_id=project_id, name="Mine")
    with pytest.raises(UnknownProject):
        await write.bus.execute(rename, actor=stranger)
    with pytest.raises(Forbidden):
        await write.bus.execute(rename, actor=viewer)
    with pytest.raises(NotSignedIn):
        await write.bus.execute(rename, actor="")
    with pytest.raises(Forbidden):
        await write.bus.execute(GrantRole(account_id=account_id(viewer), plan="pro", admin=True), actor=viewer)


async def test_rights_taken_away_in_another_process_count_at_once(write: WriteSide, open_write_side: Open) -> None:
    owner, editor = await register(write), await register(write)
    project_id = await create_project(write, owner)
    invite = InviteMember(project_id=project_id, account_id=account_id(editor), role="editor")
    await write.bus.execute(invite, actor=owner)
    await write.bus.execute(AcceptInvitation(project_id=project_id), actor=editor)
    position_id = await add_position(write, editor, project_id)
    async with open_write_side() as other:
        await other.bus.execute(RemoveMember(project_id=project_id, account_id=account_id(editor)), actor=owner)
    edit = EditPosition(project_id=project_id, position_id=position_id, changes=Edit(code="9"))
    with pytest.raises(UnknownProject):
        await write.bus.execute(edit, actor=editor)


async def test_a_suspended_account_does_nothing(write: WriteSide) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    await write.bus.execute(Suspend(account_id=account_id(actor), reason="left"), actor=SYSTEM)
    with pytest.raises(Forbidden):
        await write.bus.execute(RenameProject(project_id=project_id, name="Villa"), actor=actor)


async def test_an_archived_project_takes_no_positions(write: WriteSide) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    await write.bus.execute(ArchiveProject(project_id=project_id), actor=actor)
    with pytest.raises(ProjectArchived):
        await add_position(write, actor, project_id)


async def test_what_another_process_stored_is_seen_before_a_refusal_counts(
    write: WriteSide, open_write_side: Open
) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    await add_position(write, actor, project_id)
    async with open_write_side() as other:
        position_id = await add_position(other, actor, project_id)
    edit = EditPosition(project_id=project_id, position_id=position_id, changes=Edit(code="7"))
    await write.bus.execute(edit, actor=actor)


async def test_all_who_ask_for_a_fresh_state_share_a_read_that_begins_after_they_asked(
    write: WriteSide, open_write_side: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await register(write)
    states = write.bus.states
    before = (await states.get(owner)).version
    reads, watching, gate = 0, True, asyncio.Event()
    stream = EventStore.stream

    async def watched(store: EventStore, name: str, **options: int) -> list[Recorded]:
        nonlocal reads
        found = await stream(store, name, **options)
        if watching:
            reads += 1
            await gate.wait()
        return found

    monkeypatch.setattr(EventStore, "stream", watched)
    early = asyncio.create_task(states.get(owner, fresh=True))
    while not reads:
        await asyncio.sleep(0.001)
    watching = False
    async with open_write_side() as elsewhere:
        issue = IssueToken(account_id=account_id(owner), token_id=new_id(), name="ci")
        await elsewhere.bus.execute(issue, actor=owner)
    watching = True
    late = [asyncio.create_task(states.get(owner, fresh=True)) for _ in range(50)]
    await asyncio.sleep(0)
    gate.set()
    await early
    assert {entry.version for entry in await asyncio.gather(*late)} == {before + 1}
    assert reads == 2


async def test_processes_that_race_for_one_stream_all_get_through(write: WriteSide, open_write_side: Open) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    async with open_write_side() as second, open_write_side() as third:
        racers = [each for each in (write, second, third) for _ in range(20)]
        await asyncio.gather(*(add_position(each, actor, project_id) for each in racers))
    events = await write.store.stream(f"budget:{project_id}")
    assert [event.version for event in events] == list(range(1, 2 * len(racers) + 1))


async def test_who_loses_every_race_is_told_in_the_end(
    write: WriteSide, open_write_side: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.bus.PATIENCE", 0.2)
    actor = await register(write)
    project_id = await create_project(write, actor)
    async with open_write_side() as rival:
        append = write.store.append

        async def too_late(given: Append) -> Appended:
            await add_position(rival, actor, project_id)
            return await append(given)

        monkeypatch.setattr(write.store, "append", too_late)
        with pytest.raises(Busy):
            await add_position(write, actor, project_id)
    assert len(await write.store.stream(f"budget:{project_id}")) > 2


async def test_whoever_named_the_revision_gets_the_conflict_with_the_present_state(
    write: WriteSide, open_write_side: Open
) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    position_id = await add_position(write, actor, project_id)
    async with open_write_side() as other:
        first = EditPosition(project_id=project_id, position_id=position_id, changes=Edit(code="1"))
        await other.bus.execute(first, actor=actor)
    late = EditPosition(project_id=project_id, position_id=position_id, changes=Edit(code="2"), expected_revision=1)
    with pytest.raises(RevisionConflict) as conflict:
        await write.bus.execute(late, actor=actor)
    assert conflict.value.extra["current_revision"] == 2
    assert conflict.value.extra["current"].code == "1"


async def test_a_version_is_restored_from_the_log(write: WriteSide, open_write_side: Open) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    position_id = await add_position(write, actor, project_id, "10")
    price = Edit(unit_price=Decimal(99))
    await write.bus.execute(EditPosition(project_id=project_id, position_id=position_id, changes=price), actor=actor)
    async with open_write_side() as other:
        await other.bus.execute(RestoreVersion(project_id=project_id, version=1), actor=actor)
        budget = (await other.bus.states.get(f"budget:{project_id}")).state
    assert (budget.version, budget.total_cost) == (3, Decimal("25.00"))
    assert budget.positions[position_id].revision == 3


async def test_an_address_belongs_to_one_account_even_in_a_race(write: WriteSide, open_write_side: Open) -> None:
    async with open_write_side() as other:
        results = await asyncio.gather(
            register(write, "one@localhost"), register(other, " ONE@localhost".strip()), return_exceptions=True
        )
    assert sorted(type(result).__name__ for result in results) == ["EmailTaken", "str"]
    with pytest.raises(EmailTaken):
        await register(write, "one@localhost")


async def test_secrets_and_personal_text_are_not_readable_in_the_log(write: WriteSide) -> None:
    actor = await register(write, "hidden@localhost")
    issue = IssueToken(account_id=account_id(actor), token_id=new_id(), name="ci")
    token = (await write.bus.execute(issue, actor=actor)).result["token"]
    stored = b"".join(event.data for event in await write.store.log())
    for secret in (b"hidden@", b"Somebody", PASSWORD.encode(), b"argon2", token.rpartition("_")[2].encode()):
        assert secret not in stored


async def test_a_password_opens_until_it_is_changed(write: WriteSide) -> None:
    actor = await register(write, "me@localhost")
    identity = await write.identities.by_password("ME@localhost", PASSWORD)
    assert identity.actor == actor
    with pytest.raises(BadCredentials):
        await write.identities.by_password("me@localhost", "wrong horse")
    with pytest.raises(BadCredentials):
        await write.identities.by_password("nobody@localhost", PASSWORD)
    wrong = ChangePassword(account_id=account_id(actor), old_password="wrong", new_password="new password")  # noqa: S106
    with pytest.raises(Refused):
        await write.bus.execute(wrong, actor=actor)
    right = ChangePassword(account_id=account_id(actor), old_password=PASSWORD, new_password="new password")  # noqa: S106
    await write.bus.execute(right, actor=actor)
    with pytest.raises(BadCredentials):
        await write.identities.by_password("me@localhost", PASSWORD)
    with pytest.raises(NotSignedIn):
        await write.identities.current(identity)


async def test_what_is_personal_cannot_be_said_for_somebody_who_was_erased(write: WriteSide) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    thread = {"project_id": project_id, "thread_id": new_id()}
    await write.bus.execute(OpenThread(title="Walls", **thread), actor=actor)
    message, command_id = PostMessage(message_id=new_id(), text="Why?", message_type="question", **thread), new_id()
    said = await write.bus.execute(message, actor=actor, command_id=command_id)
    await write.vault.destroy(actor)
    for command in (
        PostMessage(message_id=new_id(), text="And why?", message_type="question", **thread),
        EditMessage(message_id=message.message_id, text="Why not?", **thread),
        ChangePassword(account_id=account_id(actor), old_password=PASSWORD, new_password="new password"),  # noqa: S106
    ):
        with pytest.raises(PersonErased):
            await write.bus.execute(command, actor=actor)
    assert (await write.store.feed(f"project:{project_id}"))[-1].position == said.position
    assert len(await write.store.feed(actor)) == 2  # claim and registration
    again = await write.bus.execute(message, actor=actor, command_id=command_id)
    assert (again.replayed, again.position) == (True, said.position)


async def test_an_erased_account_is_nobody_everywhere_and_its_address_is_free(
    write: WriteSide, open_write_side: Open
) -> None:
    actor = await register(write, "gone@localhost")
    mine = {"account_id": account_id(actor)}
    token = (await write.bus.execute(IssueToken(**mine, token_id=new_id(), name="ci"), actor=actor)).result["token"]
    identity = await write.identities.by_password("gone@localhost", PASSWORD)
    project_id = await create_project(write, actor)
    async with open_write_side() as other:
        await other.identities.by_token(token)
        for password in ("", "wrong"):
            with pytest.raises(WrongPassword):
                await write.bus.execute(Erase(**mine, password=password), actor=actor)
        erase, command_id = Erase(**mine, password=PASSWORD), new_id()
        erased = await write.bus.execute(erase, actor=actor, command_id=command_id)
        again = await write.bus.execute(erase, actor=actor, command_id=command_id)
        assert (again.replayed, again.sequence) == (True, erased.sequence)
        assert [event.type for event in await write.store.feed(actor)][-2:] == ["account.erased", "claim.released"]
        await other.bus.states.get(actor, fresh=True)
        for each in (write, other):
            with pytest.raises(BadCredentials):
                await each.identities.by_password("gone@localhost", PASSWORD)
            with pytest.raises(NotSignedIn):
                await each.identities.by_token(token)
            with pytest.raises(NotSignedIn):
                await each.identities.current(identity)
            with pytest.raises(NotSignedIn):
                await each.bus.execute(RenameProject(project_id=project_id, name="Ours"), actor=actor)
    anew = await register(write, "gone@localhost")
    assert (await write.identities.by_password("gone@localhost", PASSWORD)).actor == anew != actor
    with pytest.raises(AlreadyRegistered):
        await write.bus.execute(Register(**mine, email="b@localhost", password=PASSWORD, name="Again"), actor="")


async def test_an_account_is_erased_by_itself_or_an_administrator(write: WriteSide) -> None:
    actor, other, admin = [await register(write) for _ in range(3)]
    await write.bus.execute(GrantRole(account_id=account_id(admin), plan="user", admin=True), actor=SYSTEM)
    erase = Erase(account_id=account_id(actor), password=PASSWORD)
    with pytest.raises(Forbidden):
        await write.bus.execute(erase, actor=other)
    with pytest.raises(WrongPassword):
        await write.bus.execute(Erase(account_id=account_id(admin)), actor=admin)
    await write.bus.execute(Erase(account_id=account_id(actor)), actor=admin)
    assert (await write.store.feed(actor))[-1].actor == admin


async def shared(write: WriteSide, owner: str, member: str, role: Role = "viewer") -> UUID:
    """Create a project with a member."""
    project_id = await create_project(write, owner)
    invite = InviteMember(project_id=project_id, account_id=account_id(member), role=role)
    await write.bus.execute(invite, actor=owner)
    await write.bus.execute(AcceptInvitation(project_id=project_id), actor=member)
    return project_id


async def test_who_alone_owns_what_others_work_in_hands_it_over_or_archives_it_first(write: WriteSide) -> None:
    owner, member, admin = [await register(write) for _ in range(3)]
    await write.bus.execute(GrantRole(account_id=account_id(admin), plan="user", admin=True), actor=SYSTEM)
    await create_project(write, owner)  # nobody else is in it
    handed_over, archived = await shared(write, owner, member), await shared(write, owner, member)
    invited, left = await create_project(write, owner), await shared(write, member, owner)
    await write.bus.execute(InviteMember(project_id=invited, account_id=account_id(member), role="editor"), actor=owner)
    erase = Erase(account_id=account_id(owner), password=PASSWORD)

    async def hindered_by(*projects: UUID) -> None:
        for command, actor in ((erase, owner), (Erase(account_id=account_id(owner)), admin)):
            with pytest.raises(OnlyOwner) as refusal:
                await write.bus.execute(command, actor=actor)
            assert set(refusal.value.extra["projects"]) == set(projects)

    await hindered_by(handed_over, archived, invited)
    promote = ChangeMemberRole(project_id=handed_over, account_id=account_id(member), role="owner")
    with pytest.raises(Forbidden):
        await write.bus.execute(promote, actor=member)
    await write.bus.execute(promote, actor=admin)
    await write.bus.execute(ArchiveProject(project_id=archived), actor=admin)
    await hindered_by(invited)
    await write.bus.execute(RemoveMember(project_id=invited, account_id=account_id(member)), actor=owner)
    await write.bus.execute(erase, actor=owner)
    step_down = ChangeMemberRole(project_id=handed_over, account_id=account_id(member), role="editor")
    for command in (step_down, RemoveMember(project_id=handed_over, account_id=account_id(member))):
        with pytest.raises(LastOwner):
            await write.bus.execute(command, actor=member)
    await write.bus.execute(RemoveMember(project_id=left, account_id=account_id(owner)), actor=member)


async def test_an_administrator_hands_over_and_archives_and_no_more(write: WriteSide) -> None:
    owner, admin = [await register(write) for _ in range(2)]
    await write.bus.execute(GrantRole(account_id=account_id(admin), plan="user", admin=True), actor=SYSTEM)
    project_id = await create_project(write, owner)
    for command in (
        RenameProject(project_id=project_id, name="Ours"),
        RemoveMember(project_id=project_id, account_id=account_id(owner)),
        ArchiveProject(project_id=new_id()),
    ):
        with pytest.raises(UnknownProject):
            await write.bus.execute(command, actor=admin)


async def test_two_owners_who_are_erased_at_once_do_not_leave_a_project_alone(
    write: WriteSide, open_write_side: Open
) -> None:
    async with open_write_side() as other:
        for _ in range(5):
            one, two, member = [await register(write) for _ in range(3)]
            project_id = await shared(write, one, two, "owner")
            await write.bus.execute(
                InviteMember(project_id=project_id, account_id=account_id(member), role="viewer"), actor=one
            )
            await other.bus.states.get(one)
            erasures = [
                each.bus.execute(Erase(account_id=account_id(actor)), actor=SYSTEM)
                for each, actor in ((write, one), (other, two))
            ]
            outcomes = await asyncio.gather(*erasures, return_exceptions=True)
            assert sorted(isinstance(outcome, OnlyOwner) for outcome in outcomes) == [False, True], outcomes


async def test_a_token_opens_until_it_is_revoked_and_can_be_asked_for_again(
    write: WriteSide, open_write_side: Open
) -> None:
    actor = await register(write)
    issue, command_id = IssueToken(account_id=account_id(actor), token_id=new_id(), name="ci"), new_id()
    token = (await write.bus.execute(issue, actor=actor, command_id=command_id)).result["token"]
    again = await write.bus.execute(issue, actor=actor, command_id=command_id)
    assert (again.replayed, again.result["token"]) == (True, token)
    async with open_write_side() as other:
        assert (await other.identities.by_token(token)).actor == actor
        for broken in ("", "plb_", token[:-4], token.replace("plb", "abc"), "plb_zz_zz_zz"):
            with pytest.raises(NotSignedIn):
                await other.identities.by_token(broken)
        revoke = RevokeToken(account_id=account_id(actor), token_id=issue.token_id)
        await other.bus.execute(revoke, actor=actor)
        with pytest.raises(NotSignedIn):
            await other.identities.by_token(token)


async def test_what_was_just_made_in_one_process_opens_the_others_at_once(
    write: WriteSide, open_write_side: Open
) -> None:
    """Behind a balancer the next request often meets a process that knows an older state of the account."""
    actor = await register(write, "ann@localhost")
    issue = IssueToken(account_id=account_id(actor), token_id=new_id(), name="ci")
    change = ChangePassword(account_id=account_id(actor), old_password=PASSWORD, new_password="new password")  # noqa: S106
    async with open_write_side() as other:
        await other.bus.states.get(actor)
        token = (await write.bus.execute(issue, actor=actor)).result["token"]
        assert (await other.identities.by_token(token)).actor == actor
        await write.bus.execute(change, actor=actor)
        identity = await write.identities.by_password("ann@localhost", "new password")
        assert (await other.identities.current(identity)).actor == actor


async def test_an_unknown_position_is_refused_and_stores_nothing(write: WriteSide) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    head = await write.store.head()
    edit = EditPosition(project_id=project_id, position_id=new_id(), changes=Edit(code="7"))
    with pytest.raises(UnknownPosition):
        await write.bus.execute(edit, actor=actor)
    assert await write.store.head() == head


async def test_a_long_history_is_loaded_from_a_snapshot(write: WriteSide, open_write_side: Open) -> None:
    actor = await register(write)
    project_id = await create_project(write, actor)
    position_id = await add_position(write, actor, project_id)
    for number in range(100):
        edit = EditPosition(project_id=project_id, position_id=position_id, changes=Edit(code=str(number)))
        await write.bus.execute(edit, actor=actor)
    await write.bus.states.settle()
    snapshot = await write.store.snapshot(f"budget:{project_id}")
    assert snapshot is not None
    kept = (await write.bus.states.get(f"budget:{project_id}")).state
    async with open_write_side() as other:
        entry = await other.bus.states.get(f"budget:{project_id}")
        assert entry.state == kept
        assert 0 < entry.unsaved_events < 202
    assert await write.store.snapshot(actor) is None


async def test_an_email_registered_twice_by_the_same_command_is_one_account(write: WriteSide) -> None:
    command = Register(account_id=new_id(), email="twice@localhost", password=PASSWORD, name="Twice")
    command_id = new_id()
    first = await write.bus.execute(command, actor="", command_id=command_id)
    again = await write.bus.execute(command, actor="", command_id=command_id)
    assert (again.replayed, again.position) == (True, first.position)
