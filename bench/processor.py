"""Processor time of groups of processes, from /proc: what the scheduler counted, user and system."""

import os
from pathlib import Path

_TICK = 1000 / os.sysconf("SC_CLK_TCK")  # milliseconds


def spent(root: int) -> float:
    """Milliseconds that a process, its descendants, and those of them that have ended used so far."""
    children: dict[int, list[int]] = {}
    times: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(entry)):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
            times[int(entry.name)] = [int(field) for field in fields[11:15]]
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        total += sum(times.get(pid, ()))
        waiting += children.get(pid, ())
    return total * _TICK


def parent(pid: int) -> int:
    """The parent of a process."""
    return int(_stat(Path(f"/proc/{pid}"))[1])


def _stat(process: Path) -> list[str]:
    """The fields of proc(5) `stat` from `state` on (so utime, stime, cutime and cstime are 11 to 14)."""
    try:
        text = (process / "stat").read_text()
    except OSError:
        return []  # ended meanwhile
    # The program's name stands in parentheses, and may hold some itself.
    return text.rpartition(")")[2].split()
