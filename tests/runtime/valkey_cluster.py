"""A Valkey Cluster of the wheel's own servers, on loopback, whose servers a test may kill and start again."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

from runtime.cluster import SLOTS, slot_of
from runtime.servers import valkey_program

PRIMARIES = 3
PATIENCE = 60.0
SETTINGS = {
    "bind": "127.0.0.1",
    "save": "",
    "cluster-enabled": "yes",
    "cluster-node-timeout": "1000",
    "cluster-require-full-coverage": "no",
    "cluster-replica-validity-factor": "0",
    "repl-diskless-sync-delay": "0",
}


class Node:
    """One server. Its folder outlives it, so that it is the same one when it is started again."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.port, self.bus = free_ports(2)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        own = {"port": str(self.port), "cluster-port": str(self.bus), "dir": str(self._folder)}
        options = [part for name, value in (SETTINGS | own).items() for part in (f"--{name}", value)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([valkey_program(), *options], stdout=log, stderr=log)
        until(lambda: self.ask("PING"))

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def ask(self, *command: str | int) -> Any:
        with redis.Redis(port=self.port, socket_timeout=5) as client:
            return client.execute_command(*command)  # pyright: ignore[reportUnknownMemberType] - untyped

    def is_well(self, nodes: int) -> bool:
        """Whether it knows that many servers and all of them are well."""
        info = self.ask("CLUSTER INFO")
        return info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == nodes


class Cluster:
    """Primaries with a third of the slots each, in the order of the slots, and a replica of the first if asked for."""

    def __init__(self, folder: Path, *, replica: bool = False) -> None:
        self.nodes = [Node(folder / str(number)) for number in range(PRIMARIES + replica)]
        self.primaries = self.nodes[:PRIMARIES]
        self.replica = self.nodes[PRIMARIES] if replica else None

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(node.address for node in self.primaries)}"

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        first = self.nodes[0]
        for number, node in enumerate(self.primaries):
            start, end = SLOTS * number // PRIMARIES, SLOTS * (number + 1) // PRIMARIES - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", start, end)
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            node.ask("CLUSTER", "MEET", "127.0.0.1", first.port, first.bus)
        self.until_well()
        if self.replica is not None:
            replica, name = self.replica, first.ask("CLUSTER", "MYID").decode()
            until(lambda: replica.ask("CLUSTER", "REPLICATE", name))
            until(lambda: linked(replica))

    def until_well(self) -> None:
        """Wait until every server that runs knows all others, and that every slot is served."""
        for node in self.nodes:
            if node.running:
                until(partial(node.is_well, len(self.nodes)))

    def primary_of(self, channel: str) -> Node:
        """Give the server that a channel lies on at first."""
        return self.primaries[slot_of(channel) * PRIMARIES // SLOTS]

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()


def linked(node: Node) -> bool:
    with redis.Redis(port=node.port, socket_timeout=5) as client:
        info: Any = client.info("replication")
        return info.get("master_link_status") == "up"


def until(check: Any) -> None:
    """Wait until a check holds; one that cannot be made does not hold."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(redis.RedisError):
            if check():
                return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def running_cluster(folder: Path, *, replica: bool = False) -> Iterator[Cluster]:
    cluster = Cluster(folder, replica=replica)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that the tests of one module share; they leave it whole."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
