"""A look inside a small table: its first rows, as text."""

import csv
import io
from dataclasses import dataclass
from itertools import islice
from typing import Final

from resource_server import Principal
from resource_server.datasets import content
from resource_server.datasets.models import Dataset
from resource_server.datasets.service import Service

LARGEST: Final = content.PIECE  # bytes; more would be copied for a few lines
ROWS: Final = 5
COLUMNS: Final = 8
_LETTERS: Final = 80  # of a cell


@dataclass(frozen=True)
class Table:
    """Heads, and the first rows of as many."""

    heads: list[str]
    rows: list[list[str]]
    total: int


def table(service: Service, principal: Principal, dataset: Dataset) -> Table | None:
    """The first rows of a CSV file; None for everything else, and for what does not read as one."""
    if not dataset.media_type.startswith("text/csv") or not 0 < dataset.size <= LARGEST:
        return None
    with content.reading(service, principal, str(dataset.id)) as (_, copy), copy() as file:
        data = file.read()
    try:
        lines = [line for line in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) if line]
    except (UnicodeDecodeError, csv.Error):
        return None
    if len(lines) < 2 or len(lines[0]) < 2:
        return None
    width = min(len(lines[0]), COLUMNS)
    cells = [[cell[:_LETTERS] for cell in islice(line + [""] * width, width)] for line in lines[: ROWS + 1]]
    return Table(cells[0], cells[1:], len(lines) - 1)
