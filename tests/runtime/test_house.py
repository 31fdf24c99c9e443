"""The files around the code say the same as the code."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from msgspec.structs import fields

from runtime.servers import POSTGRES_MAJOR
from runtime.settings import Settings

REPOSITORY = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
VARIABLES = {info.encode_name for info in fields(Settings)}


@pytest.mark.parametrize("path", sorted((REPOSITORY / "domain").rglob("*.py")), ids=lambda path: path.stem)
def test_the_domain_imports_msgspec_the_standard_library_and_itself(path: Path) -> None:
    allowed = sys.stdlib_module_names | {"msgspec", "domain"}
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        assert {name.partition(".")[0] for name in names} <= allowed


@pytest.mark.parametrize("name", ["api", "projector", "worker", "migrate"])
def test_what_compose_sets_is_a_setting(name: str) -> None:
    assert {variable.removesuffix("_FILE") for variable in COMPOSE["services"][name]["environment"]} <= VARIABLES


def test_compose_runs_the_server_version_that_is_embedded() -> None:
    assert COMPOSE["services"]["postgres"]["image"] == f"postgres:{POSTGRES_MAJOR}"


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_no_container_has_privileges_or_a_writable_root(name: str) -> None:
    container = COMPOSE["services"][name]
    assert container["read_only"]
    assert container["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in container["security_opt"]


def test_every_secret_of_compose_is_made_by_make_secrets(tmp_path: Path) -> None:
    command = ("make", "--silent", "--file", str(REPOSITORY / "Makefile"), "secrets")
    subprocess.run(command, cwd=tmp_path, check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert {f"./secrets/{name}" for name in made} == {secret["file"] for secret in COMPOSE["secrets"].values()}
    assert made["database_password"] in made["database_url"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made


def test_make_help_shows_what_people_use() -> None:
    shown = subprocess.run(["make", "--silent", "help"], cwd=REPOSITORY, check=True, capture_output=True, text=True)  # noqa: S607 - as people do
    assert {"help", "run", "test", "check", "bench", "fmt"} <= set(re.findall(r"make ([a-z]+)", shown.stdout))
