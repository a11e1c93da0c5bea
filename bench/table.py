"""The figures, for people and for programs."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """One measured row; times in milliseconds."""

    name: str
    words: str
    target: float
    server: float  # processor time of the server's processes, for one act
    postgres: float  # the same of PostgreSQL's
    rate: float  # acts a second
    p50: float
    p99: float
    machine_load: float  # of the minute before, the benchmark's own included

    @property
    def reached(self) -> bool:
        """Whether the server stays within the target."""
        return self.server <= self.target


HEADER = ("processor time of one act, ms", "target", "server", "", "+ PostgreSQL", "acts/s", "p50", "p99", "load")


def printed(figures: Sequence[Figure]) -> str:
    """The table in Markdown."""
    rows = [HEADER, tuple("---" for _ in HEADER)]
    rows += [
        (
            figure.words,
            f"{figure.target:.2f}",
            f"{figure.server:.2f}",
            "" if figure.reached else "over",
            f"{figure.postgres:.2f}",
            f"{figure.rate:.0f}",
            f"{figure.p50:.1f}",
            f"{figure.p99:.1f}",
            f"{figure.machine_load:.1f}",
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return "\n".join(f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows)


def document(figures: Sequence[Figure], concurrency: int, hash_time: float) -> dict[str, object]:
    """The same for programs."""
    return {
        "processors": os.cpu_count(),
        "concurrency": concurrency,
        "hash_ms": round(hash_time, 2),
        "rows": [{**asdict(figure), "reached": figure.reached} for figure in figures],
    }
