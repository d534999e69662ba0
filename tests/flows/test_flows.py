"""The flows, run embedded over tiny packages: states, artifacts, events; truth is asked of ledger and folders."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import MEMBER, contracts
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from prefect.events.clients import AssertingEventsClient
