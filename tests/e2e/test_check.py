import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from domain.experts.rules import RULES
from plumbline_client import Event
from tests.e2e.conftest import Stack
from transport.terminal.check import Checked, check
from transport.terminal.remote import Remote
from workers.sample_bill import sample_bill


def plumbline(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "transport", *arguments), capture_output=True, text=True, timeout=110, check=False
    )


def test_one_command_checks_a_bill_and_prints_one_object(tmp_path: Path) -> None:
    bill = tmp_path / "bill.xlsx"
    bill.write_bytes(sample_bill(items=80, faults=("wrong_line_total", "missing_unit")))
    done = plumbline("check", str(bill), "--json")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    checked = json.loads(line)
    assert (checked["format"], checked["positions"], checked["version"]) == ("kros", 80, 1)
    assert sum(checked["verdicts"].values()) == 80
    assert checked["rules"]["V1"]["RED"] == checked["rules"]["V4"]["RED"] == 1
    assert list(checked["rules"]) == [rule.id for rule in RULES]
    assert set(checked["seconds"]) == {"parse", "import", "audit", "total"}


def test_a_file_that_cannot_be_read_exits_with_2_and_the_reason(tmp_path: Path) -> None:
    bill = tmp_path / "bill.xlsx"
    bill.write_bytes(b"no workbook at all")
    done = plumbline("check", str(bill), "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "bill.xlsx" in done.stderr


REAL = {
    "kros_rd_valcha_PRICED.xlsx": (298, "8205797.76"),
    "kros_daliborova_material_montaz_PRICED.xlsx": (72, "2538613.68"),
    "kros_so202_most_d6_single_sheet_blank.xlsx": (99, "0"),
    "unixml12_rd_valcha_PRICED.xml": (298, "8205797.76"),
    "aspe_xc4.xml": (2, "0"),
    "boq.x83": (6, "0"),
    "realistic.x84": (4, "9649.00"),
    "contract.x86": (2, "3475.00"),
    "ruesma_percent_chain_excerpt.bc3": (1, "81.55"),
    "en_ubs_hyderabad_boq.pdf": (25, "0"),
}
DISCOUNTED = {"realistic.x84": "9166.55"}
"""Declared totals from which the bidder took a discount."""


async def test_real_bills_are_read_to_the_cent(bills: Path, stack: Stack) -> None:
    async with await stack.remote() as remote:
        for name, (positions, total) in REAL.items():
            checked, _ = await check(remote, name, (bills / name).read_bytes(), show=lambda *_: None)
            assert (checked.positions, checked.total) == (positions, total)
            assert checked.declared_total in {None, DISCOUNTED.get(name, total)}
            assert not any(checked.rules[rule]["RED"] for rule in ("V1", "V2", "V3", "V4", "V6"))


VICTIMS = {
    "api": ("plumbline: transport api",),
    "projector": ("plumbline: workers projector",),
    "worker": ("plumbline: workers worker",),
    "valkey": ("valkey-server",),
    "postgres": ("postgres", "-D"),
}


async def test_whatever_is_killed_in_mid_check_nothing_is_lost_and_nothing_is_done_twice(stack: Stack) -> None:
    async with await stack.remote() as remote:
        for name, words in VICTIMS.items():
            checked = await _check_with_a_murder(stack, remote, words)
            assert checked.positions == 1_500, name
            types = Counter(event.type for event in await _events(remote, checked))
            assert types["document.parsed"] == types["budget.versioned"] == types["audit.completed"] == 1, name
            assert types["job.queued"] == types["job.completed"] == 3, name
            project = await remote.query(f"/api/projects/{checked.project_id}", after=await _head(remote, checked))
            assert project["total_cost"] == checked.total, name


async def _check_with_a_murder(stack: Stack, remote: Remote, words: tuple[str, ...]) -> Checked:
    victim = stack.find(*words)
    data = sample_bill(items=1_500)
    checking = asyncio.create_task(check(remote, "bill.xlsx", data, show=lambda *_: None))
    await asyncio.sleep(0.7)
    victim.kill()
    checked, _ = await asyncio.wait_for(checking, 100)
    return checked


async def _events(remote: Remote, checked: Checked) -> list[Event]:
    events: list[Event] = []
    async with remote.feed(checked.feed) as feed:
        async for event in feed:
            events.append(event)
            if event.sequence >= checked.sequence:
                break
    return events


async def _head(remote: Remote, checked: Checked) -> int:
    return max(event.position for event in await _events(remote, checked))


async def test_a_second_start_finds_the_data_again(tmp_path: Path) -> None:
    first = Stack(tmp_path / "data")
    await first.start()
    async with await first.remote() as remote:
        checked, _ = await check(remote, "bill.xlsx", sample_bill(items=20), show=lambda *_: None)
    await first.stop()
    second = Stack(tmp_path / "data")
    await second.start()
    async with Remote(second.url, remote.token) as again:
        project = await again.query(f"/api/projects/{checked.project_id}", after=await _head(again, checked))
    assert (project["total_cost"], project["version"]) == (checked.total, 1)
    await second.stop()
