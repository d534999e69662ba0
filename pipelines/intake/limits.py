"""Limits of what a submission may be. Told to senders before they send (docs), enforced while reading."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes; expansion is unpacked bytes per packed byte; depth counts archives inside archives."""

    max_file_bytes: int = 4 * 2**30
    max_total_bytes: int = 16 * 2**30
    max_files: int = 2_000
    max_expansion: float = 200.0
    max_depth: int = 2
    max_cell_characters: int = 1_000_000
    max_columns: int = 2_000
