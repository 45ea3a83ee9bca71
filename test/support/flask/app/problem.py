"""Faults as problem+json; whatever has no kind of its own becomes 500, also 405, 415 and 429."""

import json

from flask import Response, request
from werkzeug.exceptions import HTTPException

KINDS = {
    400: ("bad-request", "Bad Request"),
    401: ("unauthorized", "Unauthorized"),
    403: ("forbidden", "Forbidden"),
    404: ("not-found", "Not Found"),
    500: ("internal-server-error", "Internal Server Error"),
    503: ("service-unavailable", "Service Unavailable"),
}


def render(status, detail):
    suffix, title = KINDS[status]
    body = {
        "type": f"about:blank#{suffix}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.path,
    }
    return Response(json.dumps(body), status=status, mimetype="application/problem+json")


def install(app):
    @app.errorhandler(Exception)
    def handle(fault):
        if isinstance(fault, HTTPException) and fault.code in KINDS:
            return render(fault.code, str(fault))
        app.logger.exception("unexpected fault")
        return render(500, "An unexpected error occurred")
