"""Lines for the platform's log, in batches, from a thread of their own.

Only status 200 counts as taken; in every other case the batch is lost.
"""

import logging
import queue
import threading
import time
from datetime import datetime, timezone

import requests
from flask import g, has_request_context, request

BATCH = 10
# Seconds.
INTERVAL = 5
TOKEN_USE = 270
TIMEOUT = 5


class HelmLogger:
    def __init__(self, app):
        self._service = app.config["SERVICE_NAME"]
        self._core = app.config["CORE_SERVICE_URL"]
        self._helm = app.config["HELM_SERVICE_URL"]
        self._token = None
        self._token_time = 0.0
        self._queue = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def attach(self):
        """Takes the lines of the server; that the application's own go elsewhere is as it is."""
        for name in ("werkzeug", "flask.app"):
            logger = logging.getLogger(name)
            logger.setLevel(logging.INFO)
            logger.addHandler(_Handler(self))

    def log(self, level, message, context=None):
        entry = {
            "level": level,
            "message": message,
            "timestamp": datetime.now(timezone.utc).replace(tzinfo=None).isoformat(),
            "context": dict(context or {}),
        }
        if has_request_context():
            entry["trace_id"] = g.get("trace_id")
            entry["user_id"] = (g.get("user") or {}).get("sub")
            entry["context"]["path"] = request.path
            entry["context"]["method"] = request.method
        self._queue.put(entry)

    def info(self, message, context=None):
        self.log("INFO", message, context)

    def warning(self, message, context=None):
        self.log("WARNING", message, context)

    def error(self, message, context=None):
        self.log("ERROR", message, context)

    def _work(self):
        batch = []
        deadline = None
        while True:
            wait = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                batch.append(self._queue.get(timeout=wait))
                deadline = deadline or time.monotonic() + INTERVAL
            except queue.Empty:
                pass
            if len(batch) >= BATCH or (deadline is not None and time.monotonic() >= deadline):
                self._send(batch)
                batch, deadline = [], None

    def _send(self, batch):
        try:
            response = requests.post(
                f"{self._helm}/api/logs/ingest",
                json={"service_name": self._service, "logs": batch},
                headers={"Authorization": f"Bearer {self._service_token()}"},
                timeout=TIMEOUT,
            )
            if response.status_code == 401:
                self._token = None
        except (requests.RequestException, KeyError, ValueError):
            # A service must not suffer from its log.
            pass

    def _service_token(self):
        if self._token is None or time.monotonic() - self._token_time > TOKEN_USE:
            response = requests.post(
                f"{self._core}/service-token",
                json={"calling_service": self._service, "target_service": "helm"},
                timeout=TIMEOUT,
            )
            if response.status_code != 200:
                raise ValueError("core gave no service token")
            self._token = response.json()["token"]
            self._token_time = time.monotonic()
        return self._token


class _Handler(logging.Handler):
    def __init__(self, helm_logger):
        super().__init__(logging.INFO)
        self._helm_logger = helm_logger

    def emit(self, record):
        self._helm_logger.log(record.levelname, record.getMessage())
