"""Settings: the only module that reads the environment. Every value can be set as ``INGP_<NAME>``."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.zones import Zones

CHECKOUT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Configuration of one installation.

    Sizes are bytes, shares are 0 to 1.
    """

    model_config = SettingsConfigDict(env_prefix="INGP_", env_file=".env", extra="ignore")

    data_dir: Path = Field(Path("var"), description="Folder of all run-time data.")
    lake_url: str = Field(
        "", description="Where accepted versions live: empty for <data_dir>/lake, file:///…, s3://…"
    )
    ledger_url: str = Field(
        "", description="SQLAlchemy URL of the ledger; empty for <data_dir>/ledger.sqlite."
    )
    schemas_dir: Path = Field(CHECKOUT / "schemas", description="The standard.")
    datapackages_dir: Path = Field(
        CHECKOUT / "datapackages", description="Demo, templates and the network's package."
    )
    site_dir: Path = Field(CHECKOUT / "datasette", description="Templates and plugins of the site.")
    language: str = Field("en", description="Language of the command line: es, en, pt, fr.")
    site_title: str = Field("INGP Open Data", description="Name of the site.")
    base_url: str = Field(
        "http://127.0.0.1:8001", description="Public address of the site, without a final slash."
    )
    desk_url: str = Field(
        "http://127.0.0.1:8002", description="Public address of the members' desk, without a final slash."
    )
    smtp_url: str = Field(
        "",
        description="Mail server: smtp://user:password@host:587 or smtps://…; empty: letters become files in <data_dir>/outbox.",
    )
    mail_from: str = Field("INGP Open Data <noreply@localhost>", description="Sender of the letters.")
    oidc_file: str = Field(
        "", description="TOML file of the identity providers (OpenID Connect) that members sign in with."
    )
    fetch_hosts: str = Field(
        "",
        description="Names of hosts of one's own network, with blanks between, that members may have fetched from all the same.",
    )
    webhook_hosts: str = Field(
        "",
        description="Names of hosts of one's own network, with blanks between, that members may have messages of webhooks sent to all the same.",
    )
    indicators: bool = Field(
        False,
        description="Whether a release holds indicators and red flags. Above a million contracts they take longer than the release.",
    )
    licence: str = Field("CC-BY-4.0", description="Licence of what the Secretariat compiles (SPDX).")
    loss_share: float = Field(
        0.1, description="A version that loses more of a table than this waits for a person."
    )
    max_file_bytes: int = Field(4 * 2**30, description="Largest file taken.")
    max_total_bytes: int = Field(16 * 2**30, description="Largest submission, unpacked.")
    max_files: int = Field(2_000, description="Most files in a submission.")
    max_expansion: float = Field(
        200.0, description="Largest ratio of unpacked to packed bytes of an archive."
    )
    memory_limit: str = Field("4GB", description="Memory that DuckDB may use before it spills to disk.")
    validation_seconds: float = Field(
        0, description="Longest time a validation may take, in seconds; 0 for as long as it takes."
    )
    threads: int = Field(0, description="Threads of DuckDB; 0 for all cores.")

    @property
    def zones(self) -> Zones:
        return Zones(self.data_dir.resolve())
