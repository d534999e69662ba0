"""Datasette as it comes, in a process of its own: plugins are registered for a whole process.

python stock.py FILE: reads addresses, one a line, and answers each with a line of JSON: [status, body].
"""

import asyncio
import json
import sys
from pathlib import Path

from datasette.app import Datasette


async def serve(path: str) -> None:
    settings = {"suggest_facets": False, "sql_time_limit_ms": 60_000, "facet_time_limit_ms": 60_000}
    config = json.loads(Path(path).with_name("datasette.json").read_text(encoding="utf-8"))
    datasette = Datasette(immutables=[path], settings=settings, config=config)
    await datasette.invoke_startup()
    for line in sys.stdin:
        answer = await datasette.client.get(line.strip())
        print(json.dumps([answer.status_code, answer.text]), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
