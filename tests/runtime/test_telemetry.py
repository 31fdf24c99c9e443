import json
import subprocess
import sys
from typing import Any

import pytest
from prometheus_client import Counter
from prometheus_client.parser import text_string_to_metric_families

from runtime.telemetry import REGISTRY, exposition, human_line

PROGRAM = """
import logging
from runtime import telemetry

telemetry.configure("api", level={level!r}, human={human})
log = telemetry.get_logger("room.module")
with telemetry.context(request_id="r-1"):
    {body}
"""


def logged(body: str, *, level: str = "info", human: bool = False) -> str:
    program = PROGRAM.format(body=body.replace("\n", "\n    "), level=level, human=human)
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == ""
    return result.stderr


def logged_event(body: str) -> dict[str, Any]:
    line = logged(body)
    assert line.count("\n") == 1
    return json.loads(line)


def test_a_line_tells_when_where_and_what() -> None:
    event = logged_event('log.info("stored", positions=3)')
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "level": "info",
        "process": "api",
        "module": "room.module",
        "event": "stored",
        "positions": 3,
        "request_id": "r-1",
    }


def test_an_exception_is_logged_with_its_stack() -> None:
    event = logged_event('try: 1 / 0\nexcept ZeroDivisionError: log.exception("failed")')
    assert event["level"] == "error"
    assert "Traceback" in event["exception"]
    assert "ZeroDivisionError: division by zero" in event["exception"]


def test_libraries_log_the_same_way() -> None:
    event = logged_event('logging.getLogger("library").warning("100%% of %s", "it")')
    assert (event["module"], event["level"], event["event"]) == ("library", "warning", "100% of it")
    assert event["request_id"] == "r-1"


def test_lines_below_the_level_are_not_written() -> None:
    assert logged('log.info("quiet"); log.debug("quieter")', level="warning") == ""


@pytest.mark.parametrize("human", [False, True])
def test_secrets_are_hidden_wherever_they_stand(human: bool) -> None:
    text = logged(
        'log.info("x", password="hush", api_token="hush", headers={"Cookie": "hush", "Authorization": "hush"},'
        ' url="redis://u:hush@h/0")\n'
        'try: raise ValueError("postgresql://u:hush@h/x")\nexcept ValueError: log.exception("x")',
        human=human,
    )
    assert "hush" not in text
    assert text.count("***") == 6


def test_counts_of_tokens_are_no_secrets() -> None:
    assert logged_event('log.info("x", input_tokens=12)')["input_tokens"] == 12


def test_values_of_any_type_can_be_logged() -> None:
    assert logged_event('log.info("x", value={1: object})')["value"] == {"1": "<class 'object'>"}


def test_people_get_short_lines() -> None:
    line = logged('log.warning("slow", seconds=3)', human=True)
    assert line.endswith(" api        WARNING: slow seconds=3 request_id=r-1\n")
    assert human_line({"event": "x", "timestamp": "2026-01-02T03:04:05Z", "level": "info"}).startswith("03:04:05")


def test_a_process_whose_reader_is_gone_goes_on() -> None:
    program = PROGRAM.format(
        body='input()\n    for _ in range(100): log.info("x" * 1000)\n    print("done")', level="info", human=False
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        process.stderr.close()
        process.stderr = None
        output, _ = process.communicate(b"\n")
    assert output == b"done\n"


def test_all_metrics_are_exposed_in_prometheus_format() -> None:
    counter = Counter("plumbline_test", "Counts.", registry=REGISTRY)
    try:
        counter.inc(2)
        body, content_type = exposition()
    finally:
        REGISTRY.unregister(counter)
    assert content_type.startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    assert families["plumbline_test"].samples[0].value == 2
    assert "python_info" in families
