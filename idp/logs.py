"""Log lines: one JSON object each, control characters escaped, no secrets.

Authlib logs live tokens at DEBUG; its loggers are capped, whatever level the rest has.
"""

import json
import logging
import sys
from datetime import UTC, datetime

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


OURS = ("idp", "consent_ui", "keys", "local_postgres")  # other libraries speak from WARNING on


class JsonLines(logging.Formatter):
    """`{"time", "level", "logger", "event", …}`; whatever came as `extra` becomes a member."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; JSON escapes what could forge another."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: int = logging.INFO) -> None:
    """Log to standard error, once a process."""
    for name in ("authlib", "authlib.oauth2"):
        logging.getLogger(name).setLevel(logging.INFO)
    root = logging.getLogger()
    if any(isinstance(handler.formatter, JsonLines) for handler in root.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root.addHandler(handler)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    # SQLAlchemy names the pool's logger after our subclass, and tells of its own housekeeping.
    logging.getLogger("idp.db").setLevel(logging.WARNING)
