"""The registry: every command and event has one permanent name, and somebody who answers for it."""

import re
from typing import get_args
from uuid import UUID

import msgspec
import pytest

from domain import (
    account,
    analysis,
    audit,
    budget,
    cache,
    catalogue,
    comparison,
    document,
    job,
    notification,
    operation,
    project,
    thread,
)
from domain.core import Aggregate, ClaimReleased, ClaimTaken, Command, Event, Refused
from domain.project import PROJECT, RenameProject
from domain.registry import AGGREGATE_OF, AGGREGATES, COMMANDS, EVENTS, PERSONAL_FIELDS, _by_name, name_of

UNIONS = {
    account.ACCOUNT: (account.AccountCommand, account.AccountEvent),
    project.PROJECT: (project.ProjectCommand, project.ProjectEvent),
    document.DOCUMENT: (document.DocumentCommand, document.DocumentEvent),
    budget.BUDGET: (budget.BudgetCommand, budget.BudgetEvent),
    audit.AUDIT: (audit.AuditCommand, audit.AuditEvent),
    job.JOB: (job.JobCommand, job.JobEvent),
    notification.INBOX: (notification.NotificationCommand, notification.NotificationEvent),
    catalogue.CATALOGUE: (catalogue.CatalogueCommand, catalogue.CatalogueEvent),
    operation.OPERATION: (operation.OperationCommand, operation.OperationEvent),
    analysis.ANALYSIS: (analysis.AnalysisCommand, analysis.AnalysisEvent),
    cache.CACHE: (cache.CacheCommand, cache.CacheEvent),
    comparison.COMPARISON: (comparison.ComparisonCommand, comparison.ComparisonEvent),
    thread.THREAD: (thread.ThreadCommand, thread.ThreadEvent),
}


def refusals(root: type[Refused] = Refused) -> list[type[Refused]]:
    """Every refusal of this room, deepest last."""
    own = [each for each in root.__subclasses__() if each.__module__.startswith("domain.")]
    return own + [deeper for each in own for deeper in refusals(each)]


def test_an_aggregate_lists_all_commands_and_events_that_it_answers() -> None:
    assert {aggregate.name for aggregate in AGGREGATES} == {aggregate.name for aggregate in UNIONS}
    for aggregate, (commands, events) in UNIONS.items():
        assert set(aggregate.commands) == set(get_args(commands))
        assert set(aggregate.events) == set(get_args(events))


def test_every_command_and_event_is_found_by_its_name() -> None:
    assert all(COMMANDS[name_of(command)] is command for each in AGGREGATES for command in each.commands)
    assert all(EVENTS[name_of(event)] is event for each in AGGREGATES for event in each.events)
    assert {EVENTS["claim.taken"], EVENTS["claim.released"]} == {ClaimTaken, ClaimReleased}
    assert AGGREGATE_OF.keys() == set(COMMANDS.values())


def test_a_command_is_no_event() -> None:
    assert not COMMANDS.keys() & EVENTS.keys()


@pytest.mark.parametrize("name", [*COMMANDS, *EVENTS])
def test_names_are_lower_case_words_with_one_dot(name: str) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*", name)


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda each: each.name)
def test_every_command_names_its_stream_and_its_feed(aggregate: Aggregate) -> None:
    for command in aggregate.commands:
        assert {aggregate.key, aggregate.feed_key} <= set(command.__struct_fields__)


def test_a_stream_and_a_feed_are_named_after_their_keys() -> None:
    command = RenameProject(project_id=UUID(int=5), name="Gym roof")
    assert PROJECT.stream_of(command) == "project:00000000-0000-0000-0000-000000000005"
    queue = job.StartJob(project_id=UUID(int=5), job_id=UUID(int=6), attempt=1)
    assert job.JOB.stream_of(queue) == f"job:{UUID(int=6)}"
    assert job.JOB.feed_of(queue) == f"project:{UUID(int=5)}"


@pytest.mark.parametrize("struct", [*COMMANDS.values(), *EVENTS.values()], ids=name_of)
def test_commands_and_events_say_what_they_mean_and_cannot_be_changed(struct: type[Command | Event]) -> None:
    assert struct.__doc__
    assert struct.__struct_config__.frozen
    assert struct.__struct_config__.tag_field == "type"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=name_of)
def test_a_command_with_a_field_that_it_does_not_have_is_refused(command: type[Command]) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `surprise`"):
        msgspec.convert({"type": name_of(command), "surprise": 1}, command)


def test_a_name_stands_for_one_thing() -> None:
    class Another(Command, frozen=True, kw_only=True, tag="project.rename"):
        """Not the one that is registered."""

    with pytest.raises(TypeError, match=r"'project.rename' names both"):
        _by_name([RenameProject, Another])


@pytest.mark.parametrize("tag", [None, "renamed", 7])
def test_whatever_is_registered_needs_a_dotted_name(tag: str | int | None) -> None:
    nameless = msgspec.defstruct("Nameless", [], bases=(Event,), tag=tag)
    with pytest.raises(TypeError, match="needs a tag"):
        name_of(nameless)


def test_personal_text_is_known_by_its_fields() -> None:
    assert PERSONAL_FIELDS[account.Registered] == ("email", "name", "password_hash")
    assert PERSONAL_FIELDS[account.PasswordChanged] == ("password_hash",)
    assert job.Queued not in PERSONAL_FIELDS


@pytest.mark.parametrize("refusal", refusals(), ids=lambda each: each.__qualname__)
def test_a_refusal_says_why_under_a_code_of_its_own(refusal: type[Refused]) -> None:
    assert refusal().detail == str(refusal()) == (refusal.__doc__ or "").strip()
    assert refusal("In other words.", field="quantity").detail == "In other words."
    assert [each for each in refusals() if each.code == refusal.code] == [refusal]


def test_what_a_refusal_adds_reaches_the_caller() -> None:
    refusal = budget.RevisionConflict(current_revision=4)
    assert refusal.extra == {"current_revision": 4}
    assert Refused("").detail == "The command was refused."
