"""Where a request comes from: the socket's peer, or whom a proxy that we trust names in X-Forwarded-For."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from runtime.settings import Network

CUSTOMER_BITS = 64
"""Of an IPv6 address: whoever has one of such a network has them all."""
Address = IPv4Address | IPv6Address


def client_of(peer: str, headers: Mapping[str, str], trusted: Sequence[Network]) -> str:
    """Give the address that limits count, and logs show: of IPv6, the network that one customer has.

    From right to left, each entry of the header is believed as long as the address before it is a `trusted` proxy.
    """
    address = _read(peer)
    if address is None:
        return peer
    entries = headers.get("x-forwarded-for", "").split(",") if trusted else []
    while entries and any(address in network for network in trusted):
        further = _read(entries.pop())
        if further is None:
            break
        address = further
    return (
        str(address) if isinstance(address, IPv4Address) else str(IPv6Network((address, CUSTOMER_BITS), strict=False))
    )


@lru_cache(maxsize=4096)
def _read(text: str) -> Address | None:
    """Read an address, with or without a port; `None` for what is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
