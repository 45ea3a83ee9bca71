"""GET /health, as every service of the platform answers it (contract 4.6)."""

import shutil
import time
from datetime import datetime, timezone

import requests
from flask import Blueprint, current_app, jsonify
from sqlalchemy.exc import SQLAlchemyError

pages = Blueprint("health", __name__)


@pages.get("/health")
def health():
    checks = {"disk": check_disk(), "dependencies": {"core": check_dependency()}}
    if current_app.notes.postgresql:
        checks["database"] = check_database()
    parts = [checks["disk"]["status"], checks.get("database", {}).get("status", "healthy")]
    if "unhealthy" in parts:
        status = "unhealthy"
    elif "degraded" in parts or checks["dependencies"]["core"]["status"] != "healthy":
        status = "degraded"
    else:
        status = "healthy"
    body = {
        "service": current_app.config["SERVICE_NAME"],
        "status": status,
        "timestamp": datetime.now(timezone.utc).isoformat(),
        "checks": checks,
    }
    return jsonify(body), 200 if status == "healthy" else 503


def check_database():
    try:
        latency = current_app.notes.measure()
        return {"status": "healthy", "latency_ms": latency, "type": "postgresql"}
    except SQLAlchemyError as fault:
        return {"status": "unhealthy", "error": type(fault).__name__, "type": "postgresql"}


def check_disk():
    usage = shutil.disk_usage("/")
    percent = round(usage.used / usage.total * 100, 1)
    status = "unhealthy" if percent >= 95 else "degraded" if percent >= 85 else "healthy"
    return {
        "status": status,
        "usage_percent": percent,
        "free_gb": round(usage.free / 2**30, 2),
        "total_gb": round(usage.total / 2**30, 2),
    }


def check_dependency():
    start = time.monotonic()
    try:
        url = current_app.config["CORE_SERVICE_URL"]
        response = requests.get(f"{url}/health", timeout=3)
    except requests.Timeout:
        return {"status": "unhealthy", "error": "timeout"}
    except requests.ConnectionError:
        return {"status": "unhealthy", "error": "connection_refused"}
    if response.status_code != 200:
        return {"status": "unhealthy", "http_status": response.status_code}
    took = round((time.monotonic() - start) * 1000, 2)
    return {"status": "healthy", "response_time_ms": took}
