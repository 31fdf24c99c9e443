import os
import socket
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from domain.document import document_id_of
from tests.transport.serving import Api, api, problem

__all__ = ["api"]

LIMIT = 50 * 1024 * 1024


def project_of(client: httpx.Client) -> str:
    return client.post("/api/commands/project.create", json={"name": "House"}).json()["result"]["project_id"]


def upload(
    client: httpx.Client, project_id: str, data: bytes, name: str = "bill.xlsx", **headers: str
) -> httpx.Response:
    return client.post(f"/api/projects/{project_id}/documents", files={"file": (name, data)}, headers=headers)


def test_an_uploaded_file_is_a_document_and_comes_back_byte_for_byte(api: Api) -> None:
    client = api.account().program()
    project_id = project_of(client)
    data = os.urandom(3_000_000)
    answer = upload(client, project_id, data, "výkaz výměr.xlsx")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["content_hash"] == sha256(data).hexdigest()
    assert told["size"] == len(data)
    assert told["document_id"] == str(document_id_of(UUID(project_id), told["content_hash"]))
    assert answer.headers["plumbline-position"] == str(told["receipt"]["position"])

    content = f"/api/projects/{project_id}/documents/{told['document_id']}/content"
    download = client.get(content, params={"after": told["receipt"]["position"]})
    assert download.content == data
    assert download.headers["content-disposition"] == (
        "attachment; filename=\"v_kaz v_m_r.xlsx\"; filename*=UTF-8''v%C3%BDkaz%20v%C3%BDm%C4%9Br.xlsx"
    )
    assert download.headers["x-content-type-options"] == "nosniff"
    assert download.headers["content-type"] == "application/octet-stream"


def test_the_same_key_uploads_once(api: Api) -> None:
    client = api.account().program()
    project_id = project_of(client)
    key = str(uuid4())
    first = upload(client, project_id, b"a bill", **{"idempotency-key": key})
    again = upload(client, project_id, b"a bill", **{"idempotency-key": key})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["idempotent-replay"] == "true"
    assert first.json()["receipt"]["sequence"] == again.json()["receipt"]["sequence"]
    problem(upload(client, project_id, b"another", **{"idempotency-key": key}), 422, "idempotency_mismatch")


def test_a_file_above_the_limit_is_refused_and_not_kept(api: Api) -> None:
    client = api.account().program()
    project_id = project_of(client)
    body = problem(upload(client, project_id, b"x" * (LIMIT + 1)), 413, "too_large")
    assert body["limit_bytes"] == LIMIT
    endless = (b"x" * 1_000_000 for _ in range(60))
    headers = {"content-type": "multipart/form-data; boundary=b"}

    def parts() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        yield from endless

    answer = client.post(f"/api/projects/{project_id}/documents", content=parts(), headers=headers)
    problem(answer, 413, "too_large")
    _wait_for_nothing_incoming(api)


def test_a_large_upload_does_not_fill_memory(api: Api) -> None:
    client = api.account().program()
    project_id = project_of(client)
    upload(client, project_id, os.urandom(1_000_000))
    before = _peak(api.process.pid)
    assert upload(client, project_id, os.urandom(LIMIT)).status_code == 201
    assert _peak(api.process.pid) - before < 25 * 1024


def test_an_empty_file_is_refused(api: Api) -> None:
    client = api.account().program()
    problem(upload(client, project_of(client), b""), 422, "empty_file")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_upload"),
        (b"nonsense", 400, "malformed_upload"),
        (b"--b--\r\n", 400, "malformed_upload"),
        (b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut', 400, "malformed_upload"),
        (b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n', 400, "malformed_upload"),
        (
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nx\r\n--b--\r\n',
            400,
            "malformed_upload",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="\\"\r\n\r\nx\r\n--b--\r\n',
            400,
            "malformed_upload",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + b"n" * 201 + b'"\r\n\r\nx\r\n--b--\r\n',
            422,
            "invalid_body",
        ),
    ],
)
def test_a_body_that_is_no_upload_is_refused(api: Api, body: bytes, status: int, code: str) -> None:
    client = api.account().program()
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = client.post(f"/api/projects/{project_of(client)}/documents", content=body, headers=headers)
    problem(answer, status, code)


def test_two_files_in_one_body_are_refused(api: Api) -> None:
    client = api.account().program()
    files = [("file", ("a", b"1")), ("file", ("b", b"2"))]
    answer = client.post(f"/api/projects/{project_of(client)}/documents", files=files)
    problem(answer, 400, "malformed_upload")


def test_json_is_no_upload(api: Api) -> None:
    client = api.account().program()
    answer = client.post(f"/api/projects/{project_of(client)}/documents", json={})
    problem(answer, 415, "unsupported_media_type")


def test_a_file_for_comparison_is_named_as_a_bid_and_listed_as_one(api: Api) -> None:
    client = api.account().program()
    project_id = project_of(client)
    address = f"/api/projects/{project_id}/documents"
    told = client.post(address, params={"purpose": "comparison"}, files={"file": ("bid.csv", b"a bid")}).json()
    wish = {"project_id": project_id, "document_id": told["document_id"], "compared_as": "bid", "bidder": "Alfa"}
    receipt = client.post("/api/commands/comparison.add", json=wish)
    assert receipt.status_code == 201, receipt.text
    plain = upload(client, project_id, b"a bill").json()
    after = {"after": plain["receipt"]["position"]}
    listed = client.get(address, params=after | {"compared_as": "bid"}).json()["items"]
    assert [(each["document_id"], each["purpose"], each["bidder"]) for each in listed] == [
        (told["document_id"], "comparison", "Alfa")
    ]
    assert [each["purpose"] for each in client.get(address, params=after).json()["items"]] == ["comparison", "budget"]
    twice = {"project_id": project_id, "document_id": plain["document_id"], "compared_as": "estimate"}
    assert client.post("/api/commands/comparison.add", json=twice).status_code == 201
    problem(
        client.post("/api/commands/comparison.add", json=wish | {"compared_as": "estimate"}),
        409,
        "comparison.estimate_taken",
    )
    problem(client.post(address, params={"purpose": "both"}, files={"file": ("x", b"x")}), 422, "invalid_parameter")


def test_only_members_upload_and_download(api: Api) -> None:
    owner, stranger = api.account().program(), api.account().program()
    project_id = project_of(owner)
    problem(upload(stranger, project_id, b"x"), 404, "project.unknown")
    problem(upload(api.client(), project_id, b"x"), 401, "not_signed_in")
    told = upload(owner, project_id, b"a bill").json()
    content = f"/api/projects/{project_id}/documents/{told['document_id']}/content"
    problem(stranger.get(content, params={"after": told["receipt"]["position"]}), 404, "project.unknown")


def test_a_stranger_is_refused_before_the_body_is_read(api: Api) -> None:
    token = api.account().program().headers["authorization"]
    project_id = project_of(api.account().program())
    url = urlsplit(api.url)
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=10) as connection:
        head = (
            f"POST /api/projects/{project_id}/documents HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n"
        )
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 404")


def test_an_upload_that_breaks_off_leaves_nothing(api: Api) -> None:
    client = api.account().program()
    project_id = project_of(client)
    url = urlsplit(api.url)
    with socket.create_connection((url.hostname or "", url.port or 0)) as connection:
        head = (
            f"POST /api/projects/{project_id}/documents HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: {client.headers['authorization']}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000000\r\n\r\n"
            '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        )
        connection.sendall(head.encode() + b"x" * 2_000_000)
        time.sleep(0.3)
    _wait_for_nothing_incoming(api)
    answer = client.get(f"/api/projects/{project_id}/documents")
    assert answer.json()["items"] == []


def _peak(pid: int) -> int:
    """Most memory that a process ever used, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def _wait_for_nothing_incoming(api: Api) -> None:
    """The server drops a half file when it is done with the request, which may be after its answer."""
    deadline = time.monotonic() + 10
    while list((Path(api.environ["DATA_DIR"]) / "blobs" / "incoming").glob("*")):
        assert time.monotonic() < deadline, "a half file is still there"
        time.sleep(0.05)
