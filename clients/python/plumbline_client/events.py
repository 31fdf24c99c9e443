"""Every event that the server tells, as a struct. Generated: `make types`.

What is personal is `None` here. Members that a newer server adds are passed over.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class _Part(Struct, frozen=True, kw_only=True):
    """Part of an event, or its data."""


class AccountRegistered(_Part, frozen=True, kw_only=True):
    """An account was opened."""

    account_id: UUID
    email: str | None = None
    name: str | None = None
    password_hash: str | None = None


class AccountPasswordChanged(_Part, frozen=True, kw_only=True):
    """The password was replaced."""

    account_id: UUID
    password_hash: str | None = None


class AccountTokenIssued(_Part, frozen=True, kw_only=True):
    """A bearer token was made; only its SHA-256 is kept."""

    account_id: UUID
    token_id: UUID
    name: str
    sha256: str
    expires_at: datetime | None = None


class AccountTokenRevoked(_Part, frozen=True, kw_only=True):
    """A bearer token was ended."""

    account_id: UUID
    token_id: UUID


class AccountRoleGranted(_Part, frozen=True, kw_only=True):
    """Plan and administration right were set."""

    account_id: UUID
    plan: Literal["business", "enterprise", "pro", "user"]
    admin: bool = False


class AccountSuspended(_Part, frozen=True, kw_only=True):
    """The account may no longer act."""

    account_id: UUID
    reason: str


class AccountReinstated(_Part, frozen=True, kw_only=True):
    """The account may act again."""

    account_id: UUID


class AccountErased(_Part, frozen=True, kw_only=True):
    """The account is no more; the key of its personal data is destroyed because of this event."""

    account_id: UUID


class ProjectCreated(_Part, frozen=True, kw_only=True):
    """A project was started."""

    project_id: UUID
    name: str
    owner: UUID
    description: str = ""
    workflow: Literal["workflow_a", "workflow_b"] = "workflow_a"


class ProjectRenamed(_Part, frozen=True, kw_only=True):
    """The project has another name."""

    project_id: UUID
    name: str


class ProjectDescribed(_Part, frozen=True, kw_only=True):
    """The project has another description."""

    project_id: UUID
    description: str


class ProjectMemberInvited(_Part, frozen=True, kw_only=True):
    """An account was offered a role."""

    project_id: UUID
    account_id: UUID
    role: Literal["auditor", "editor", "owner", "viewer"]


class ProjectMemberJoined(_Part, frozen=True, kw_only=True):
    """An account took a role."""

    project_id: UUID
    account_id: UUID
    role: Literal["auditor", "editor", "owner", "viewer"]


class ProjectMemberRoleChanged(_Part, frozen=True, kw_only=True):
    """A member has another role."""

    project_id: UUID
    account_id: UUID
    role: Literal["auditor", "editor", "owner", "viewer"]


class ProjectMemberRemoved(_Part, frozen=True, kw_only=True):
    """A member or an invitation is gone."""

    project_id: UUID
    account_id: UUID


class ProjectArchived(_Part, frozen=True, kw_only=True):
    """The project is closed for changes."""

    project_id: UUID


class ProjectRestored(_Part, frozen=True, kw_only=True):
    """The project is open again."""

    project_id: UUID


class AuditSettings(_Part, frozen=True, kw_only=True):
    """The parameters of the rules. Every audit records those that it used, defaults included.

    `profile` names the table of exposure classes (`domain.experts.exposures`), `design_life` is in years.
    `priced_on` says which VAT rates held; without it, those of today. `price_spread` and `price_spread_red` are
    highest by lowest price of one code. `outlier_score` is a modified z-score, looked at from `outlier_prices`
    different prices of a unit on. `dominant_share` and `lump_share` are parts of 1. `unbalance` is how far a
    price may be from where its reference and the whole bill's level put it, as a part of 1. `catalogue_band` is how far
    it may be from a catalogue's, `catalogue_band_red` how far above, and `price_age` how many days old that may be.
    Rebar is in kg, formwork in m² per m³ of concrete.
    """

    profile: Literal["cz", "en206", "tkp17"] = "cz"
    design_life: Literal[50, 100] = 50
    priced_on: date | None = None
    price_spread: Decimal = Decimal("1.10")
    price_spread_red: Decimal = Decimal(2)
    outlier_score: Decimal = Decimal("3.5")
    outlier_prices: int = 20
    dominant_share: Decimal = Decimal("0.40")
    lump_share: Decimal = Decimal("0.30")
    unbalance: Decimal = Decimal("0.50")
    catalogue_band: Decimal = Decimal("0.10")
    catalogue_band_red: Decimal = Decimal("0.25")
    price_age: int = 90
    rebar_least: Decimal = Decimal(15)
    rebar_most: Decimal = Decimal(450)
    formwork_least: Decimal = Decimal("0.1")
    formwork_most: Decimal = Decimal(20)


class ProjectAuditConfigured(_Part, frozen=True, kw_only=True):
    """Audits have other parameters from now on."""

    project_id: UUID
    settings: AuditSettings


class DocumentUploaded(_Part, frozen=True, kw_only=True):
    """A file was added."""

    project_id: UUID
    document_id: UUID
    filename: str
    content_hash: str
    size: int
    purpose: Literal["budget", "comparison"] = "budget"


class DocumentParseRequested(_Part, frozen=True, kw_only=True):
    """Somebody wants it read again."""

    project_id: UUID
    document_id: UUID


class DocumentParsed(_Part, frozen=True, kw_only=True):
    """A reader understood it."""

    project_id: UUID
    document_id: UUID
    bill_hash: str
    format: str
    confidence: int
    items: int
    priced: int
    currency: str
    declared_total: Decimal | None = None
    skipped: int = 0
    warnings: tuple[str, ...] = ()


class DocumentParseFailed(_Part, frozen=True, kw_only=True):
    """No reader understood it."""

    project_id: UUID
    document_id: UUID
    error_code: str
    error: str


class DocumentReplaced(_Part, frozen=True, kw_only=True):
    """Another document took its place."""

    project_id: UUID
    document_id: UUID
    by: UUID


class DocumentRemoved(_Part, frozen=True, kw_only=True):
    """It was taken out of the project."""

    project_id: UUID
    document_id: UUID


class TakeoffLine(_Part, frozen=True, kw_only=True):
    """One row of a quantity take-off under an item.

    `expression` is the cell's text as written (`"2,5*3,2  "podlaha"`), `value` its declared result in
    the item's unit, `None` where the file states none (a comment row).
    """

    expression: str
    value: Decimal | None = None
    kind: Literal["row", "subtotal", "total"] = "row"
    line: int = 0


class Rounding(_Part, frozen=True, kw_only=True):
    """How many decimals a bill rounds to, half up: the line total always, its factors where a number is given.

    `round(round(quantity, quantity) * round(unit_price, unit_price), total)`; a factor of `None` enters as it is.
    """

    total: int = 2
    quantity: int | None = None
    unit_price: int | None = None


class Position(_Part, frozen=True, kw_only=True):
    """One line of a budget.

    `total_price` is computed (`line_total`); `declared_total` is what the file showed, kept until the first edit
    of a number. Missing numbers are `None`, never 0. `revision` rises by one with every change. `rounding` is set where
    the document it came from rounds otherwise than its budget. A line whose `role` keeps it out of sums has no
    `total_price`.
    `gc=False`: JSON values form no cycles, and 100,000 positions would be walked by every full collection.
    """

    position_id: UUID
    number: str = ""
    code: str = ""
    code_system: Literal["gaeb", "otskp", "own", "rts", "urs"] = "own"
    description: str = ""
    category: str = ""
    kind: Literal["material", "other", "work"] = "work"
    role: Literal["alternative", "base", "optional"] = "base"
    section: tuple[str, ...] = ()
    quantity: Decimal | None = None
    unit: str = ""
    unit_price: Decimal | None = None
    material_price: Decimal | None = None
    assembly_price: Decimal | None = None
    total_price: Decimal | None = None
    declared_total: Decimal | None = None
    vat_rate: Decimal | None = None
    notes: tuple[str, ...] = ()
    takeoff: tuple[TakeoffLine, ...] = ()
    source: Literal["ai_suggested", "generated", "manual", "uploaded"] = "uploaded"
    source_document_id: UUID | None = None
    source_sheet: str = ""
    source_line: int = 0
    rounding: Rounding | None = None
    revision: int = 1
    enrichment: dict[str, Any] = {}
    metadata: dict[str, Any] = {}


class BillSection(_Part, frozen=True, kw_only=True):
    """A heading with its own declared sum. `path` names it from the sheet down: `("SO 01", "HSV", "1")`.

    An `object` is what is built (a house, a bridge), a `section` a group of items in it.
    """

    path: tuple[str, ...]
    title: str = ""
    kind: Literal["object", "section"] = "section"
    declared_total: Decimal | None = None
    notes: tuple[str, ...] = ()
    sheet: str = ""
    line: int = 0


class Surcharge(_Part, frozen=True, kw_only=True):
    """An amount that the file adds after its items (overhead, profit, reserve): part of the grand total, no item."""

    label: str
    amount: Decimal
    sheet: str = ""
    line: int = 0


class StatedTotal(_Part, frozen=True, kw_only=True):
    """A total that the file states, and where: of the object or section at `path`, or of the whole bill at `()`.

    `net` is without VAT, `gross` with it. `vat` is an amount of tax; `rate` in percent and `base`, the amount that is
    taxed, where the file states them. `rounding` is what the file adds to make the gross total round, if only 0.
    """

    kind: Literal["gross", "net", "rounding", "vat"]
    amount: Decimal
    path: tuple[str, ...] = ()
    label: str = ""
    rate: Decimal | None = None
    base: Decimal | None = None
    sheet: str = ""
    line: int = 0


class Declared(_Part, frozen=True, kw_only=True):
    """The sums that a bill states about itself: sections, surcharges, and the grand total without VAT.

    `totals` are those of the whole and of its objects, with VAT and without, each with its place.
    """

    total: Decimal | None = None
    sections: tuple[BillSection, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    totals: tuple[StatedTotal, ...] = ()


class BudgetImported(_Part, frozen=True, kw_only=True):
    """Up to 200 positions of a document, ranked from `first_rank` on; the first part says what it declares."""

    project_id: UUID
    document_id: UUID
    part: int
    first_rank: int
    positions: tuple[Position, ...]
    declared: Declared | None = None
    currency: str
    rounding: int = 2


class PositionAdded(_Part, frozen=True, kw_only=True):
    """A position is new, or back."""

    project_id: UUID
    position: Position
    rank: int


class Changes(_Part, frozen=True, kw_only=True):
    """What an event changes: an edit, what follows from it, and what only a restore brings back."""

    number: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    category: str | UnsetType = UNSET
    kind: Literal["material", "other", "work"] | UnsetType = UNSET
    section: tuple[str, ...] | UnsetType = UNSET
    quantity: Decimal | UnsetType | None = UNSET
    unit: str | UnsetType = UNSET
    unit_price: Decimal | UnsetType | None = UNSET
    vat_rate: Decimal | UnsetType | None = UNSET
    notes: tuple[str, ...] | UnsetType = UNSET
    enrichment: dict[str, Any] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    code_system: Literal["gaeb", "otskp", "own", "rts", "urs"] | UnsetType = UNSET
    material_price: Decimal | UnsetType | None = UNSET
    assembly_price: Decimal | UnsetType | None = UNSET
    total_price: Decimal | UnsetType | None = UNSET
    declared_total: Decimal | UnsetType | None = UNSET
    takeoff: tuple[TakeoffLine, ...] | UnsetType = UNSET
    source: Literal["ai_suggested", "generated", "manual", "uploaded"] | UnsetType = UNSET
    source_document_id: UUID | UnsetType | None = UNSET
    source_sheet: str | UnsetType = UNSET
    source_line: int | UnsetType = UNSET
    rounding: Rounding | UnsetType | None = UNSET
    rank: int | UnsetType = UNSET


class PositionEdited(_Part, frozen=True, kw_only=True):
    """Fields of a position have other values."""

    project_id: UUID
    position_id: UUID
    revision: int
    changes: Changes


class PositionRemoved(_Part, frozen=True, kw_only=True):
    """A position is gone from this version on."""

    project_id: UUID
    position_id: UUID


class PositionMoved(_Part, frozen=True, kw_only=True):
    """A position stands elsewhere. One that only made room for another keeps its revision."""

    project_id: UUID
    position_id: UUID
    revision: int
    rank: int
    section: tuple[str, ...] | None = None


class ChangeCounts(_Part, frozen=True, kw_only=True):
    """How many positions a version added, removed and modified."""

    added: int = 0
    removed: int = 0
    modified: int = 0


class BudgetVersioned(_Part, frozen=True, kw_only=True):
    """A change is complete: this is what the budget comes to now."""

    project_id: UUID
    version: int
    trigger: Literal[
        "chat_modification", "document_added", "initial", "recalculation", "restore", "user_edit", "variation"
    ]
    trigger_details: dict[str, Any] = {}
    total_positions: int
    total_cost: Decimal
    delta_cost: Decimal
    currency: str = ""
    rounding: int = 2
    summary: str = ""
    changes: ChangeCounts


class BudgetVersionNamed(_Part, frozen=True, kw_only=True):
    """A version can be found by a name."""

    project_id: UUID
    version: int
    name: str


class Edit(_Part, frozen=True, kw_only=True):
    """New values for some fields of a position; fields left out stay as they are, `null` empties a number."""

    number: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    category: str | UnsetType = UNSET
    kind: Literal["material", "other", "work"] | UnsetType = UNSET
    section: tuple[str, ...] | UnsetType = UNSET
    quantity: Decimal | UnsetType | None = UNSET
    unit: str | UnsetType = UNSET
    unit_price: Decimal | UnsetType | None = UNSET
    vat_rate: Decimal | UnsetType | None = UNSET
    notes: tuple[str, ...] | UnsetType = UNSET
    enrichment: dict[str, Any] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class Addition(_Part, frozen=True, kw_only=True):
    """A position to add behind the last one, or behind `after`, which may be an addition before it."""

    position_id: UUID
    fields: Edit
    after: UUID | None = None


class BulkItem(_Part, frozen=True, kw_only=True):
    """One of many edits made together."""

    position_id: UUID
    changes: Edit
    expected_revision: int | None = None


class Omission(_Part, frozen=True, kw_only=True):
    """A position to take out."""

    position_id: UUID
    expected_revision: int | None = None


class Proposal(_Part, frozen=True, kw_only=True):
    """What a variation would do to a budget; each position is named once.

    An `expected_revision` is the one that the author saw; where it is left out, the present one counts as seen.
    """

    additions: tuple[Addition, ...] = ()
    changes: tuple[BulkItem, ...] = ()
    omissions: tuple[Omission, ...] = ()


class VariationDrafted(_Part, frozen=True, kw_only=True):
    """A variation was begun; `cost_effect` is what it adds to the total of the budget that it saw.

    The revisions in its proposal are those of the positions that it saw.
    """

    project_id: UUID
    variation_id: UUID
    number: int
    name: str
    reason: str
    proposal: Proposal
    cost_effect: Decimal


class VariationRevised(_Part, frozen=True, kw_only=True):
    """A variation reads like this now, and has seen the budget as it was then. It is a draft."""

    project_id: UUID
    variation_id: UUID
    revision: int
    name: str
    reason: str
    proposal: Proposal
    cost_effect: Decimal


class VariationSubmitted(_Part, frozen=True, kw_only=True):
    """A variation waits for a decision, which `submitted_by` will hear of: an actor, empty in older events."""

    project_id: UUID
    variation_id: UUID
    submitted_by: str = ""


class VariationApproved(_Part, frozen=True, kw_only=True):
    """A variation was carried out: it is this version of the budget."""

    project_id: UUID
    variation_id: UUID
    version: int
    cost_effect: Decimal


class VariationRejected(_Part, frozen=True, kw_only=True):
    """A variation will not be carried out."""

    project_id: UUID
    variation_id: UUID
    reason: str


class VariationWithdrawn(_Part, frozen=True, kw_only=True):
    """A variation was taken back."""

    project_id: UUID
    variation_id: UUID


class Compared(_Part, frozen=True, kw_only=True):
    """A document that an audit compares prices with: what it is, who offers it, and the bill that was read from it."""

    document_id: UUID
    compared_as: Literal["bid", "estimate"]
    name: str
    bill_hash: str


class AuditStarted(_Part, frozen=True, kw_only=True):
    """An audit of a version began, with these rules in this order, and with these parameters of theirs.

    `previous` is the project's latest completed audit, whose overrides go on to count. `compared` are the documents
    that prices are held against.
    """

    project_id: UUID
    audit_id: UUID
    version: int
    rules: tuple[str, ...]
    settings: AuditSettings | None = None
    previous: UUID | None = None
    compared: tuple[Compared, ...] = ()


class Issue(_Part, frozen=True, kw_only=True):
    """One thing that is wrong or doubtful. `type` is a permanent name, the rest is for people."""

    type: str
    severity: Literal["error", "info", "warning"]
    description: str
    suggestion: str


class Suggestion(_Part, frozen=True, kw_only=True):
    """Something that could be done about a finding, what it brings and what it risks."""

    action: str
    benefit: str
    risk: str


class Finding(_Part, frozen=True, kw_only=True):
    """What one rule says about one position, one section or the whole bill, and why.

    `rule` is a permanent id ("V1"). Without a `position_id` the finding is about the section at path `section`,
    or about the bill when that is empty too. A GREEN finding is a note. `confidence` 0..100 is how sure the rule is
    of what it observed; arithmetic is 100. `evidence` holds every input, threshold and table
    used, and the source document, sheet and 1-based row; numbers are decimal strings. `demand` is what it asks of the
    line: a thing and `+` or `-`.
    """

    rule: str
    expert_role: Literal["concrete", "cost", "orchestrator", "standards", "structural", "validator"]
    recommendation: Literal["AMBER", "GREEN", "NOT_CHECKED", "RED"]
    reasoning: str
    position_id: UUID | None = None
    section: tuple[str, ...] = ()
    confidence: int = 100
    evidence: dict[str, str] = {}
    issues: tuple[Issue, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    demand: str = ""


class AuditFindingsRecorded(_Part, frozen=True, kw_only=True):
    """What the experts found on up to 200 positions."""

    project_id: UUID
    audit_id: UUID
    part: int
    outcomes: dict[UUID, str]
    verdicts: dict[UUID, Literal["AMBER", "GREEN", "NOT_CHECKED", "RED"]]
    findings: tuple[Finding, ...]
    revisions: dict[UUID, int] = {}


class AuditConflictRaised(_Part, frozen=True, kw_only=True):
    """Two expert roles contradict each other."""

    project_id: UUID
    audit_id: UUID
    conflict_id: UUID
    position_id: UUID
    rules: tuple[str, str]
    description: str


class Override(_Part, frozen=True, kw_only=True):
    """A person's verdict on a position as it was at `revision`, and why. It outlives audits, but no edit."""

    position_id: UUID
    verdict: Literal["AMBER", "GREEN", "NOT_CHECKED", "RED"]
    reason: str
    revision: int
    by: str
    at: datetime


class AuditConflictResolved(_Part, frozen=True, kw_only=True):
    """It was decided between them."""

    project_id: UUID
    audit_id: UUID
    conflict_id: UUID
    position_id: UUID
    verdict: Literal["AMBER", "GREEN", "NOT_CHECKED", "RED"]
    by: Literal["model", "person", "rule"]
    resolution: str
    override: Override | None = None


class AuditVerdictOverridden(_Part, frozen=True, kw_only=True):
    """An auditor put another verdict in the experts' place: `override` says it for later audits."""

    project_id: UUID
    audit_id: UUID
    position_id: UUID
    verdict: Literal["AMBER", "GREEN", "NOT_CHECKED", "RED"]
    reason: str
    override: Override | None = None


class AuditOverridesCarried(_Part, frozen=True, kw_only=True):
    """People's verdicts of an earlier audit count in this one."""

    project_id: UUID
    audit_id: UUID
    overrides: tuple[Override, ...]


class AuditCompleted(_Part, frozen=True, kw_only=True):
    """All positions have a verdict. `verdicts` counts them, `rules` counts those of each rule."""

    project_id: UUID
    audit_id: UUID
    version: int
    verdicts: dict[Literal["AMBER", "GREEN", "NOT_CHECKED", "RED"], int]
    rules: dict[str, dict[Literal["AMBER", "GREEN", "NOT_CHECKED", "RED"], int]]


class AuditCancelled(_Part, frozen=True, kw_only=True):
    """It was stopped before its end."""

    project_id: UUID
    audit_id: UUID


class Export(_Part, frozen=True, kw_only=True):
    """What is to be written: a version of the budget, in a format, dated `asked_at`."""

    format: Literal["csv", "gaeb", "gaeb_x82", "json", "pdf", "unixml", "xlsx"]
    version: int
    asked_at: datetime


class JobQueued(_Part, frozen=True, kw_only=True):
    """Work was asked for."""

    project_id: UUID
    job_id: UUID
    owner: Literal["account", "analysis", "project"] = "project"
    kind: Literal["analysis", "audit", "clean_up", "export", "import", "parse", "prices"]
    subject: UUID
    queue: Literal["critical", "default", "high", "low"] = "default"
    requested_by: str = ""
    export: Export | None = None


class JobStarted(_Part, frozen=True, kw_only=True):
    """An attempt began."""

    project_id: UUID
    job_id: UUID
    owner: Literal["account", "analysis", "project"] = "project"
    attempt: int


class JobPhaseEntered(_Part, frozen=True, kw_only=True):
    """The attempt is in another phase."""

    project_id: UUID
    job_id: UUID
    owner: Literal["account", "analysis", "project"] = "project"
    attempt: int
    phase: str


class JobCompleted(_Part, frozen=True, kw_only=True):
    """The work is done."""

    project_id: UUID
    job_id: UUID
    owner: Literal["account", "analysis", "project"] = "project"
    attempt: int
    result: dict[str, Any] = {}


class JobFailed(_Part, frozen=True, kw_only=True):
    """The work is given up."""

    project_id: UUID
    job_id: UUID
    owner: Literal["account", "analysis", "project"] = "project"
    attempt: int
    error_code: str
    error: str


class JobRetryScheduled(_Part, frozen=True, kw_only=True):
    """An attempt failed; the next is due later."""

    project_id: UUID
    job_id: UUID
    owner: Literal["account", "analysis", "project"] = "project"
    attempt: int
    error_code: str
    error: str
    due_at: datetime


class JobCancelRequested(_Part, frozen=True, kw_only=True):
    """Somebody wants it to stop."""

    project_id: UUID
    job_id: UUID
    owner: Literal["account", "analysis", "project"] = "project"


class JobCancelled(_Part, frozen=True, kw_only=True):
    """It stopped because somebody wanted it to."""

    project_id: UUID
    job_id: UUID
    owner: Literal["account", "analysis", "project"] = "project"


class OperationOpened(_Part, frozen=True, kw_only=True):
    """An engine began something."""

    project_id: UUID
    operation_id: UUID
    job_id: UUID
    name: str


class OperationPhaseEntered(_Part, frozen=True, kw_only=True):
    """The operation is in another phase."""

    project_id: UUID
    operation_id: UUID
    job_id: UUID
    event_id: int
    phase: str
    stage: Literal["start", "progress", "end"]
    step_index: int | None = None
    step_total: int | None = None


class OperationMilestoneReached(_Part, frozen=True, kw_only=True):
    """Something worth telling happened within a phase, or with it."""

    project_id: UUID
    operation_id: UUID
    job_id: UUID
    event_id: int
    phase: str
    stage: Literal["start", "progress", "end"]
    step_index: int | None = None
    step_total: int | None = None
    items_done: int | None = None
    items_total: int | None = None


class OperationClosed(_Part, frozen=True, kw_only=True):
    """The operation is over."""

    project_id: UUID
    operation_id: UUID
    job_id: UUID
    outcome: Literal["cancelled", "completed", "failed"]
    error: str = ""


class ThreadOpened(_Part, frozen=True, kw_only=True):
    """People may talk about something."""

    project_id: UUID
    thread_id: UUID
    title: str
    about_position: UUID | None = None
    about_document: UUID | None = None


class MessagePosted(_Part, frozen=True, kw_only=True):
    """An account said something."""

    project_id: UUID
    thread_id: UUID
    message_id: UUID
    account_id: UUID
    role: Literal["assistant", "system", "user"]
    message_type: Literal["answer", "clarification", "command", "question"]
    text: str | None = None
    positions: tuple[UUID, ...] = ()
    documents: tuple[UUID, ...] = ()
    mentions: tuple[UUID, ...] = ()


class MessageEdited(_Part, frozen=True, kw_only=True):
    """A message reads like this now. `newly_mentioned` are those whom no earlier revision mentioned."""

    project_id: UUID
    thread_id: UUID
    message_id: UUID
    account_id: UUID
    revision: int
    text: str | None = None
    positions: tuple[UUID, ...] = ()
    documents: tuple[UUID, ...] = ()
    mentions: tuple[UUID, ...] = ()
    newly_mentioned: tuple[UUID, ...] = ()


class MessageDeleted(_Part, frozen=True, kw_only=True):
    """A message of `account_id` is in the thread no more; the event's actor deleted it."""

    project_id: UUID
    thread_id: UUID
    message_id: UUID
    account_id: UUID


class NotificationSent(_Part, frozen=True, kw_only=True):
    """An account was told something: number `number` of its inbox."""

    account_id: UUID
    number: int
    kind: Literal[
        "analysis_complete",
        "analysis_failed",
        "conflict_raised",
        "invited",
        "job_complete",
        "job_failed",
        "mentioned",
        "variation_approved",
        "variation_rejected",
        "variation_submitted",
    ]
    project_id: UUID | None = None
    subject: UUID
    details: dict[str, str] = {}


class NotificationRead(_Part, frozen=True, kw_only=True):
    """These notifications count as read."""

    account_id: UUID
    numbers: tuple[int, ...]


class CatalogueCreated(_Part, frozen=True, kw_only=True):
    """A catalogue was begun."""

    account_id: UUID
    catalogue_id: UUID
    name: str
    currency: str


class CatalogueRenamed(_Part, frozen=True, kw_only=True):
    """It has another name."""

    account_id: UUID
    catalogue_id: UUID
    name: str


class CatalogueRemoved(_Part, frozen=True, kw_only=True):
    """It is used no longer."""

    account_id: UUID
    catalogue_id: UUID


class CatalogueAttached(_Part, frozen=True, kw_only=True):
    """A project's audits use it."""

    account_id: UUID
    catalogue_id: UUID
    project_id: UUID


class CatalogueDetached(_Part, frozen=True, kw_only=True):
    """A project's audits use it no longer."""

    account_id: UUID
    catalogue_id: UUID
    project_id: UUID


class Wanted(_Part, frozen=True, kw_only=True):
    """A price list to be read: a project's document, the day from which its prices hold, and whose they are."""

    project_id: UUID
    document_id: UUID
    content_hash: str
    priced_on: date
    source: str = ""


class CataloguePricesRequested(_Part, frozen=True, kw_only=True):
    """A price list is to be read."""

    account_id: UUID
    catalogue_id: UUID
    request: int
    wanted: Wanted


class Price(_Part, frozen=True, kw_only=True):
    """What one unit of a work costs, without VAT, in the catalogue's currency."""

    code: str = ""
    description: str = ""
    unit: str
    unit_price: Decimal


class CataloguePricesRecorded(_Part, frozen=True, kw_only=True):
    """Up to 500 prices of the version that is being made, `first` the place of the first among all of it."""

    account_id: UUID
    catalogue_id: UUID
    version: int
    first: int
    prices: tuple[Price, ...]


class CatalogueVersioned(_Part, frozen=True, kw_only=True):
    """A price list is in: this is the catalogue's version from now on."""

    account_id: UUID
    catalogue_id: UUID
    request: int
    version: int
    prices: int
    skipped: int
    priced_on: date
    source: str = ""


class CataloguePricesFailed(_Part, frozen=True, kw_only=True):
    """The price list could not be read."""

    account_id: UUID
    catalogue_id: UUID
    request: int
    error_code: str
    error: str


class AnalysisRequested(_Part, frozen=True, kw_only=True):
    """Nobody had it yet: a job works it out."""

    analysis_id: UUID
    kind: Literal["contract", "property"]
    account_id: UUID
    content_hash: str
    job_id: UUID


class AnalysisAttached(_Part, frozen=True, kw_only=True):
    """An account has a claim on it. `hit`: it was there already, or under way."""

    analysis_id: UUID
    kind: Literal["contract", "property"]
    account_id: UUID
    hit: bool = False


class AnalysisDetached(_Part, frozen=True, kw_only=True):
    """An account gave up its claim. `stops` is the job that nobody waits for any more."""

    analysis_id: UUID
    kind: Literal["contract", "property"]
    account_id: UUID
    stops: UUID | None = None


class AnalysisRetried(_Part, frozen=True, kw_only=True):
    """Another job works it out."""

    analysis_id: UUID
    kind: Literal["contract", "property"]
    account_id: UUID
    content_hash: str
    job_id: UUID


class AnalysisCompleted(_Part, frozen=True, kw_only=True):
    """The result is stored."""

    analysis_id: UUID
    kind: Literal["contract", "property"]
    job_id: UUID
    result_hash: str
    found: dict[str, int]
    missing: tuple[str, ...] = ()
    language: str = ""
    pages: int = 0


class AnalysisFailed(_Part, frozen=True, kw_only=True):
    """There is no result."""

    analysis_id: UUID
    kind: Literal["contract", "property"]
    job_id: UUID
    error_code: str
    error: str


class AnalysisEvicted(_Part, frozen=True, kw_only=True):
    """The cache was cleaned up: the next request works it out anew. All who had a claim were detached before."""

    analysis_id: UUID
    kind: Literal["contract", "property"]


class ComparisonAdded(_Part, frozen=True, kw_only=True):
    """The budget's prices are held against a document from now on."""

    project_id: UUID
    document_id: UUID
    compared_as: Literal["bid", "estimate"]
    bidder: str = ""


class ComparisonRemoved(_Part, frozen=True, kw_only=True):
    """The budget's prices are held against this document no more."""

    project_id: UUID
    document_id: UUID


class CacheCleanUpRequested(_Part, frozen=True, kw_only=True):
    """A job takes out what nobody asked for since `unused_since`."""

    account_id: UUID
    clean_up_id: UUID
    unused_since: datetime


class CacheCleanedUp(_Part, frozen=True, kw_only=True):
    """So many analyses of each kind were taken out."""

    account_id: UUID
    clean_up_id: UUID
    contracts: int
    properties: int


class ClaimTaken(_Part, frozen=True, kw_only=True):
    """A unique value now belongs to `holder`. Written to the stream `claim:<claim>`, so two takers conflict."""

    claim: str
    holder: str


class ClaimReleased(_Part, frozen=True, kw_only=True):
    """A unique value is free again."""

    claim: str


EVENTS: dict[str, type[Struct]] = {
    "account.registered": AccountRegistered,
    "account.password_changed": AccountPasswordChanged,
    "account.token_issued": AccountTokenIssued,
    "account.token_revoked": AccountTokenRevoked,
    "account.role_granted": AccountRoleGranted,
    "account.suspended": AccountSuspended,
    "account.reinstated": AccountReinstated,
    "account.erased": AccountErased,
    "project.created": ProjectCreated,
    "project.renamed": ProjectRenamed,
    "project.described": ProjectDescribed,
    "project.member_invited": ProjectMemberInvited,
    "project.member_joined": ProjectMemberJoined,
    "project.member_role_changed": ProjectMemberRoleChanged,
    "project.member_removed": ProjectMemberRemoved,
    "project.archived": ProjectArchived,
    "project.restored": ProjectRestored,
    "project.audit_configured": ProjectAuditConfigured,
    "document.uploaded": DocumentUploaded,
    "document.parse_requested": DocumentParseRequested,
    "document.parsed": DocumentParsed,
    "document.parse_failed": DocumentParseFailed,
    "document.replaced": DocumentReplaced,
    "document.removed": DocumentRemoved,
    "budget.imported": BudgetImported,
    "position.added": PositionAdded,
    "position.edited": PositionEdited,
    "position.removed": PositionRemoved,
    "position.moved": PositionMoved,
    "budget.versioned": BudgetVersioned,
    "budget.version_named": BudgetVersionNamed,
    "variation.drafted": VariationDrafted,
    "variation.revised": VariationRevised,
    "variation.submitted": VariationSubmitted,
    "variation.approved": VariationApproved,
    "variation.rejected": VariationRejected,
    "variation.withdrawn": VariationWithdrawn,
    "audit.started": AuditStarted,
    "audit.findings_recorded": AuditFindingsRecorded,
    "audit.conflict_raised": AuditConflictRaised,
    "audit.conflict_resolved": AuditConflictResolved,
    "audit.verdict_overridden": AuditVerdictOverridden,
    "audit.overrides_carried": AuditOverridesCarried,
    "audit.completed": AuditCompleted,
    "audit.cancelled": AuditCancelled,
    "job.queued": JobQueued,
    "job.started": JobStarted,
    "job.phase_entered": JobPhaseEntered,
    "job.completed": JobCompleted,
    "job.failed": JobFailed,
    "job.retry_scheduled": JobRetryScheduled,
    "job.cancel_requested": JobCancelRequested,
    "job.cancelled": JobCancelled,
    "operation.opened": OperationOpened,
    "operation.phase_entered": OperationPhaseEntered,
    "operation.milestone_reached": OperationMilestoneReached,
    "operation.closed": OperationClosed,
    "thread.opened": ThreadOpened,
    "message.posted": MessagePosted,
    "message.edited": MessageEdited,
    "message.deleted": MessageDeleted,
    "notification.sent": NotificationSent,
    "notification.read": NotificationRead,
    "catalogue.created": CatalogueCreated,
    "catalogue.renamed": CatalogueRenamed,
    "catalogue.removed": CatalogueRemoved,
    "catalogue.attached": CatalogueAttached,
    "catalogue.detached": CatalogueDetached,
    "catalogue.prices_requested": CataloguePricesRequested,
    "catalogue.prices_recorded": CataloguePricesRecorded,
    "catalogue.versioned": CatalogueVersioned,
    "catalogue.prices_failed": CataloguePricesFailed,
    "analysis.requested": AnalysisRequested,
    "analysis.attached": AnalysisAttached,
    "analysis.detached": AnalysisDetached,
    "analysis.retried": AnalysisRetried,
    "analysis.completed": AnalysisCompleted,
    "analysis.failed": AnalysisFailed,
    "analysis.evicted": AnalysisEvicted,
    "comparison.added": ComparisonAdded,
    "comparison.removed": ComparisonRemoved,
    "cache.clean_up_requested": CacheCleanUpRequested,
    "cache.cleaned_up": CacheCleanedUp,
    "claim.taken": ClaimTaken,
    "claim.released": ClaimReleased,
}
"""Each by the name of its type."""
QUERY_PATHS: dict[str, tuple[str, ...]] = {
    "account.get": ("/api/account",),
    "invitations.list": ("/api/invitations",),
    "projects.list": ("/api/projects",),
    "positions.using_code": ("/api/positions",),
    "search.find": ("/api/search",),
    "catalogues.list": ("/api/catalogues",),
    "analyses.list": ("/api/analyses",),
    "analyses.get": ("/api/analyses/{analysis_id}",),
    "cache.stats": ("/api/admin/cache/stats",),
    "catalogues.prices": ("/api/catalogues/{catalogue_id}/prices",),
    "projects.get": ("/api/projects/{project_id}",),
    "members.list": ("/api/projects/{project_id}/members",),
    "documents.list": ("/api/projects/{project_id}/documents",),
    "documents.get": ("/api/projects/{project_id}/documents/{document_id}",),
    "documents.diff": ("/api/projects/{project_id}/documents/{document_id}/differences",),
    "positions.list": ("/api/projects/{project_id}/positions",),
    "positions.get": ("/api/projects/{project_id}/positions/{position_id}",),
    "versions.list": ("/api/projects/{project_id}/versions",),
    "versions.diff": ("/api/projects/{project_id}/versions/{a}..{b}",),
    "variations.list": ("/api/projects/{project_id}/variations",),
    "variations.get": ("/api/projects/{project_id}/variations/{variation_id}",),
    "audits.list": ("/api/projects/{project_id}/audits",),
    "audits.get": ("/api/projects/{project_id}/audits/{audit_id}",),
    "findings.list": ("/api/projects/{project_id}/audits/{audit_id}/findings", "/api/projects/{project_id}/findings"),
    "jobs.list": ("/api/projects/{project_id}/jobs",),
    "jobs.get": ("/api/projects/{project_id}/jobs/{job_id}", "/api/jobs/{job_id}"),
    "operations.list": ("/api/projects/{project_id}/operations",),
    "operations.get": ("/api/projects/{project_id}/operations/{operation_id}",),
    "threads.list": ("/api/projects/{project_id}/threads",),
    "threads.messages": ("/api/projects/{project_id}/threads/{thread_id}/messages",),
    "messages.history": ("/api/projects/{project_id}/threads/{thread_id}/messages/{message_id}/history",),
    "history.list": ("/api/projects/{project_id}/history",),
    "notifications.list": ("/api/notifications",),
    "notifications.count": ("/api/notifications/count",),
}
"""Where each query is answered over HTTP. What stands in braces is a field of it."""
