"""Identity providers of members (OpenID Connect), as a TOML file names them (``INGP_OIDC_FILE``)::

    [[provider]]
    name = "dncp"                            # in addresses
    title = "DNCP"                           # on the button
    issuer = "https://login.example.org"
    client_id = "ingp"
    client_secret_file = "/run/secrets/dncp" # none for a public client: PKCE is used with and without
    members = ["PRY"]                        # whose people it may speak for
    secretariat = false                      # whether it may speak for the Secretariat's as well
    second_factor = ["mfa", "otp", "hwk"]    # what its ``amr`` or ``acr`` says when it asked for a second factor

A provider speaks for the people of its members only: otherwise who runs one member's could sign in as anybody.
"""

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipelines.desk.people import Person
from pipelines.exceptions import StoreError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def is_secure(address: str) -> bool:
    """https, or this machine, where developers try things."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


class Provider(BaseModel):
    """An identity provider. members: codes; second_factor: values of ``amr`` or ``acr``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    title: str
    issuer: str
    client_id: str
    client_secret_file: Path | None = None
    members: frozenset[str] = frozenset()
    secretariat: bool = False
    second_factor: frozenset[str] = frozenset()

    @field_validator("issuer")
    @classmethod
    def _secure(cls, issuer: str) -> str:
        if not is_secure(issuer):
            raise ValueError("an issuer is asked over https only")
        return issuer

    @property
    def secret(self) -> str | None:
        return (
            self.client_secret_file.read_text(encoding="utf-8").strip() if self.client_secret_file else None
        )

    def speaks_for(self, person: Person) -> bool:
        return self.secretariat if person.member is None else person.member in self.members


def read_providers(file: str) -> dict[str, Provider]:
    """Providers by name; none without a file. StoreError: the file is not there, or says what cannot be."""
    if not file:
        return {}
    try:
        told = tomllib.loads(Path(file).read_text(encoding="utf-8")).get("provider", [])
        found = [Provider.model_validate(each) for each in told]
    except (OSError, ValueError, ValidationError) as error:
        # pydantic quotes what it was given: only where it is wrong is told.
        where = (
            "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            if isinstance(error, ValidationError)
            else re.sub(r"\s+", " ", str(error))
        )
        raise StoreError(f"{file}: {where}") from error
    if len({each.name for each in found}) < len(found):
        raise StoreError(f"{file}: two providers have the same name")
    return {each.name: each for each in found}
