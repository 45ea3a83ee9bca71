"""Who asks: the bearer token that the gateway, or another service, sends along."""

from functools import wraps

import jwt
from flask import current_app, g, request

from .problem import render

ISSUER = "hivematrix-core"

_jwks_client = None


def jwks_client():
    """Made at the first request: core need not be there when the service starts."""
    global _jwks_client
    if _jwks_client is None:
        _jwks_client = jwt.PyJWKClient(
            f"{current_app.config['CORE_SERVICE_URL']}/.well-known/jwks.json"
        )
    return _jwks_client


def decode(token):
    key = jwks_client().get_signing_key_from_jwt(token)
    return jwt.decode(
        token, key.key, algorithms=["RS256"], issuer=ISSUER, options={"verify_exp": True}
    )


def refuse(detail):
    return render(401, f"401 Unauthorized: {detail}")


def token_required(view):
    @wraps(view)
    def checked(*args, **kwargs):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token == "":
            return refuse("Authorization header is missing or invalid.")
        try:
            claims = decode(token)
        except jwt.PyJWTError as fault:
            current_app.logger.warning("token refused: %s", type(fault).__name__)
            return refuse("Invalid or expired token")
        if claims.get("type") == "service":
            g.user = None
            g.service = claims.get("calling_service")
            g.is_service_call = True
        else:
            g.user = claims
            g.service = None
            g.is_service_call = False
        return view(*args, **kwargs)

    return checked


def admin_required(view):
    @token_required
    @wraps(view)
    def checked(*args, **kwargs):
        if not g.is_service_call and g.user.get("permission_level") != "admin":
            return render(403, "403 Forbidden: Admin access required.")
        return view(*args, **kwargs)

    return checked
