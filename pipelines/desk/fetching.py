"""Files from an address that somebody gave, without becoming their way into our own network.

Every name is resolved once, every address it resolves to has to be public, and the connection goes to the address that was looked at, so
that a name which answers otherwise the second time gains nothing. Each redirect is looked at in the same way (OWASP, Server-Side Request
Forgery Prevention).
"""

import ipaddress
import re
import socket
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import urllib3

from pipelines.desk.names import safe_name

REDIRECTS = 5
BLOCK = 1 << 18
PORTS = {"http": 80, "https": 443}
Resolve = Callable[[str, int], Collection[str]]

_TYPES = {
    "text/csv": ".csv", "application/json": ".json", "application/zip": ".zip", "application/gzip": ".gz",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx", "application/vnd.ms-excel": ".xls",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods", "application/x-ndjson": ".jsonl", "application/jsonl": ".jsonl",
}  # fmt: skip
_NAMED = re.compile(r"filename\*?=(?:UTF-8'[^']*')?\"?([^\";]+)\"?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """bytes: of a file, unpacked as it is sent. seconds: for the whole of it; quiet: without a byte. ports: beside 80 and 443.

    allowed: names of hosts of one's own network that may be asked all the same.
    """

    bytes: int = 4 * 2**30
    seconds: float = 1_800.0
    quiet: float = 60.0
    ports: frozenset[int] = frozenset()
    allowed: frozenset[str] = frozenset()


class NotFetchedError(Exception):
    """code: ``address`` (none that can be asked), ``private`` (not of the public internet), ``no-answer``, ``status`` (detail: which),
    ``redirects``, ``too-large``, ``too-slow``, ``cut-off``. wait: seconds that the server asks to wait.
    """

    def __init__(self, code: str, detail: str = "", wait: float | None = None) -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code, self.detail, self.wait = code, detail, wait


@dataclass(frozen=True, slots=True)
class Fetched:
    """path: the file, None when it is unchanged. etag, modified: to be given the next time. size: bytes."""

    path: Path | None
    name: str
    etag: str | None
    modified: str | None
    size: int
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name."""
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, as it stands and inside of every way to write another into it."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in ipaddress.ip_network("64:ff9b::/96"):
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        if ip in ipaddress.ip_network("::/96") or ip in ipaddress.ip_network("64:ff9b:1::/48"):
            return False
        if any(each is not None and not is_public(str(each)) for each in inner):
            return False
        if ip.ipv4_mapped is not None:
            return True
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def check_address(url: str, limits: Limits = Limits(), resolved: Resolve = resolve) -> _Target:
    """What a request to this address would ask; raises `NotFetchedError` where it must not be asked."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
        host = (parts.hostname or "").encode("idna").decode("ascii") if parts.hostname else ""
    except (ValueError, UnicodeError) as error:
        raise NotFetchedError("address") from error
    wrong = any(ord(char) <= 32 or ord(char) == 127 for char in url) or "\\" in url or len(url) > 2_000
    if wrong or parts.scheme not in PORTS or not host or parts.username is not None:
        raise NotFetchedError("address")
    own = host.lower() in limits.allowed
    if port not in (*PORTS.values(), *limits.ports) and not own:
        raise NotFetchedError("address", f"port {port}")
    try:
        addresses = tuple(dict.fromkeys(resolved(host, port)))
    except OSError as error:
        raise NotFetchedError("no-answer", host) from error
    if not addresses or not (own or all(is_public(each) for each in addresses)):
        raise NotFetchedError("private", host)
    path = urllib3.util.parse_url(url).request_uri or "/"
    return _Target(parts.scheme, host, port, path, addresses)


def fetch(
    url: str,
    folder: Path,
    *,
    limits: Limits = Limits(),
    etag: str | None = None,
    modified: str | None = None,
    resolved: Resolve = resolve,
) -> Fetched:
    """Put the file of an address into a folder, whole or not at all; raises `NotFetchedError`."""
    ends = time.monotonic() + limits.seconds
    headers = {"user-agent": "ingp-desk", "accept-encoding": "identity", "accept": "*/*"}
    if etag:
        headers["if-none-match"] = etag
    if modified:
        headers["if-modified-since"] = modified
    for _hop in range(REDIRECTS + 1):
        target = check_address(url, limits, resolved)
        with _pool(target, limits) as pool:
            answer = _ask(pool, target, headers)
            try:
                if answer.status in (301, 302, 303, 307, 308) and answer.headers.get("location"):
                    url = urljoin(url, answer.headers["location"])
                    continue
                return _take(answer, url, folder, limits, ends)
            finally:
                answer.close()
    raise NotFetchedError("redirects")


def _pool(target: _Target, limits: Limits) -> Any:
    """A way to the address that was looked at, which has to prove that it is the host's."""
    own: dict[str, Any] = {
        "timeout": urllib3.Timeout(connect=15, read=limits.quiet),
        "retries": False,
        "maxsize": 1,
    }
    if target.scheme == "http":
        return urllib3.HTTPConnectionPool(target.addresses[0], target.port, **own)
    return urllib3.HTTPSConnectionPool(
        target.addresses[0], target.port, server_hostname=target.host, assert_hostname=target.host, **own
    )


def _ask(pool: Any, target: _Target, headers: dict[str, str]) -> Any:
    usual = PORTS[target.scheme] == target.port
    host = target.host if usual else f"{target.host}:{target.port}"
    try:
        return pool.urlopen(
            "GET", target.path, headers={**headers, "host": host}, redirect=False, preload_content=False
        )
    except urllib3.exceptions.HTTPError as error:
        raise NotFetchedError("no-answer", target.host) from error


def _take(answer: Any, url: str, folder: Path, limits: Limits, ends: float) -> Fetched:
    etag, modified = answer.headers.get("etag"), answer.headers.get("last-modified")
    name = _name(answer, url)
    if answer.status == 304:
        return Fetched(None, name, etag, modified, 0, unchanged=True)
    if answer.status != 200:
        wait = answer.headers.get("retry-after", "")
        raise NotFetchedError(
            "status", str(answer.status), float(wait) if wait.isascii() and wait.isdecimal() else None
        )
    told = answer.headers.get("content-length", "")
    if told.isdecimal() and int(told) > limits.bytes:
        raise NotFetchedError("too-large")
    folder.mkdir(parents=True, exist_ok=True)
    part, size = folder / f".{uuid.uuid4().hex}", 0
    try:
        with part.open("xb") as file:
            for block in answer.stream(BLOCK, decode_content=True):
                size += len(block)
                if size > limits.bytes:
                    raise NotFetchedError("too-large")
                if time.monotonic() > ends:
                    raise NotFetchedError("too-slow")
                file.write(block)
        path = folder / safe_name(name, [each.name for each in folder.iterdir()])
        part.rename(path)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise NotFetchedError("too-slow") from error
    except urllib3.exceptions.HTTPError as error:
        raise NotFetchedError("cut-off") from error
    finally:
        part.unlink(missing_ok=True)
    return Fetched(path, path.name, etag, modified, size)


def _name(answer: Any, url: str) -> str:
    """What the server calls the file, else the end of the address; with an ending that says what it is."""
    found = _NAMED.search(answer.headers.get("content-disposition", ""))
    name = unquote(found[1]) if found else PurePosixPath(unquote(urlsplit(url).path)).name or "file"
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return name if PurePosixPath(name).suffix else name + _TYPES.get(kind, "")
