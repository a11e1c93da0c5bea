"""What is wrong with a declaration, in one line that never repeats a value."""


class Invalid(Exception):
    """A declaration that cannot be applied; nothing was written."""

    def __init__(self, sentence: str, *, kind: str = "", key: str = "", field: str = "") -> None:
        where = f"[[{kind}]] {key}".strip() if kind else ""
        super().__init__(": ".join(part for part in (where, field, sentence) if part))
