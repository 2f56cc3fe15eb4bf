"""Which addresses may be asked: pure rules over the text of an address and over the numbers a name stands for."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

from galleryctl.fetch.port import RefusedError

_LONGEST = 8192
_NETS = (  # what `ipaddress` calls global, or lets pass for another one's sake
    "100.64.0.0/10",  # between a provider and its customers
    "192.0.0.0/24",
    "168.63.129.16/32",  # Azure's wire server, from inside its machines
    "192.88.99.0/24",  # relays of 6to4
    "64:ff9b::/96",  # the rest of these carry an IPv4 address, perhaps an inner one
    "64:ff9b:1::/48",
    "2002::/16",
    "2001::/32",
    "::/96",
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "fec0::/10",
    "5f00::/16",
    "3fff::/20",  # for documentation
)
_REFUSED = tuple(ipaddress.ip_network(net) for net in _NETS)


class Target(NamedTuple):
    """Where an address leads."""

    scheme: str
    host: str
    port: int


def target(url: str, *, private: bool) -> Target:
    """An address taken apart. Raises `RefusedError` unless its text may be asked; names are not looked up here."""
    shown = url if url.isprintable() and len(url) <= _LONGEST else ascii(url[:200])
    if url != shown or any(letter in url for letter in ' \\"<>'):
        raise RefusedError(f"{shown}: is no plain address: it has odd characters, or is too long")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise RefusedError(f"{shown}: is no address: {error}") from error
    if parts.scheme not in {"https", "http"} or (parts.scheme == "http" and not private):
        also = "" if parts.scheme != "http" else "; --allow-private also allows http"
        raise RefusedError(f"{shown}: only https is asked{also}")
    if parts.username is not None or parts.password is not None:
        raise RefusedError(f"{parts.scheme}://…@{host}: take the credentials out of the address")
    if not host:
        raise RefusedError(f"{shown}: names no host")
    numbers = _numbers(host)
    if numbers is not None and not private and (reason := refused(numbers)):
        raise RefusedError(f"{shown}: {host} is {reason}; --allow-private allows it")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))


def refused(numbers: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Why an address of the internet protocol is not asked; empty for a public one."""
    if numbers.is_loopback:
        return "this machine itself"
    if numbers.is_link_local:
        return "an address of the local link, where machines keep their secrets"
    if numbers.is_multicast or numbers.is_unspecified:
        return "no single machine"
    scoped = isinstance(numbers, ipaddress.IPv6Address) and numbers.scope_id is not None
    if scoped or any(numbers in net for net in _REFUSED if net.version == numbers.version):
        return "an address inside a network"
    if numbers.is_private or numbers.is_reserved or not numbers.is_global:
        return "an address inside a network"
    return ""


def numbers(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """What a look-up gave. Raises `ValueError`."""
    return ipaddress.ip_address(text)


def _numbers(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None  # a name, or numbers in an odd form such as 0x7f.1: checked when looked up
