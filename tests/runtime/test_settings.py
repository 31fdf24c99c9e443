import base64
import stat
from ipaddress import ip_network
from pathlib import Path

import pytest

from runtime.settings import Settings, SettingsError, child_environment, load, with_servers

KEY = base64.b64encode(bytes(range(32))).decode()
SERVERS = {"DATABASE_URL": "postgresql://u:hush@db/x", "REDIS_URL": "redis://cache:6379/0", "MASTER_KEY": KEY}


@pytest.fixture
def here(tmp_path: Path) -> dict[str, str]:
    return {"DATA_DIR": str(tmp_path)}


def test_without_variables_everything_has_a_value(here: dict[str, str]) -> None:
    settings = load(here)
    assert settings.embedded
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.allowed_origins == ("http://127.0.0.1:8000", "http://localhost:8000")
    assert settings.blob_url == (Path(here["DATA_DIR"]) / "blobs").as_uri()


def test_variables_are_read_with_their_types(here: dict[str, str]) -> None:
    settings = load(
        here | {"PORT": "9000", "HEARTBEAT_TIMEOUT": "2.5", "ORIGINS": "https://a.example, https://b.example"}
    )
    assert (settings.port, settings.heartbeat_timeout) == (9000, 2.5)
    assert settings.allowed_origins == ("https://a.example", "https://b.example")


def test_networks_of_trusted_proxies_are_read_and_handed_on(here: dict[str, str]) -> None:
    settings = load(here | SERVERS | {"TRUSTED_PROXIES": "10.0.0.0/8, ::1"})
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert child_environment(settings)["TRUSTED_PROXIES"] == settings.shown()["TRUSTED_PROXIES"] == "10.0.0.0/8,::1/128"
    for wrong in ("10.0.0.1/8", "everybody"):
        with pytest.raises(SettingsError, match=r"TRUSTED_PROXIES=.*networks like"):
            load(here | {"TRUSTED_PROXIES": wrong})


def test_default_origins_follow_the_port(here: dict[str, str]) -> None:
    assert load(here | {"PORT": "9000"}).allowed_origins[0] == "http://127.0.0.1:9000"


def test_an_empty_variable_counts_as_unset(here: dict[str, str]) -> None:
    assert load(here | {"PORT": ""}).port == 8000


def test_every_bad_value_is_named_with_what_is_allowed(here: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as refused:
        load(here | {"PORT": "99999", "LOG_LEVEL": "loud", "ORIGINS": "not an origin", "SESSION_HOURS": "soon"})
    lines = str(refused.value).splitlines()
    assert lines == [
        "PORT=99999 is not allowed: give a port from 1 to 65535",
        "ORIGINS=not an origin is not allowed: give origins like https://example.org, separated by commas",
        "LOG_LEVEL=loud is not allowed: give one of debug, info, warning, error",
        "SESSION_HOURS=soon is not allowed: give hours, from 1 to 8760",
    ]


@pytest.mark.parametrize("missing", ["DATABASE_URL", "REDIS_URL"])
def test_one_server_of_our_own_needs_the_other(here: dict[str, str], missing: str) -> None:
    with pytest.raises(SettingsError, match="set both"):
        load({name: value for name, value in (here | SERVERS).items() if name != missing})


def test_servers_of_our_own_need_a_master_key(here: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="MASTER_KEY"):
        load(here | SERVERS | {"MASTER_KEY": ""})


@pytest.mark.parametrize("key", ["short", base64.b64encode(bytes(31)).decode()])
def test_a_bad_master_key_is_refused_without_showing_it(here: dict[str, str], key: str) -> None:
    with pytest.raises(SettingsError, match="32 bytes in base64") as refused:
        load(here | SERVERS | {"MASTER_KEY": key})
    assert key not in str(refused.value)


def test_a_generated_master_key_is_kept_and_private(here: dict[str, str]) -> None:
    first = load(here)
    assert len(first.master_key) == 32
    assert load(here).master_key == first.master_key
    kept = Path(here["DATA_DIR"]) / "master.key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir()] == ["master.key"]


def test_a_secret_may_stand_in_a_file(here: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    settings = load(here | {"MASTER_KEY_FILE": str(tmp_path / "key")})
    assert settings.master_key == bytes(range(32))


def test_a_value_and_a_file_for_it_contradict_each_other(here: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="PORT and PORT_FILE are both set"):
        load(here | {"PORT": "1", "PORT_FILE": "/x"})


def test_a_file_that_cannot_be_read_is_named(here: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="PORT_FILE=/nowhere cannot be read"):
        load(here | {"PORT_FILE": "/nowhere"})


def test_secrets_are_never_shown(here: dict[str, str]) -> None:
    settings = load(here | SERVERS)
    for text in (repr(settings), str(settings), str(settings.shown())):
        assert "hush" not in text
        assert KEY not in text
        assert repr(settings.master_key) not in text
    assert "postgresql://u:***@db/x" in repr(settings)


def test_children_find_the_same_settings(here: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "MASTER_KEY", "MASTER_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    settings = load(here)
    urls = {"database_url": "postgresql://postgres@/postgres?host=%2Fx", "redis_url": "unix:///x/valkey.sock"}
    child = load(child_environment(with_servers(settings, **urls)))
    assert child.master_key == settings.master_key
    assert child.data_dir == settings.data_dir
    assert (child.database_url, child.redis_url) == (urls["database_url"], urls["redis_url"])


def test_settings_cannot_be_changed(here: dict[str, str]) -> None:
    settings: Settings = load(here)
    with pytest.raises(AttributeError):
        settings.port = 1  # type: ignore[misc] - that is the point


def test_a_cluster_needs_a_single_server_for_nudges(here: dict[str, str]) -> None:
    cluster = here | SERVERS | {"REDIS_URL": "redis+cluster://me:hush@a:6379,b:6379"}
    with pytest.raises(SettingsError, match="set JOBS_REDIS_URL"):
        load(cluster)
    with pytest.raises(SettingsError, match=r"JOBS_REDIS_URL=.* is not allowed: give a URL of a single server"):
        load(cluster | {"JOBS_REDIS_URL": "redis+cluster://c:6379"})
    settings = load(cluster | {"JOBS_REDIS_URL": "redis://c:6379"})
    assert (settings.valkey, settings.nudges) == (cluster["REDIS_URL"], "redis://c:6379")
    assert "hush" not in repr(settings)
    assert load(child_environment(settings)) == settings


def test_nudges_go_where_everything_goes_unless_said_otherwise(here: dict[str, str]) -> None:
    settings = load(here | SERVERS)
    assert settings.nudges == settings.valkey
    assert load(child_environment(settings)) == settings
