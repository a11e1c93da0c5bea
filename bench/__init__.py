"""What a request costs: processor time of the real server and of PostgreSQL, under load, on this machine.

    python -m bench [--rows NAME …] [--seconds 10] [--json]

__main__     the command: starts everything, measures row by row, ends everything
instance     an own database cluster, a world declared by `idp apply`, the server started by `idp serve`
processor    how much processor time the server's and PostgreSQL's processes have had
rows         what is measured, each with its target
flows        the requests of a person's browser and of a client, step by step
connection   a lean HTTP client: one packet a request, kept alive
load         processes that repeat one act at the same time
table        the figures as a table

A figure is the processor time that all processes of the server had between two readings, divided by the number of
acts. The load's own time does not count, but it takes its share of the processors: requests a second and latencies are
those of a machine that also makes the load. Nothing here is a test; a missed target changes no exit status.
"""
