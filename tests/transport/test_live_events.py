"""`docs/live-events.md` against what is really told: feeds, the events on each, and the kinds of notifications."""

import re
from collections import defaultdict
from pathlib import Path
from typing import get_args

from domain.core import ClaimReleased, ClaimTaken
from domain.job import JobOwner
from domain.notification import NotificationKind
from domain.registry import AGGREGATES, COMMANDS, EVENTS, name_of
from projections.queries import QUERIES
from transport.errors import refusals

PAGE = (Path(__file__).parents[2] / "docs/live-events.md").read_text()
OTHERS = {"job.progress", "operation.progress", "operation.phase_unknown"}
"""Types of frames that pass by without a number, and a line of the log."""


def rows(heading: str) -> list[list[str]]:
    """Give the cells of the first table of a section."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    assert table, heading
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_feed_is_there_with_the_events_that_travel_on_it() -> None:
    told: defaultdict[str, set[str]] = defaultdict(set)
    for aggregate in AGGREGATES:
        feeds = get_args(JobOwner) if aggregate.feed_kind else (aggregate.feed,)
        for feed in feeds:
            told[feed].update(name_of(event).partition(".")[0] + ".*" for event in aggregate.events)
    told["account"].update(name_of(claim).partition(".")[0] + ".*" for claim in (ClaimTaken, ClaimReleased))
    written = {quoted(feed)[0].partition(":")[0]: set(quoted(events)) for feed, events, _ in rows("Feeds")}
    assert written == told


def test_every_kind_of_notification_is_there() -> None:
    assert sorted(quoted(kind)[0] for kind, *_ in rows("Notifications")) == sorted(get_args(NotificationKind))


def test_every_name_on_the_page_is_one() -> None:
    named = {name for name in re.findall(r"`([a-z_]+\.[a-z_]+)`", PAGE) if not name.endswith((".md", ".yaml"))}
    assert named
    assert named - set(EVENTS) - set(COMMANDS) - set(QUERIES) - set(refusals()) - OTHERS == set()
