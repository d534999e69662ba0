"""Runs the Datasette program over the current release, and moves it on when the pointer moves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.cli.show import err
from pipelines.cli.words import _
from pipelines.publication import current_release
from pipelines.settings import Settings

POLL_SECONDS = 1.0


def datasette_command(release: Path, site: Path, host: str, port: int, public: str = "") -> list[str]:
    """Command line of Datasette for a release: immutable database, our templates, plugins and files.

    public: address of the site, whose folder, if it lives in one, goes before every path.
    """
    folder = urlsplit(public).path.strip("/")
    settings = {
        "base_url": f"/{folder}/" if folder else "/",
        "sql_time_limit_ms": 3000,
        "facet_time_limit_ms": 1500,
        "suggest_facets": "off",
        "default_page_size": 30,
        "max_csv_mb": 0,
        "num_sql_threads": 4,
        "trace_debug": "off",
    }
    command = [sys.executable, "-m", "datasette", "serve", "-i", str(release / "ingp.db")]
    command += [
        "--metadata",
        str(release / "datasette-metadata.json"),
        "--config",
        str(release / "datasette.json"),
    ]
    command += ["--template-dir", str(site / "templates"), "--plugins-dir", str(site / "plugins")]
    command += ["--static", f"assets:{site / 'static'}"]
    for name, value in settings.items():
        command += ["--setting", name, str(value)]
    return [*command, "--host", host, "--port", str(port), "--cors"]


def serve_current(settings: Settings, host: str, port: int) -> None:
    """Serve until interrupted. Raises FileNotFoundError when nothing is published."""
    release = current_release(settings.zones)
    if release is None:
        raise FileNotFoundError
    environment = {**os.environ, "INGP_RELEASE_DIR": str(release)}
    process = subprocess.Popen(
        datasette_command(release, settings.site_dir, host, port, settings.base_url), env=environment
    )
    err.print(
        _("Serving release {release} at {address}").format(
            release=release.name, address=f"http://{host}:{port}/"
        )
    )
    signal.signal(signal.SIGTERM, lambda *_ignored: sys.exit(0))
    try:
        while process.poll() is None:
            time.sleep(POLL_SECONDS)
            newest = current_release(settings.zones)
            if newest is not None and newest != release:
                release = newest
                process.terminate()
                process.wait()
                environment["INGP_RELEASE_DIR"] = str(release)
                process = subprocess.Popen(
                    datasette_command(release, settings.site_dir, host, port, settings.base_url),
                    env=environment,
                )
                err.print(
                    _("Serving release {release} at {address}").format(
                        release=release.name, address=f"http://{host}:{port}/"
                    )
                )
        sys.exit(process.returncode)
    except KeyboardInterrupt:
        pass
    finally:
        process.terminate()
        process.wait()
