"""Catalogues: prices of works by code, unit and text, kept by an account, one version per imported price list.

A catalogue counts in the audits of the projects that it is attached to.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, structs

from domain.budget.commands import Currency
from domain.core import Aggregate, Command, Context, Event, Name, Refused

MOST_PRICES_PER_EVENT = 500
MOST_PROJECTS = 500


class Price(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one unit of a work costs, without VAT, in the catalogue's currency."""

    code: str = ""
    description: str = ""
    unit: str
    unit_price: Decimal


class Wanted(Struct, frozen=True, kw_only=True):
    """A price list to be read: a project's document, the day from which its prices hold, and whose they are."""

    project_id: UUID
    document_id: UUID
    content_hash: str
    priced_on: date
    source: str = ""


class CreateCatalogue(Command, frozen=True, kw_only=True, tag="catalogue.create"):
    """Begin a catalogue. Its currency stays."""

    account_id: UUID
    catalogue_id: UUID
    name: Name
    currency: Currency


class RenameCatalogue(Command, frozen=True, kw_only=True, tag="catalogue.rename"):
    """Give it another name."""

    account_id: UUID
    catalogue_id: UUID
    name: Name


class RemoveCatalogue(Command, frozen=True, kw_only=True, tag="catalogue.remove"):
    """Take it out of use; what was judged by it keeps its evidence."""

    account_id: UUID
    catalogue_id: UUID


class AttachCatalogue(Command, frozen=True, kw_only=True, tag="catalogue.attach"):
    """Let a project's audits use it. Takes an owner or editor of the project, and counts while they are that."""

    account_id: UUID
    catalogue_id: UUID
    project_id: UUID


class DetachCatalogue(Command, frozen=True, kw_only=True, tag="catalogue.detach"):
    """Let a project's audits use it no longer."""

    account_id: UUID
    catalogue_id: UUID
    project_id: UUID


class ImportPrices(Command, frozen=True, kw_only=True, tag="catalogue.import_prices"):
    """Have a price list read that was uploaded to a project, as the catalogue's next version."""

    account_id: UUID
    catalogue_id: UUID
    project_id: UUID
    document_id: UUID
    priced_on: date
    source: Annotated[str, Meta(max_length=200)] = ""


class RecordPrices(Command, frozen=True, kw_only=True, tag="catalogue.record_prices"):
    """Store what was read for request `request`; `skipped` counts lines without a usable price."""

    account_id: UUID
    catalogue_id: UUID
    request: int
    prices: tuple[Price, ...]
    skipped: int = 0


class RecordImportFailure(Command, frozen=True, kw_only=True, tag="catalogue.record_import_failure"):
    """Say why the price list could not be read, in words that its owner can act on."""

    account_id: UUID
    catalogue_id: UUID
    request: int
    error_code: str
    error: str


class CatalogueCreated(Event, frozen=True, kw_only=True, tag="catalogue.created"):
    """A catalogue was begun."""

    account_id: UUID
    catalogue_id: UUID
    name: str
    currency: str


class CatalogueRenamed(Event, frozen=True, kw_only=True, tag="catalogue.renamed"):
    """It has another name."""

    account_id: UUID
    catalogue_id: UUID
    name: str


class CatalogueRemoved(Event, frozen=True, kw_only=True, tag="catalogue.removed"):
    """It is used no longer."""

    account_id: UUID
    catalogue_id: UUID


class CatalogueAttached(Event, frozen=True, kw_only=True, tag="catalogue.attached"):
    """A project's audits use it."""

    account_id: UUID
    catalogue_id: UUID
    project_id: UUID


class CatalogueDetached(Event, frozen=True, kw_only=True, tag="catalogue.detached"):
    """A project's audits use it no longer."""

    account_id: UUID
    catalogue_id: UUID
    project_id: UUID


class PricesRequested(Event, frozen=True, kw_only=True, tag="catalogue.prices_requested"):
    """A price list is to be read."""

    account_id: UUID
    catalogue_id: UUID
    request: int
    wanted: Wanted


class PricesRecorded(Event, frozen=True, kw_only=True, tag="catalogue.prices_recorded"):
    """Up to 500 prices of the version that is being made, `first` the place of the first among all of it."""

    account_id: UUID
    catalogue_id: UUID
    version: int
    first: int
    prices: tuple[Price, ...]


class CatalogueVersioned(Event, frozen=True, kw_only=True, tag="catalogue.versioned"):
    """A price list is in: this is the catalogue's version from now on."""

    account_id: UUID
    catalogue_id: UUID
    request: int
    version: int
    prices: int
    skipped: int
    priced_on: date
    source: str = ""


class PricesFailed(Event, frozen=True, kw_only=True, tag="catalogue.prices_failed"):
    """The price list could not be read."""

    account_id: UUID
    catalogue_id: UUID
    request: int
    error_code: str
    error: str


class Catalogue(Struct, frozen=True, kw_only=True):
    """The state of one catalogue. `waiting` are the price lists still to be read, by the number of the request."""

    account_id: UUID | None = None
    name: str = ""
    currency: str = ""
    removed: bool = False
    version: int = 0
    requests: int = 0
    waiting: dict[int, Wanted] = {}
    projects: frozenset[UUID] = frozenset()

    @property
    def exists(self) -> bool:
        """Whether it can be used."""
        return bool(self.name) and not self.removed


class UnknownCatalogue(Refused):
    """There is no such catalogue of yours."""

    code = "catalogue.unknown"
    kind = "unknown"


class CatalogueIdTaken(Refused):
    """Another catalogue has this id."""

    code = "catalogue.id_taken"


class TooManyProjects(Refused):
    """A catalogue can be attached to 500 projects: detach it from one first."""

    code = "catalogue.too_many_projects"
    kind = "limit"


class NoSuchRequest(Refused):
    """This price list was read already, or never asked for."""

    code = "catalogue.no_such_request"


class NoPrices(Refused):
    """There are no prices to store."""

    code = "catalogue.no_prices"
    kind = "invalid"


CatalogueCommand = (
    CreateCatalogue
    | RenameCatalogue
    | RemoveCatalogue
    | AttachCatalogue
    | DetachCatalogue
    | ImportPrices
    | RecordPrices
    | RecordImportFailure
)
CatalogueEvent = (
    CatalogueCreated
    | CatalogueRenamed
    | CatalogueRemoved
    | CatalogueAttached
    | CatalogueDetached
    | PricesRequested
    | PricesRecorded
    | CatalogueVersioned
    | PricesFailed
)


def decide(command: CatalogueCommand, catalogue: Catalogue, context: Context) -> list[Event]:
    """Answer a command with what happens, or refuse it. `context.given` is the price list's content hash."""
    if isinstance(command, CreateCatalogue):
        if catalogue.name:
            raise CatalogueIdTaken
        return [CatalogueCreated(**structs.asdict(command))]
    if not catalogue.exists or catalogue.account_id != command.account_id:
        raise UnknownCatalogue
    ids = {"account_id": command.account_id, "catalogue_id": command.catalogue_id}
    match command:
        case RenameCatalogue(name=name):
            return [] if name == catalogue.name else [CatalogueRenamed(**ids, name=name)]
        case RemoveCatalogue():
            return [CatalogueRemoved(**ids)]
        case AttachCatalogue(project_id=project_id):
            if project_id in catalogue.projects:
                return []
            if len(catalogue.projects) >= MOST_PROJECTS:
                raise TooManyProjects
            return [CatalogueAttached(**ids, project_id=project_id)]
        case DetachCatalogue(project_id=project_id):
            return [CatalogueDetached(**ids, project_id=project_id)] if project_id in catalogue.projects else []
        case ImportPrices():
            wanted = Wanted(
                project_id=command.project_id,
                document_id=command.document_id,
                content_hash=context.given,
                priced_on=command.priced_on,
                source=command.source,
            )
            return [PricesRequested(**ids, request=catalogue.requests + 1, wanted=wanted)]
        case RecordPrices():
            return _record(command, catalogue)
        case RecordImportFailure(request=request):
            _wanted(catalogue, request)
            return [PricesFailed(**structs.asdict(command))]


def _wanted(catalogue: Catalogue, request: int) -> Wanted:
    wanted = catalogue.waiting.get(request)
    if wanted is None:
        raise NoSuchRequest
    return wanted


def _record(command: RecordPrices, catalogue: Catalogue) -> list[Event]:
    wanted = _wanted(catalogue, command.request)
    if not command.prices:
        raise NoPrices
    ids = {"account_id": command.account_id, "catalogue_id": command.catalogue_id}
    version = catalogue.version + 1
    parts = [
        PricesRecorded(
            **ids, version=version, first=first, prices=command.prices[first - 1 : first - 1 + MOST_PRICES_PER_EVENT]
        )
        for first in range(1, len(command.prices) + 1, MOST_PRICES_PER_EVENT)
    ]
    closing = CatalogueVersioned(
        **ids,
        request=command.request,
        version=version,
        prices=len(command.prices),
        skipped=command.skipped,
        priced_on=wanted.priced_on,
        source=wanted.source,
    )
    return [*parts, closing]


def evolve(catalogue: Catalogue, event: CatalogueEvent) -> Catalogue:
    """Apply what happened. Never fails."""
    match event:
        case CatalogueCreated(account_id=account_id, name=name, currency=currency):
            return Catalogue(account_id=account_id, name=name, currency=currency)
        case CatalogueRenamed(name=name):
            return structs.replace(catalogue, name=name)
        case CatalogueRemoved():
            return structs.replace(catalogue, removed=True)
        case CatalogueAttached(project_id=project_id):
            return structs.replace(catalogue, projects=catalogue.projects | {project_id})
        case CatalogueDetached(project_id=project_id):
            return structs.replace(catalogue, projects=catalogue.projects - {project_id})
        case PricesRequested(request=request, wanted=wanted):
            return structs.replace(catalogue, requests=request, waiting={**catalogue.waiting, request: wanted})
        case PricesRecorded():
            return catalogue
        case CatalogueVersioned(request=request, version=version):
            return structs.replace(catalogue, version=version, waiting=_without(catalogue, request))
        case PricesFailed(request=request):
            return structs.replace(catalogue, waiting=_without(catalogue, request))


def _without(catalogue: Catalogue, request: int) -> dict[int, Wanted]:
    return {number: wanted for number, wanted in catalogue.waiting.items() if number != request}


CATALOGUE = Aggregate(
    name="catalogue",
    key="catalogue_id",
    feed="account",
    feed_key="account_id",
    commands=(
        CreateCatalogue,
        RenameCatalogue,
        RemoveCatalogue,
        AttachCatalogue,
        DetachCatalogue,
        ImportPrices,
        RecordPrices,
        RecordImportFailure,
    ),
    events=(
        CatalogueCreated,
        CatalogueRenamed,
        CatalogueRemoved,
        CatalogueAttached,
        CatalogueDetached,
        PricesRequested,
        PricesRecorded,
        CatalogueVersioned,
        PricesFailed,
    ),
    state=Catalogue,
    decide=decide,
    evolve=evolve,
)
