"""What became of the code that the person entered."""

from flask import Response, request

from consent_ui.pages import render


def done() -> Response:
    """The end here: the device goes on by itself, or does not."""
    return render("device/done", outcome=request.args.get("outcome", ""))
