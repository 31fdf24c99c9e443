"""Papers that suffered: whatever is in them, facts or a refusal, in time and memory."""

import subprocess
import sys
import time
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analysis import AnalysisKind
from tests.fuzz.mutations import mutated
from tests.workers.papers import pdf, table
from tests.workers.test_extraction import CONTRACT, ENGLISH, PROPERTY
from workers.extraction import MOST_FACTS, extract
from workers.readers.unreadable import Unreadable

KINDS: tuple[AnalysisKind, ...] = get_args(AnalysisKind)
SECONDS = 5.0
LETTERS = 100_000
MEMORY = 2**30
TEXTS = {"contract": CONTRACT.encode(), "english": ENGLISH.encode(), "property": PROPERTY.encode()}
PAPERS = TEXTS | {"pdf": pdf([table([(line,) for line in ENGLISH.splitlines() if line], ruled=False)])}
PIECES = sorted({*CONTRACT.split(), *ENGLISH.split(), *PROPERTY.split(), " ", "\t", "\n", "\n\n", "1 ", "X", "\u00a0"})


def extracted(data: bytes, kind: AnalysisKind) -> None:
    """Extract within the time; a refusal is as good as facts, and facts stand where they say."""
    began = time.monotonic()
    try:
        found = extract(data, kind)
    except Unreadable:
        return
    finally:
        assert time.monotonic() - began < SECONDS
    assert len(found.facts) <= MOST_FACTS
    assert all(1 <= fact.page <= found.pages and fact.passage for fact in found.facts)


@settings(deadline=None, max_examples=150)
@given(name=st.sampled_from(sorted(PAPERS)), kind=st.sampled_from(KINDS), chance=st.randoms(use_true_random=False))
def test_any_change_of_a_paper_ends_in_facts_or_a_refusal(name: str, kind: AnalysisKind, chance: object) -> None:
    extracted(mutated(PAPERS[name], chance), kind)  # pyright: ignore[reportArgumentType] - it is a Random


@settings(deadline=None, max_examples=150)
@given(
    text=st.text(max_size=400) | st.lists(st.sampled_from(PIECES), max_size=60).map(" ".join),
    kind=st.sampled_from(KINDS),
)
def test_any_text_ends_in_facts_or_a_refusal(text: str, kind: AnalysisKind) -> None:
    extracted(text.encode(errors="surrogatepass"), kind)


@settings(deadline=None, max_examples=60)
@given(start=st.sampled_from(PIECES), piece=st.sampled_from(PIECES), kind=st.sampled_from(KINDS))
@pytest.mark.parametrize("join", ["", " "])
def test_what_is_said_ever_again_takes_no_longer_than_it_is_long(
    join: str, start: str, piece: str, kind: AnalysisKind
) -> None:
    extracted((f"{start} " + f"{piece}{join}" * (LETTERS // len(piece + join))).encode(), kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("piece", [" ", "x ", "do 30 dn\u016f ", "X\t", "client: \t", "1 ", "250 ", "\n", "a"])
def test_texts_that_patterns_could_go_back_and_forth_in_take_linear_time(piece: str, kind: AnalysisKind) -> None:
    extracted(("x " + piece * (LETTERS // len(piece))).encode(), kind)
    for label in ("client:", "VAT ", "IČO ", "LV ", "LV č. ", "parc. č. ", "k. ú. ", "název ", "5 ", "do 30 "):
        extracted((label + piece * (LETTERS // len(piece))).encode(), kind)


def test_a_large_paper_stays_within_its_memory() -> None:
    script = (
        f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))\n"
        "from workers.extraction import extract\n"
        "found = extract(('do 30 dn\u016f 1 000 K\u010d ' * 100_000).encode(), 'contract')\n"
        "assert found.dropped and len(found.facts) == 1_000"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
