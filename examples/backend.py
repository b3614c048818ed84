"""A web backend that answers access requests: open, prove who you are, download.

Run it with: flask --app "examples.backend:from_config('dsr.toml')" run
"""

import datetime as dt
import os
from pathlib import Path

from flask import Flask, Response, request, session

from dsr import Desk, DsrError, NotVerified, RequestNotFound, identify, load


def now() -> dt.datetime:
    """Return the time."""
    return dt.datetime.now(dt.UTC)


def create_app(desk: Desk, secret: str) -> Flask:
    """Return the service; `secret` signs the session that remembers who was verified."""
    app = Flask(__name__)
    app.secret_key = secret

    @app.post("/requests")
    def open_() -> tuple[dict[str, str], int]:
        phone = identify("phone", request.get_json()["phone"], desk.policy.operator.country)
        opened = desk.open("access", [phone], now=now())
        desk.challenge(opened.id, now=now())
        return {"request": opened.id, "due": opened.due.isoformat()}, 201

    @app.post("/requests/<name>/verify")
    def verify(name: str) -> dict[str, str]:
        grant = desk.verify(name, request.get_json()["pin"], now=now())
        session["request"] = grant.request.id
        return {"request": grant.request.id, "status": "verified"}

    @app.get("/requests/<name>/package")
    def package(name: str) -> Response:
        if session.get("request") != name:
            what = "this session has not verified this request"
            raise NotVerified(what)
        pieces = desk.stream(desk.verified(name), now=now())
        headers = {"Content-Disposition": f"attachment; filename=dsr-{name}.zip"}
        return Response(pieces, mimetype="application/zip", headers=headers)

    @app.errorhandler(DsrError)
    def refused(error: DsrError) -> tuple[dict[str, str], int]:
        hidden = isinstance(error, NotVerified | RequestNotFound)
        return {"error": error.what, "fix": error.fix}, 403 if hidden else 400

    return app


def from_config(path: str) -> Flask:
    """Return the service for a dsr.toml; the session secret is in $SESSION_SECRET."""
    return create_app(load(Path(path)).desk(), os.environ["SESSION_SECRET"])
