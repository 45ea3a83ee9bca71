"""Calls to other services: where they are, and a token of core that says who calls."""

import json
import os
import threading
import time

import jwt
import requests
from flask import current_app, g, has_request_context

# Seconds before its end at which a token is not used any more.
MARGIN = 60

_services = None
_tokens = {}
_lock = threading.Lock()


def services():
    """services.json of the working directory, read once."""
    global _services
    if _services is None:
        path = os.path.join(os.getcwd(), "services.json")
        try:
            with open(path, encoding="utf-8") as file:
                _services = json.load(file)
        except FileNotFoundError:
            _services = {}
    return _services


def service_token(target):
    with _lock:
        token, expires = _tokens.get(target, (None, 0))
        if token is not None and time.time() < expires - MARGIN:
            return token
        response = requests.post(
            f"{current_app.config['CORE_SERVICE_URL']}/service-token",
            json={
                "calling_service": current_app.config["SERVICE_NAME"],
                "target_service": target,
            },
            timeout=5,
        )
        if response.status_code != 200:
            raise RuntimeError(f"core gave no service token: {response.status_code}")
        token = response.json()["token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        _tokens[target] = (token, claims["exp"])
        return token


def call_service(service_name, path, method="GET", **kwargs):
    """Raises ValueError for a service that services.json does not have."""
    known = services().get(service_name)
    if known is None:
        raise ValueError(f"Service '{service_name}' not found in services.json")
    headers = dict(kwargs.pop("headers", None) or {})
    headers["Authorization"] = f"Bearer {service_token(service_name)}"
    if has_request_context():
        headers["X-Correlation-ID"] = g.correlation_id
    kwargs.setdefault("timeout", 30)
    return requests.request(method, f"{known['url']}{path}", headers=headers, **kwargs)
