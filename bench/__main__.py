"""`python -m bench`: measure every row, print the table."""

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Semaphore

import click

from bench import flows, load, processor, table
from bench.instance import COST, Instance, running
from bench.rows import ROWS, Row
from bench.table import Figure
from idp import passwords

_WARM_UP = 2.0  # seconds; connections are made, statements prepared, clients cached
_HASHES = 20


@click.command()
@click.option("--rows", "names", multiple=True, type=click.Choice([row.name for row in ROWS]), help="Only these.")
@click.option("--seconds", default=10.0, show_default=True, help="For each row.")
@click.option("--repeat", default=1, show_default=True, help="Measure each row so often, and keep its cheapest.")
@click.option("--concurrency", default=16, show_default=True, help="Acts at the same time.")
@click.option("--workers", default=2, show_default=True, help="Processes of the server.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(names: tuple[str, ...], seconds: float, repeat: int, concurrency: int, workers: int, as_json: bool) -> None:
    """Processor time of a request, server and PostgreSQL apart."""
    wanted = [row for row in ROWS if not names or row.name in names]
    figures = []
    with _ended_by(load.Failed), running(workers, concurrency) as instance:
        hash_time = _hash_time(workers) if any(row.hashes for row in wanted) else 0.0
        for row in wanted:
            click.echo(f"measuring {row.name} …", err=True)
            measured = [_measure(row, instance, concurrency, seconds, hash_time) for _ in range(repeat)]
            figures.append(min(measured, key=lambda figure: figure.server))
    if as_json:
        click.echo(json.dumps(table.document(figures, concurrency, hash_time), indent=2))
    else:
        click.echo(table.printed(figures))
        click.echo(f"{os.cpu_count()} processors, {workers} workers, {concurrency} acts at the same time", nl=False)
        click.echo(f"; {hash_time:.1f} ms for the password hash subtracted" if hash_time else "")


@contextmanager
def _ended_by(failure: type[Exception]) -> Iterator[None]:
    """End with the failure's one line, once everything that was started has ended."""
    try:
        yield
    except failure as error:
        raise SystemExit(f"bench: {error}") from None


def _measure(row: Row, instance: Instance, concurrency: int, seconds: float, hash_time: float) -> Figure:
    readings: list[tuple[float, float]] = []

    def mark() -> None:
        readings.append((processor.spent(instance.server), processor.spent(instance.postgres)))

    seen = load.drive(row, instance.address, concurrency, _WARM_UP, seconds, mark)
    (server_before, postgres_before), (server_after, postgres_after) = readings
    return Figure(
        name=row.name,
        words=row.words,
        target=row.target,
        server=(server_after - server_before) / seen.acts - row.hashes * hash_time,
        postgres=(postgres_after - postgres_before) / seen.acts,
        rate=seen.acts / seen.seconds,
        p50=seen.percentile(0.50),
        p99=seen.percentile(0.99),
        machine_load=os.getloadavg()[0],
    )


def _hash_time(workers: int) -> float:
    """Milliseconds of processor time that verifying one password takes while each worker verifies one.

    In this process, but as many at once as the server has slots: the hash is bound by memory, so a neighbour that
    hashes too makes it slower. And each in another thread, as the requests there: glibc gives a thread memory of its
    own, and touching it for the first time costs a tenth of the hash.
    """
    secret = passwords.normal(flows.PASSWORD)
    stored, slots = passwords.make(secret, COST), Semaphore(workers)

    def verify(_: int) -> None:
        with slots:
            passwords.verify(secret, stored)

    with ThreadPoolExecutor(_HASHES) as pool:
        list(pool.map(verify, range(_HASHES)))  # warm, as a server that has run for a while
        before = time.process_time()
        list(pool.map(verify, range(_HASHES)))
    return (time.process_time() - before) / _HASHES * 1000


if __name__ == "__main__":
    main()
