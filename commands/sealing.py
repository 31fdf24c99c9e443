"""Personal text inside events: sealed with the person's key on the way into the log, opened on the way back."""

from uuid import UUID

from msgspec import structs

from commands.refusals import PersonErased
from domain.core import Event
from domain.registry import PERSONAL_FIELDS
from eventstore.personal import KeyDestroyed, Vault


async def sealed(event: Event, vault: Vault) -> Event:
    """Give the event as the log stores it: its personal text encrypted with the key of the account it is about.

    Raises `PersonErased`.
    """
    fields = PERSONAL_FIELDS.get(type(event), ())
    if not fields:
        return event
    person = _person(event)
    texts = {field: getattr(event, field) for field in fields}
    try:
        tokens = {field: await vault.seal(person, text) for field, text in texts.items() if text is not None}
    except KeyDestroyed as error:
        raise PersonErased from error
    return structs.replace(event, **tokens)


async def opened(event: Event, vault: Vault) -> Event:
    """Give the event with its personal text readable; `None` where the person's key was destroyed."""
    fields = PERSONAL_FIELDS.get(type(event), ())
    if not fields:
        return event
    tokens = {field: getattr(event, field) for field in fields}
    return structs.replace(
        event, **{field: await vault.open(token) for field, token in tokens.items() if token is not None}
    )


def _person(event: Event) -> str:
    account_id: UUID = getattr(event, "account_id")  # noqa: B009 - not every event has one
    return f"account:{account_id}"
