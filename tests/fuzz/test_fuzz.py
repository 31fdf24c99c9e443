"""A short part of fuzzing: whatever a file suffers, it is a bill or a refusal, within the limits."""

import random
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import __main__ as fuzz
from tests.fuzz.mutations import mutated
from tests.fuzz.seeds import seeds
from workers.readers import read_bill

LAYOUTS = seeds()


def test_every_layout_is_a_bill_to_begin_with() -> None:
    for name, data in LAYOUTS.items():
        assert read_bill(data).items, name


@pytest.mark.parametrize("name", LAYOUTS)
def test_fixed_changes_end_in_bills_or_refusals(name: str) -> None:
    done = subprocess.run(
        (sys.executable, "-m", "tests.fuzz", "--rounds", "40", "--only", name),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@settings(deadline=None, max_examples=150)
@given(name=st.sampled_from(["unixml", "xc4", "gaeb", "bc3", "csv"]), seed=st.integers(0, 2**32))
def test_any_change_ends_in_a_bill_or_a_refusal(name: str, seed: int) -> None:
    fuzz.read_once(mutated(LAYOUTS[name], random.Random(seed)))  # noqa: S311 - no secret


def broken(_: bytes) -> None:
    raise KeyError("x")


def hungry(_: bytes) -> None:
    bytearray(2 * fuzz.MEMORY)


def hanging(_: bytes) -> None:
    time.sleep(60)


@pytest.mark.parametrize(("reader", "told"), [(broken, "KeyError"), (hungry, "MemoryError"), (hanging, "code -14")])
def test_what_breaks_a_reader_is_noticed(reader: object, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "read_once", reader)
    monkeypatch.setattr(fuzz, "SECONDS", 2)
    assert told in fuzz.read_apart(b"")
    assert fuzz.fixed({"csv": LAYOUTS["csv"]}, 1) == 1
