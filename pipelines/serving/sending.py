"""Sending long answers to whoever may stop reading them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]

PATIENCE = 60.0
"""Seconds in which a reader must take a block. Until it is taken, a place, a process or gigabytes of disk are held."""


def within_patience(send: Send) -> Send:
    """`send` that raises ConnectionAbortedError when the reader takes nothing any more."""

    async def sent(message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await send(message)
        except TimeoutError:
            raise ConnectionAbortedError("the reader takes nothing any more") from None

    return sent
