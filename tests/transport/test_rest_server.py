import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from runtime.embedded import Embedded
from runtime.migrations import read_migrations
from tests.transport.serving import REPOSITORY, SERVE, Api, api_environment, running_api


def failed_start(environ: dict[str, str]) -> str:
    """Start a server that cannot run, and give what it says."""
    process = subprocess.run(
        [sys.executable, "-c", SERVE],
        env=environ | {"PLUMBLINE_LIFELINE": "0"},
        cwd=REPOSITORY,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 1
    return process.stderr.decode()


@pytest.fixture
def own(servers: Embedded, migrated_template: str, tmp_path: Path) -> Iterator[Api]:
    """A server that a test may stop."""
    with running_api(servers, migrated_template, tmp_path) as running:
        yield running


def test_a_database_without_migrations_is_refused_with_their_list(
    servers: Embedded, empty_database_url: str, tmp_path: Path
) -> None:
    said = failed_start(api_environment(empty_database_url, servers.redis_url, tmp_path))
    missing = said.splitlines()[-1]
    assert missing.startswith("runtime.migrations.MigrationsMissing: ")
    for migration in read_migrations():
        assert str(migration) in missing


def test_a_taken_port_is_an_error(servers: Embedded, database_url: str, tmp_path: Path) -> None:
    environ = api_environment(database_url, servers.redis_url, tmp_path)
    with socket.create_server(("127.0.0.1", int(environ["PORT"]))):
        assert failed_start(environ).splitlines()[-1].startswith("OSError: [Errno 98] Address already in use")


def test_what_is_under_way_ends_before_the_process_does(own: Api) -> None:
    client = own.account().program()
    created = client.post("/api/commands/project.create", json={"name": "House"}).json()
    path = f"/api/projects/{created['result']['project_id']}/documents"
    answers: list[httpx.Response] = []
    slow = threading.Event()

    def body() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        slow.set()
        time.sleep(1.5)
        yield b"the rest\r\n--b--\r\n"

    def upload() -> None:
        headers = {"content-type": "multipart/form-data; boundary=b"}
        answers.append(client.post(path, content=body(), headers=headers))

    uploading = threading.Thread(target=upload)
    uploading.start()
    assert slow.wait(10)
    time.sleep(0.3)
    began = time.monotonic()
    own.process.send_signal(signal.SIGTERM)
    uploading.join(20)
    assert own.process.wait(20) == 0
    assert time.monotonic() - began < 10
    assert [answer.status_code for answer in answers] == [201]
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{own.url}/health/live")


def test_no_request_is_lost_on_a_connection_that_is_used_again(own: Api) -> None:
    """As a balancer keeps them: the last answer on each says that it is the last."""
    token = own.account().program().headers["authorization"]
    last: list[bool] = []
    going = threading.Barrier(9)

    def ask() -> None:
        with httpx.Client(base_url=own.url, headers={"authorization": token}) as client:
            client.get("/api/session")
            going.wait(10)
            while True:
                try:
                    answer = client.get("/api/session")
                except httpx.ConnectError:
                    return
                assert answer.status_code == 200
                last.append(answer.headers.get("connection") == "close")

    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(ask) for _ in range(8)]
        going.wait(10)
        time.sleep(0.2)
        own.process.send_signal(signal.SIGTERM)
        for each in asking:
            each.result(20)
    assert last.count(True) == 8
    assert own.process.wait(20) == 0


def test_a_stalled_request_does_not_hold_the_process_longer_than_ten_seconds(own: Api) -> None:
    token = own.account().program().headers["authorization"]
    url = urlsplit(own.url)
    with socket.create_connection((url.hostname or "", url.port or 0)) as stalled:
        head = f"POST /api/commands/project.create HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
        stalled.sendall(f"{head}Content-Length: 9\r\n\r\n".encode())
        time.sleep(0.3)
        began = time.monotonic()
        own.process.send_signal(signal.SIGTERM)
        own.process.wait(20)
    assert time.monotonic() - began < 12


def test_sockets_are_told_before_the_process_ends(own: Api) -> None:
    token = own.account().program().headers["authorization"]
    address = own.url.replace("http", "ws") + "/api/ws"
    with connect(address, additional_headers={"Authorization": token}, subprotocols=["plumbline.v1"]) as ws:
        assert '"welcome"' in ws.recv(5)
        own.process.send_signal(signal.SIGTERM)
        while '"bye"' not in ws.recv(10):
            pass
        with pytest.raises(ConnectionClosed):
            ws.recv(10)
        assert ws.close_code == 4012
    assert own.process.wait(20) == 0


def test_a_lost_parent_ends_the_process(own: Api) -> None:
    assert own.process.stdin is not None
    own.process.stdin.close()
    assert own.process.wait(20) == 0
