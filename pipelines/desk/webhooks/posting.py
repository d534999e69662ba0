"""One message to one address, without becoming a way into our own network (`pipelines.desk.fetching`), and within a time that nothing can stretch:
name, connection, certificate, head and answer have it together, so that a receiver that speaks a byte a minute holds up nobody.
"""

import asyncio
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from pipelines.desk.fetching import PORTS, Limits, NotFetchedError, Resolve, check_address, resolve

SECONDS = 15.0
MOST_BYTES = 1 << 16
"""Read of an answer; the rest is not waited for."""

SHOWN = 500
"""Characters of an answer that are kept."""

_names = ThreadPoolExecutor(32, "names")
"""Looking up a name cannot be stopped: dead name servers have threads of their own to sit in."""


@dataclass(frozen=True, slots=True)
class Answered:
    """status: of HTTP; None when no answer came, and trouble is ``address``, ``private``, ``no-answer`` or ``too-slow``.
    wait: seconds that the receiver asks to wait.
    """

    status: int | None
    text: str = ""
    trouble: str | None = None
    wait: float | None = None

    @property
    def is_taken(self) -> bool:
        """Standard Webhooks: every 2xx is a yes, everything else, redirects too, is none."""
        return self.status is not None and 200 <= self.status < 300


async def post(
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    trusted: ssl.SSLContext,
    limits: Limits = Limits(),
    seconds: float = SECONDS,
    resolved: Resolve = resolve,
) -> Answered:
    """Post a body. Of the limits only ``allowed`` and ``ports`` count. trusted: whose certificates are believed."""
    found = Answered(None, trouble="too-slow")
    try:
        async with asyncio.timeout(seconds):
            target = await asyncio.get_running_loop().run_in_executor(
                _names, check_address, address, limits, resolved
            )
            usual = PORTS[target.scheme] == target.port
            own = {
                **headers, "host": target.host if usual else f"{target.host}:{target.port}", "user-agent": "ingp-desk",
                "content-type": "application/json", "accept-encoding": "identity", "connection": "close",
            }  # fmt: skip
            # To the address that was looked at, which has to prove that it is the host's.
            place = httpx.URL(
                scheme=target.scheme, host=target.addresses[0], port=target.port, raw_path=target.path.encode("ascii")
            )  # fmt: skip
            asked = httpx.Request(
                "POST", place, content=body, headers=own, extensions={"sni_hostname": target.host, "timeout": {}}
            )  # fmt: skip
            # A client of its own for each: no connection of another host at the same address is taken up.
            async with httpx.AsyncClient(verify=trusted, trust_env=False, follow_redirects=False) as client:
                answer = await client.send(asked, stream=True)
                found = Answered(answer.status_code, wait=_wait(answer))
                said = bytearray()
                try:
                    async for block in answer.aiter_raw():
                        said += block
                        found = Answered(answer.status_code, _plain(said), wait=found.wait)
                        if len(said) >= MOST_BYTES:
                            break
                finally:
                    await answer.aclose()
    except NotFetchedError as error:
        return Answered(None, trouble=error.code)
    except TimeoutError:
        return found
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ssl.SSLError):
        return found if found.status is not None else Answered(None, trouble="no-answer")
    return found


def _wait(answer: httpx.Response) -> float | None:
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdecimal() and len(told) < 10 else None


def _plain(said: bytes | bytearray) -> str:
    """The beginning of an answer as text that breaks no page, log or database."""
    text = bytes(said[: SHOWN * 4]).decode("utf-8", "replace")
    return "".join(each if each.isprintable() else " " for each in text)[:SHOWN].strip()
