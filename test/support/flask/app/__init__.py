"""flasky: a small service that knows the platform only by its wire (contract, section 4)."""

import os
import secrets

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from . import correlation, health, notes, problem, routes
from .helm_logger import HelmLogger


def create_app():
    app = Flask(__name__, instance_path=os.path.join(os.getcwd(), "instance"))
    app.config.update(
        SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(32),
        SERVICE_NAME=os.environ.get("SERVICE_NAME", "flasky"),
        CORE_SERVICE_URL=os.environ.get("CORE_SERVICE_URL", "http://localhost:5000"),
        HELM_SERVICE_URL=os.environ.get("HELM_SERVICE_URL", "http://localhost:5004"),
    )
    # One proxy in front: the gateway.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
    correlation.install(app)
    problem.install(app)
    notes.install(app)
    app.register_blueprint(routes.pages)
    app.register_blueprint(health.pages)
    app.helm_logger = HelmLogger(app)
    app.helm_logger.attach()
    app.helm_logger.info("flasky started")
    return app
