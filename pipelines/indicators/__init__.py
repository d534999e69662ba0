"""Indicators of public procurement: definitions as data, one SQL file each, computed in DuckDB.

=============  ====================================================================================
definitions    ``schemas/indicators.csv`` and the SQL of each, as objects
tables         the tables of the standard as the SQL reads them: typed, complete, NULL where nothing was sent
reading        an OCDS file, a folder of tables or a release as such tables
compute        every indicator and flag into two tidy tables
computability  which indicators the data can support, what is missing, and what to publish next
frames         the same as pandas DataFrames
=============  ====================================================================================

A flag is a reason to look, never a proof. What cannot be computed is NULL with a reason, never zero.
"""

from pipelines.indicators.computability import Computability, NextField, computability, next_best
from pipelines.indicators.compute import Settings, compute_indicators
from pipelines.indicators.definitions import Indicator, load_indicators
from pipelines.indicators.frames import Frames, indicators_of_ocds, indicators_of_release

__all__ = [
    "Computability",
    "Frames",
    "Indicator",
    "NextField",
    "Settings",
    "computability",
    "compute_indicators",
    "indicators_of_ocds",
    "indicators_of_release",
    "load_indicators",
    "next_best",
]
