import subprocess
import sys

import pytest

from tests.web.conftest import CLIENT, REPOSITORY, Node

pytestmark = pytest.mark.timeout(400)  # the first run installs the packages


def test_its_types_are_what_the_server_says() -> None:
    generate = [sys.executable, "web/client/generate.py", "--check"]
    done = subprocess.run(generate, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_its_lock_names_no_registry() -> None:
    assert '"resolved"' not in (CLIENT / "package-lock.json").read_text()


def test_its_types_hold_and_it_can_be_built(node: Node) -> None:
    done = node.run("tsc")
    assert done.returncode == 0, done.stdout
    built = node.run("tsc", "-p", "tsconfig.build.json")
    assert built.returncode == 0, built.stdout


def test_its_unit_tests_pass(node: Node) -> None:
    done = node.run("vitest", "run")
    assert done.returncode == 0, done.stdout + done.stderr
