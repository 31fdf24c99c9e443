"""The client in a real browser: pages on loopback, a real server that is killed and started in between."""

import ctypes.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from runtime.embedded import Embedded
from tests.transport.serving import PASSWORD, REPOSITORY, SERVE, Api, free_port, running_api, wait_for
from tests.web.conftest import Node


@contextmanager
def control(api: Api) -> Iterator[str]:
    """Serve two orders over HTTP: to kill the server, and to start it again."""
    processes = [api.process]

    class Orders(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.path == "/kill":
                processes[-1].kill()
                processes[-1].wait(10)
            else:
                command = [sys.executable, "-c", SERVE]
                with api.log.open("ab") as log:
                    processes.append(
                        subprocess.Popen(command, env=api.environ, cwd=REPOSITORY, stdin=subprocess.PIPE, stderr=log)
                    )
                api.process = processes[-1]
                wait_for(api)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    for process in processes[1:]:
        process.terminate()
        process.wait(15)
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.timeout(400)  # the first run installs the packages
def test_it_works_in_a_browser(servers: Embedded, migrated_template: str, tmp_path: Path, node: Node) -> None:
    port, listening = free_port(), str(free_port())
    origins = f"http://127.0.0.1:{listening},http://localhost:{port}"
    with (
        running_api(servers, migrated_template, tmp_path, PORT=listening, ORIGINS=origins) as api,
        control(api) as orders,
        tempfile.TemporaryDirectory() as unpacked,
    ):
        account = api.account()
        done = node.run(
            "vitest",
            "run",
            "--config",
            "vitest.browser.config.ts",
            API=api.url,
            CONTROL=orders,
            TOKEN=account.program().headers["authorization"].removeprefix("Bearer "),
            EMAIL=account.email,
            PASSWORD=PASSWORD,
            PORT=str(port),
            CHROMIUM=shutil.which("chromium") or "",
            TMPDIR=unpacked,
            **({} if ctypes.util.find_library("nss3") else {"AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}),
        )
    assert done.returncode == 0, done.stdout + done.stderr
