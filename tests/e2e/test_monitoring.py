"""What is written about metrics holds them: alert rules and docs name what a process really tells."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.conftest import Stack
from transport.terminal.check import check
from workers.sample_bill import sample_bill

REPOSITORY = Path(__file__).parents[2]
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count"), "info": ("",)}
WORDS = {"absent", "and", "by", "clamp_min", "histogram_quantile", "max", "or", "rate", "sum", "unless"}
"""PromQL that the rules use, besides names of metrics and labels."""


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((REPOSITORY / "deploy/alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def metrics_in(expression: str) -> set[str]:
    """Give the names of metrics that an expression reads."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|by \([^)]*\)", " ", expression)
    return set(re.findall(r"[a-z_]\w*", bare)) - WORDS


def labels_in(expression: str) -> Iterator[tuple[str, str]]:
    """Give each metric with each label that a selector of an expression asks for."""
    for metric, selector in re.findall(r"(\w+)\{([^}]*)\}", expression):
        for label in re.findall(r"(\w+)=", selector):
            yield metric, label


def documented() -> set[str]:
    table = (REPOSITORY / "docs/monitoring.md").read_text().partition("## Metrics")[2].partition("\n## ")[0]
    rows = (line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


async def test_every_metric_that_rules_and_docs_name_is_told_by_some_process(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data")
    ports = {"PROJECTOR_METRICS_PORT": free_port(), "WORKER_METRICS_PORT": free_port()}
    stack.environ |= {name: str(port) for name, port in ports.items()}
    await stack.start()
    try:
        async with await stack.remote() as remote:
            await check(remote, "bill.xlsx", sample_bill(items=10), lambda *_: None)
        told = {name: scraped(port) for name, port in (("api", stack.port), *ports.items())}
    finally:
        await stack.stop()
    everywhere: dict[str, set[str]] = {}
    for metrics in told.values():
        for name, labels in metrics.items():
            everywhere.setdefault(name, set()).update(labels)
    assert told["PROJECTOR_METRICS_PORT"]["projection_lag_events"] == {"projection"}
    assert told["WORKER_METRICS_PORT"]["follower_lag_events"] == {"follower"}
    assert told["WORKER_METRICS_PORT"]["job_attempts_total"] == {"kind", "outcome"}
    assert all("event_loop_delay_seconds_sum" in metrics for metrics in told.values())
    for rule in rules():
        assert metrics_in(rule["expr"]), rule
        assert metrics_in(rule["expr"]) <= set(everywhere), rule["alert"]
        assert all(label in everywhere[metric] for metric, label in labels_in(rule["expr"])), rule["alert"]
    assert documented() - {name.removesuffix("_sum") for name in everywhere} - set(everywhere) == set()


def scraped(port: int) -> dict[str, set[str]]:
    """Give each metric that is told at a port, with the labels of its samples."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=20).raise_for_status().text
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for suffix in SUFFIXES[family.type]:
            found.setdefault(family.name + suffix, set())
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found
