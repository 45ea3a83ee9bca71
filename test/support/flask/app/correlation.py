"""X-Correlation-ID: taken from the request, or made; given back with the answer."""

import uuid

from flask import g, request

HEADER = "X-Correlation-ID"


def install(app):
    @app.before_request
    def take():
        g.correlation_id = request.headers.get(HEADER) or str(uuid.uuid4())

    @app.after_request
    def give(response):
        response.headers[HEADER] = g.get("correlation_id", "")
        return response
