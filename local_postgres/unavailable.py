"""The one error of this package."""


class Unavailable(Exception):
    """There is no database to be had; the text is one line that says what to do."""


def complaint(output: str) -> str:
    """The line in a program's output that tells what went wrong."""
    # Our own polling makes the server say that it is starting up, at its severest level.
    lines = [line.strip() for line in output.splitlines() if line.strip() and "is starting up" not in line]
    severe = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "error:"))]
    return (severe or lines or ["it said nothing"])[-1]
