from ipaddress import ip_network

import pytest

from transport.addresses import client_of

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # not a proxy of ours: whatever it says, it is the client
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),  # who sends the first entry is not to be believed
        ("10.0.0.1", "198.51.100.1, 10.2.3.4", "198.51.100.1"),
        ("10.0.0.1", "10.9.9.9,10.2.3.4", "10.9.9.9"),  # nobody but proxies: the furthest of them
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::/64"),
        ("fd00::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:db8::1", "198.51.100.1", "2001:db8::/64"),
        ("", "198.51.100.1", ""),  # a Unix socket has no address
    ],
)
def test_the_client_is_the_last_that_our_proxies_vouch_for(peer: str, forwarded: str, client: str) -> None:
    assert client_of(peer, {"x-forwarded-for": forwarded}, TRUSTED) == client


def test_nobody_is_believed_unless_told_so() -> None:
    assert client_of("10.0.0.1", {"x-forwarded-for": "198.51.100.1"}, ()) == "10.0.0.1"
    assert client_of("10.0.0.1", {}, TRUSTED) == "10.0.0.1"
