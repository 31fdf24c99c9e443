"""The main job from outside: upload a bill, watch it being read, imported and audited, and show what came of it."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from time import monotonic
from typing import Any
from uuid import UUID

from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from plumbline_client import Progress as JobProgress
from plumbline_client import events
from plumbline_client.answers import Passing
from runtime.ids import new_id
from transport.terminal.remote import Remote

WORST = 12
STYLES = {"GREEN": "green", "AMBER": "yellow", "RED": "red", "NOT_CHECKED": "dim"}


class Unreadable(Exception):  # noqa: N818 - says what is wrong
    """The file could not be read, or its job was given up."""


class Seconds(Struct, kw_only=True, rename={"import_": "import"}):
    """How long each job worked, and everything together, in seconds."""

    parse: float = 0.0
    import_: float = 0.0
    audit: float = 0.0
    total: float = 0.0


class Checked(Struct, kw_only=True):
    """What a check came to. Amounts are exact, as text. The feed tells everything up to `sequence`."""

    file: str
    content_hash: str
    format: str = ""
    positions: int = 0
    priced: int = 0
    currency: str = ""
    total: str = "0"
    declared_total: str | None = None
    version: int = 0
    verdicts: dict[str, int] = {}
    rules: dict[str, dict[str, int]] = {}
    seconds: Seconds
    project_id: UUID
    feed: str
    sequence: int = 0


class Audited(Struct, frozen=True):
    """The audit that a check ended with, and the log's position at its end."""

    audit_id: str
    position: int


Show = Callable[[str, int, int], None]
"""Shows a phase, and how much of how much is done in it."""


async def check(
    remote: Remote, name: str, data: bytes, show: Show, *, began: float | None = None
) -> tuple[Checked, Audited]:
    """Do the main job on a file in a new project; answer what came of it, and its audit.

    `began` is the monotonic time that the total counts from, now by default. Raises `Unreadable` and `Remote`'s errors.
    """
    began = monotonic() if began is None else began
    project_id = new_id()
    await remote.command("project.create", project_id=project_id, name=name)
    show("uploading", 0, 0)
    await remote.upload(project_id, name, data)
    checked = Checked(
        file=name,
        content_hash=sha256(data).hexdigest(),
        seconds=Seconds(),
        project_id=project_id,
        feed=f"project:{project_id}",
    )
    audited = await _watch(remote, checked, show)
    checked.seconds.total = round(monotonic() - began, 3)
    return checked, audited


async def _watch(remote: Remote, checked: Checked, show: Show) -> Audited:
    """Follow the project until its audit is complete and its job is done."""
    kinds: dict[UUID, str] = {}
    started: dict[UUID, datetime] = {}

    def passing(message: Passing) -> None:
        if isinstance(message, JobProgress) and message.type == "job.progress":
            show(message.phase, message.items_done or 0, message.items_total or 0)

    async with remote.feed(checked.feed, passing=passing) as feed:
        async for event in feed:
            checked.sequence = event.sequence
            match event.data:
                case events.JobQueued(job_id=job_id, kind=kind):
                    kinds[job_id] = kind
                case events.JobStarted(job_id=job_id):
                    started[job_id] = event.at
                case events.JobPhaseEntered(phase=phase):
                    show(phase, 0, 0)
                case events.DocumentParsed() as parsed:
                    checked.format, checked.priced = parsed.format, parsed.priced
                    checked.declared_total = None if parsed.declared_total is None else str(parsed.declared_total)
                    if not parsed.items:
                        raise Unreadable("The file was understood, but it holds no positions.")
                case events.BudgetVersioned() as budget:
                    checked.version, checked.positions = budget.version, budget.total_positions
                    checked.total, checked.currency = str(budget.total_cost), budget.currency
                case events.AuditCompleted(verdicts=verdicts, rules=rules):
                    checked.verdicts = {**verdicts}
                    checked.rules = {rule: {**counts} for rule, counts in rules.items()}
                case events.DocumentParseFailed(error=error) | events.JobFailed(error=error):
                    raise Unreadable(error)
                case events.JobCompleted(job_id=job_id, result=result):
                    kind = kinds[job_id]
                    took = round((event.at - started[job_id]).total_seconds(), 3)
                    setattr(checked.seconds, {"import": "import_"}.get(kind, kind), took)
                    if kind == "audit":
                        return Audited(result["audit_id"], event.position)
                case _:
                    pass
    raise AssertionError("a feed does not end")


class Bar:
    """A progress bar on standard error; nothing where that is no terminal."""

    def __init__(self) -> None:
        """Prepare the bar; `with` shows it."""
        self._progress = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = TaskID(0)

    def __enter__(self) -> Show:
        self._progress.start()
        self._task = self._progress.add_task("starting", total=None, count="")
        return self._show

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _show(self, phase: str, done: int, total: int) -> None:
        count = f"{done}/{total}" if total else ""
        self._progress.update(self._task, description=phase, completed=done, total=total or None, count=count)


async def show_result(remote: Remote, checked: Checked, audited: Audited, console: Console) -> None:
    """Print the table that a person wants to see."""
    console.print(_summary(checked))
    audit = f"/api/projects/{checked.project_id}/audits/{audited.audit_id}"
    details = await remote.query(audit, after=audited.position)
    console.print(_rules(details["rules"]))
    worst: list[dict[str, Any]] = []
    for verdict in ("RED", "AMBER"):
        if len(worst) < WORST:
            page = await remote.query(
                f"{audit}/findings", verdict=verdict, limit=WORST - len(worst), after=audited.position
            )
            worst += page["items"]
    if worst:
        console.print(_findings(worst))


def _summary(checked: Checked) -> Table:
    table = Table(title=checked.file, show_header=False, title_justify="left")
    agrees = checked.declared_total is None or checked.declared_total == checked.total
    table.add_row("format", checked.format)
    table.add_row("positions", f"{checked.positions} ({checked.priced} priced)")
    table.add_row("total", f"{_money(checked.total)} {checked.currency}")
    declared = (
        "not stated" if checked.declared_total is None else f"{_money(checked.declared_total)} {checked.currency}"
    )
    table.add_row("declared total", declared if agrees else f"[red]{declared}[/red]")
    table.add_row("version", str(checked.version))
    counts = "  ".join(f"[{STYLES[name]}]{name} {number}[/]" for name, number in checked.verdicts.items())
    table.add_row("verdicts", counts)
    seconds = checked.seconds
    table.add_row(
        "seconds",
        f"parse {seconds.parse:.2f}, import {seconds.import_:.2f}, audit {seconds.audit:.2f}, all {seconds.total:.2f}",
    )
    return table


def _rules(rules: list[dict[str, Any]]) -> Table:
    """Show what each rule said of what it judges; a rule that said nothing had nothing to judge."""
    table = Table(title="Rules", title_justify="left")
    for heading, verdict in (("rule", ""), ("what it holds", ""), *((name, name) for name in STYLES)):
        table.add_column(heading, style=STYLES.get(verdict, ""), justify="right" if verdict else "left")
    for rule in rules:
        counts = (str(rule["counts"].get(name) or "") for name in STYLES)
        table.add_row(rule["rule"], rule["title"], *counts)
    return table


def _findings(findings: list[dict[str, Any]]) -> Table:
    table = Table(title="Worst findings", title_justify="left")
    for heading in ("verdict", "rule", "sheet", "line", "code", "what"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        verdict = finding["recommendation"]
        table.add_row(
            f"[{STYLES[verdict]}]{verdict}[/]",
            finding["rule"],
            finding.get("source_sheet") or finding["evidence"].get("sheet", ""),
            str(finding.get("source_line") or finding["evidence"].get("row", "")),
            finding.get("code") or "",
            finding["reasoning"],
        )
    return table


def _money(amount: str) -> str:
    whole, _, cents = amount.partition(".")
    return f"{int(whole):,}" + (f".{cents}" if cents else "")
