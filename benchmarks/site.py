"""The site beside stock Datasette 1.0a41 on the same SQLite file: requests in turns, against both, in one run."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from benchmarks.site_data import MEMBERS, TABLE
from pipelines.cli.site import datasette_command
from pipelines.settings import Settings

T = f"/ingp/{TABLE}"
GROUPED = f"select member_code, year as y, count(*) as n, sum(contract_value_amount) as s from {TABLE} group by member_code, year"
OURS_GROUPED = f"select member_code, year(contract_date_signed) as y, count(*) as n, sum(contract_value_amount) as s from {TABLE} group by all"
STOCK_GROUPED = f"select member_code, substr(contract_date_signed, 1, 4) as y, count(*) as n, sum(contract_value_amount) as s from {TABLE} group by 1, 2"
FACETS = "".join(
    f"&_facet={name}"
    for name in ("member_code", "procurement_method", "main_procurement_category", "tender_status")
)
STREAM_ROWS = 20_000
"""Rows read of the peer's CSV stream, which is too slow to be read to its end."""


class Server:
    """A server on the loopback, stopped by its own id."""

    def __init__(self, command: list[str], port: int, environment: dict[str, str]) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.client = httpx.Client(base_url=self.address, timeout=120)
        for _attempt in range(300):
            try:
                self.client.get("/-/versions.json")
                return
            except httpx.TransportError:
                time.sleep(0.2)
        raise SystemExit(f"no answer from {command[:4]}")

    def cpu(self) -> float:
        """Processor seconds of the server and of its finished children."""
        parts = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, parts[11:15])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Peak resident megabytes."""
        return _peak(self.process.pid)

    def largest_child(self) -> int:
        """Peak resident megabytes of the largest process that the server has started and that still runs."""
        found = [0]
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                with suppress(OSError):
                    found.append(_peak(int(child)))
        return max(found)

    def close(self) -> None:
        self.client.close()
        # The peer would first finish a stream that nobody reads any more, for minutes.
        self.process.kill()
        self.process.wait()


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0) // 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(release: Path) -> tuple[Server, Server]:
    port, other = free_port(), free_port()
    settings = Settings()
    ours = Server(
        datasette_command(release, settings.site_dir, "127.0.0.1", port),
        port,
        {"INGP_RELEASE_DIR": str(release)},
    )
    command = [
        sys.executable,
        "-m",
        "datasette",
        "serve",
        "-i",
        str(release / "ingp.db"),
        "--host",
        "127.0.0.1",
        "--port",
        str(other),
    ]
    for name, value in (("sql_time_limit_ms", 60_000), ("facet_time_limit_ms", 60_000), ("max_csv_mb", 0)):
        command += ["--setting", name, str(value)]
    return ours, Server(command, other, {})


def cases(ours: Server) -> dict[str, tuple[Callable[[int], str], Callable[[int], str]]]:
    """Name -> addresses of the n-th request, ours and the peer's. Each differs, so that no answer is kept, but "asked again"."""
    keys = [
        (row["member_code"], row["ocid"], row["contract_id"])
        for member in MEMBERS[:5]
        for row in ours.client.get(f"{T}.json?member_code={member}&_size=4&_sort_desc=contract_title").json()[
            "rows"
        ]
    ]
    row = [",".join(quote(part, safe="-") for part in key) for key in keys]
    sorted_page = ours.client.get(f"{T}.json?_sort_desc=contract_value_amount&_size=30").json()["next"]

    def both(make: Callable[[int], str]) -> tuple[Callable[[int], str], Callable[[int], str]]:
        return make, make

    def year(n: int) -> str:
        begin = 2019 + n % 6
        return f"member_code={MEMBERS[n % 17]}&contract_date_signed__gte={begin}&contract_date_signed__lt={begin + 1}"

    def grouped(path: str, sql: str) -> Callable[[int], str]:
        return lambda n: f"{path}?{urlencode({'sql': f'{sql} having count(*) > {n}'})}"

    return {
        "table page, HTML": both(lambda n: f"{T}?_size={40 + n}"),
        "table page, JSON": both(lambda n: f"{T}.json?_size={40 + n}&_extra=count"),
        "filter by member and year": both(lambda n: f"{T}.json?{year(n)}&_size=50&_extra=count"),
        "sort by amount": both(lambda n: f"{T}.json?_sort_desc=contract_value_amount&_size={40 + n}"),
        "sorted next page": both(
            lambda n: f"{T}.json?_sort_desc=contract_value_amount&_size={40 + n}&_next={quote(sorted_page, safe='~,')}"
        ),
        "deep page": both(lambda n: f"{T}.json?_size={40 + n}&_next={row[n % len(row)]}"),
        "row": both(lambda n: f"{T}/{row[n % len(row)]}"),
        "four facets": both(lambda n: f"{T}.json?_size=0&_facet_size={30 + n}{FACETS}"),
        "four facets, asked again": both(lambda n: f"{T}.json?_size=0{FACETS}"),
        "group by member and year": (grouped("/ingp/-/analytics.json", GROUPED), grouped("/ingp/-/query.json", GROUPED)),
        "group by member and year of the signature": (grouped("/ingp/-/analytics.json", OURS_GROUPED), grouped("/ingp/-/query.json", STOCK_GROUPED)),
        "search, rare words": both(lambda n: f"{T}.json?_search={1000 + 37 * n}&_size=50"),
        "search, common word": both(lambda n: f"{T}.json?_search={('puente', 'agua', 'papel', 'obra')[n % 4]}&_size={40 + n}"),
    }  # fmt: skip


def timed(server: Server, path: str) -> float:
    begun = time.perf_counter()
    answer = server.client.get(path)
    taken = (time.perf_counter() - begun) * 1000
    return taken if answer.status_code == 200 else float("nan")


def compare(ours: Server, stock: Server, requests: int, patience: float) -> list[dict[str, Any]]:
    """p50 and p95 in milliseconds of each case. The peer is asked less often when it takes longer than `patience` seconds."""
    results = []
    for name, (mine, theirs) in cases(ours).items():
        own, other = [], []
        # The first request of a kind starts processes and opens files: nobody waits for that twice.
        timed(ours, mine(requests))
        timed(stock, theirs(requests))
        for number in range(requests):
            own.append(timed(ours, mine(number)))
            if sum(other) < patience * 1000:
                other.append(timed(stock, theirs(number)))
        results.append(entry(name, own, other))
        print(results[-1], file=sys.stderr, flush=True)
    return results


def entry(name: str, own: list[float], other: list[float]) -> dict[str, Any]:
    def at(values: list[float], share: float) -> float:
        return round(sorted(values)[min(int(len(values) * share), len(values) - 1)], 1)

    return {
        "name": name, "figure": round(median(own), 1), "p95": at(own, 0.95), "unit": "ms", "peer": "Datasette 1.0a41",
        "peer_figure": round(median(other), 1), "peer_p95": at(other, 0.95),
        "ratio": round(median(other) / median(own), 2),
    }  # fmt: skip


def stream(server: Server, path: str, rows: int) -> dict[str, float]:
    """Rows per processor second and per second of a CSV stream, read up to `rows` rows (0 for all)."""
    cpu, begun, lines, peak = server.cpu(), time.perf_counter(), 0, 0
    with server.client.stream("GET", path) as answer:
        for number, block in enumerate(answer.iter_bytes(2**20)):
            lines += block.count(b"\n")
            if number % 50 == 0:
                peak = max(peak, server.largest_child())
            if rows and lines >= rows:
                break
    seconds = time.perf_counter() - begun
    used = max(server.cpu() - cpu, 0.01)
    return {
        "rows": lines,
        "rows_per_cpu_second": round(lines / used),
        "rows_per_second": round(lines / seconds),
        "peak_mb": peak,
    }


def crowd(server: Server, worst: str, readers: int = 50, slow: int = 10, seconds: float = 8) -> list[float]:
    """Milliseconds of row pages while `readers` ask, `slow` of them the worst query, all again and again."""
    row = server.client.get(f"{T}.json?_size=1").json()["rows"][0]
    page = f"{T}/{row['member_code']},{row['ocid']},{row['contract_id']}.json"
    pages = [page, f"{T}.json?_size=50", f"{T}.json?member_code=PER&_size=20"]
    taken: list[float] = []

    async def reader(client: httpx.AsyncClient, number: int, end: float) -> None:
        await asyncio.sleep(2 * number / readers)
        while time.perf_counter() < end:
            path = worst if number < slow else pages[number % 3]
            begun = time.perf_counter()
            wait = 0.0 if number < slow else 2.0
            with suppress(httpx.TimeoutException):
                answer = await client.get(path)
                wait = max(wait, float(answer.headers.get("retry-after", 0)))
            if path == page:
                taken.append((time.perf_counter() - begun) * 1000)
            # People read what they got: 40 of them ask every two seconds; who is told to wait, waits.
            await asyncio.sleep(wait)

    async def everybody() -> None:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=server.address, timeout=60, limits=limits) as client:
            end = time.perf_counter() + seconds
            await asyncio.gather(*(reader(client, number, end) for number in range(readers)))

    asyncio.run(everybody())
    return taken


def main(rows: int, folder: Path, requests: int = 20) -> list[dict[str, Any]]:
    """All figures of the site at this many rows."""
    made = subprocess.run(
        [sys.executable, "-m", "benchmarks.site_data", str(rows), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise SystemExit(made.stderr[-3000:])
    facts = json.loads(made.stdout.splitlines()[-1])
    assembled = facts["stages"]["assemble"]
    results = [
        {"name": "assemble the release", "figure": assembled["seconds"], "unit": "s", "peer": None, "peer_figure": None,
         "ratio": None, "cpu_seconds": assembled["cpu_seconds"], "peak_mb": assembled["peak_mb"]}
    ]  # fmt: skip
    results += [{"name": f"assemble: {name}", "figure": seconds, "unit": "s", "peer": None, "peer_figure": None, "ratio": None}
                for name, seconds in facts["parts"].items()]  # fmt: skip
    ours, stock = start(Path(facts["release"]))
    try:
        results += compare(ours, stock, requests, patience=60)
        first = ours.client.get(T)
        results.append({"name": "table page, HTML, bytes", "figure": len(first.content), "unit": "B", "peer": "Datasette 1.0a41",
                        "peer_figure": len(stock.client.get(f"{T}?_size=50").content), "ratio": None})  # fmt: skip
        path = f"{T}.csv?procurement_method=open&_stream=1"
        mine, theirs = stream(ours, path, 0), stream(stock, path, STREAM_ROWS)
        results.append({"name": "filtered CSV", "figure": mine["rows_per_cpu_second"], "unit": "rows/CPU s", "peer": "Datasette 1.0a41",
                        "peer_figure": theirs["rows_per_cpu_second"], "rows": mine["rows"],
                        "ratio": round(mine["rows_per_cpu_second"] / theirs["rows_per_cpu_second"], 2)})  # fmt: skip
        whole = stream(ours, f"{T}.csv?_stream=1", 0)
        results.append({"name": "all rows as CSV: memory of the process that sends them", "figure": whole["peak_mb"], "unit": "MB",
                        "peer": None, "peer_figure": None, "rows": whole["rows"], "ratio": None})  # fmt: skip
        results.append({"name": "memory of the site after all", "figure": ours.memory(), "unit": "MB", "peer": "Datasette 1.0a41",
                        "peer_figure": stock.memory(), "ratio": None})  # fmt: skip
        worst = [f"select count(*) from {TABLE} a, {TABLE} b where a.tender_title = b.contract_title || 'x' or a.contract_id > b.buyer_name",
                 STOCK_GROUPED]  # fmt: skip
        # The peer would go on with the stream that was left, and take the processor from whoever is measured.
        stock.close()
        own = crowd(ours, f"/ingp/-/analytics.json?{urlencode({'sql': worst[0]})}")
        ours.close()
        ours, stock = start(Path(facts["release"]))
        other = crowd(stock, f"/ingp/-/query.json?{urlencode({'sql': worst[1]})}")
        results.append(entry("50 readers, ten with the worst query: row", own, other or [60_000.0]))
    finally:
        ours.close()
        stock.close()
    return results
