import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from runtime.embedded import Embedded, embedded
from runtime.guard import stop_leftovers
from runtime.servers import (
    SOCKET_PATH_LIMIT,
    EmbeddedError,
    Home,
    as_account,
    forget_recycled_pid,
    leftovers,
    make_home,
    postgres,
)

PARENT = """
import asyncio, json, sys
from pathlib import Path
from runtime.embedded import embedded

async def main():
    async with embedded(Path(sys.argv[1])) as servers:
        print(json.dumps({"pids": servers.pids, "database_url": servers.database_url}), flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def remember(servers: Embedded, value: str) -> None:
    async with await psycopg.AsyncConnection.connect(servers.database_url, autocommit=True) as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        await connection.execute("INSERT INTO kept VALUES (%s)", (value,))
    with redis.Redis.from_url(servers.redis_url) as client:
        client.rpush("kept", value)
        client.execute_command("WAITAOF", 1, 0, 1000)


async def remembered(database_url: str, redis_url: str) -> tuple[list[str], list[str]]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        cursor = await connection.execute("SELECT value FROM kept")
        rows = [value for (value,) in await cursor.fetchall()]
    with redis.Redis.from_url(redis_url) as client:
        return rows, [value.decode() for value in client.lrange("kept", 0, -1)]


async def until_restarted(servers: Embedded, name: str, old: int) -> None:
    async with asyncio.timeout(20):
        while servers.pids[name] == old:
            await asyncio.sleep(0.01)


async def until_gone(pids: list[int]) -> None:
    async with asyncio.timeout(20):
        while any(alive(pid) for pid in pids):
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def start_parent(folder: Path) -> tuple[subprocess.Popen[bytes], dict[str, int]]:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    return parent, json.loads(parent.stdout.readline())["pids"]


def finish(parent: subprocess.Popen[bytes]) -> None:
    parent.kill()
    parent.communicate()


async def test_both_servers_keep_their_data_from_one_start_to_the_next(tmp_path: Path) -> None:
    async with embedded(tmp_path / "data") as servers:
        await remember(servers, "first")
        pids = list(servers.pids.values())
    await until_gone(pids)
    async with embedded(tmp_path / "data") as servers:
        assert await remembered(servers.database_url, servers.redis_url) == (["first"], ["first"])


async def test_a_temporary_folder_is_removed_in_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "closed" / "data"
    folder.parent.mkdir(mode=0o700)
    async with embedded(folder, temporary=True) as servers:
        assert (folder / "postgres").is_dir()
        pids = list(servers.pids.values())
    assert not folder.exists()
    await until_gone(pids)


@pytest.mark.parametrize("name", ["postgres", "valkey", "guard"])
async def test_what_is_killed_comes_back_on_the_same_address_with_its_data(tmp_path: Path, name: str) -> None:
    async with embedded(tmp_path / "data") as servers:
        await remember(servers, "kept")
        addresses = servers.database_url, servers.redis_url
        old = servers.pids[name]
        os.kill(old, signal.SIGKILL)
        await until_restarted(servers, name, old)
        assert (servers.database_url, servers.redis_url) == addresses
        assert await remembered(*addresses) == (["kept"], ["kept"])
        pids = list(servers.pids.values())
    await until_gone(pids)


async def test_nothing_is_left_when_the_parent_is_killed(tmp_path: Path) -> None:
    parent, pids = start_parent(tmp_path / "data")
    finish(parent)
    await until_gone(list(pids.values()))


async def test_servers_left_by_a_killed_guard_are_stopped_before_others_start(tmp_path: Path) -> None:
    parent, pids = start_parent(tmp_path / "data")
    parent.send_signal(signal.SIGSTOP)  # so that it cannot start another guard
    os.kill(pids["guard"], signal.SIGKILL)
    finish(parent)
    assert alive(pids["postgres"])
    assert alive(pids["valkey"])
    async with embedded(tmp_path / "data") as servers:
        assert not alive(pids["postgres"])
        assert not alive(pids["valkey"])
        await remember(servers, "works")


async def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with embedded(tmp_path / "data") as servers:
        with pytest.raises(EmbeddedError, match="in use by another Plumbline"):
            async with embedded(tmp_path / "data", temporary=True):
                pass
        await remember(servers, "undisturbed")


async def test_two_folders_do_not_know_each_other(tmp_path: Path) -> None:
    async with embedded(tmp_path / "a") as one, embedded(tmp_path / "b") as other:
        await remember(one, "one")
        await remember(other, "other")
        assert await remembered(one.database_url, one.redis_url) == (["one"], ["one"])
        assert await remembered(other.database_url, other.redis_url) == (["other"], ["other"])


async def test_a_long_path_gets_short_sockets_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    async with embedded(folder, temporary=True) as servers:
        sockets = make_home(folder).sockets
        assert len(os.fsencode(sockets / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_LIMIT
        await remember(servers, "works")
    assert not sockets.exists()


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    async with embedded(tmp_path / "data"):
        pass
    (tmp_path / "data/postgres/global/pg_control").unlink()
    with pytest.raises(EmbeddedError, match=r"(?s)postgres does not start.*pg_control"):
        async with embedded(tmp_path / "data"):
            pass


async def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres/PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match="written by PostgreSQL 17"):
        async with embedded(tmp_path):
            pass


async def test_a_half_made_database_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new/PG_VERSION").write_text("18\n")
    async with embedded(tmp_path) as servers:
        await remember(servers, "whole")
    assert not (tmp_path / "postgres.new").exists()


async def test_a_start_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.3), embedded(tmp_path / "data"):
            pytest.fail("a database cannot be made so fast: make the test's time shorter")
    assert list(leftovers(make_home(tmp_path / "data"))) == []


def test_a_pid_that_belongs_to_another_program_by_now_does_not_stop_a_start(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    pid_file = tmp_path / "postgres" / "postmaster.pid"
    pid_file.parent.mkdir()
    pid_file.write_text(f"{os.getpid()}\n")
    forget_recycled_pid(home)
    assert not pid_file.exists()
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    pid_file.write_text(f"{ended.pid}\n")
    forget_recycled_pid(home)
    assert pid_file.exists()


def test_other_programs_that_name_the_folder_are_no_leftovers(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()", postgres(home).marker], stdin=subprocess.PIPE) as stranger:
        time.sleep(0.05)
        stop_leftovers(home)
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_root_without_setpriv_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedError, match="install util-linux"):
        as_account(Home(data_dir=tmp_path, sockets=tmp_path, account=(1, 1)))


def test_sockets_in_somebody_elses_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmbeddedError, match="belongs to someone else"):
        make_home(tmp_path)
