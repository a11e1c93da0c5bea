"""The one error of this package."""


class Unavailable(Exception):
    """There is no database to be had; the text is one line that says what to do."""
