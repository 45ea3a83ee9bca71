"""What can be seen and tried from outside."""

import time

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)

from .auth import admin_required, token_required
from .service_client import call_service

pages = Blueprint("pages", __name__)


def author():
    return (g.user or {}).get("preferred_username") or g.service or "somebody"


@pages.get("/")
@token_required
def index():
    return render_template("index.html", notes=current_app.notes.latest(), author=author())


@pages.post("/notes")
@token_required
def add_note():
    note = request.form.get("text", "").strip()
    if note == "":
        flash("A note needs a text.", "error")
    else:
        current_app.notes.add(note, author())
        current_app.helm_logger.info("note stored", {"length": len(note)})
        flash(f"Stored: {note}", "success")
    return redirect(url_for("pages.index"))


@pages.get("/admin")
@admin_required
def admin():
    return render_template("admin.html", author=author())


@pages.get("/api/whoami")
@token_required
def whoami():
    """What arrived here, without what is secret."""
    headers = request.headers
    return jsonify(
        user=g.user,
        service=g.service,
        headers={
            name: value for name, value in headers.items() if name.startswith("X-Forwarded-")
        },
        header_names=sorted(name for name, _ in headers.items()),
        authorization=headers.get("Authorization", "").partition(" ")[0],
        cookies=sorted(request.cookies),
        correlation_id=g.correlation_id,
        query_string=request.query_string.decode("latin-1"),
        remote_addr=request.remote_addr,
        root=request.root_url,
        path=request.path,
        raw_uri=request.environ.get("RAW_URI"),
    )


@pages.route("/api/query", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@token_required
def query():
    return jsonify(method=request.method, args=[list(pair) for pair in request.args.lists()])


@pages.get("/call/<service>/<path:path>")
@token_required
def call(service, path):
    """Asks another service on behalf of this one."""
    response = call_service(service, f"/{path}", params=list(request.args.items(multi=True)))
    return jsonify(status=response.status_code, body=response.text)


@pages.get("/stream")
@token_required
def stream():
    def events():
        for number in range(1, 4):
            if number > 1:
                time.sleep(0.3)
            yield f"id: {number}\nevent: tick\ndata: {number} of 3\n\n"

    return Response(events(), mimetype="text/event-stream")


@pages.get("/redirect")
@token_required
def away():
    """An absolute address that only this machine knows, as some services answer."""
    return redirect(f"http://127.0.0.1:{request.environ['SERVER_PORT']}/?from=redirect")
