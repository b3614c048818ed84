"""A web backend that answers access requests: open, prove who you are, download.

Run it with: flask --app "examples.backend:from_config('dsr.toml')" run
"""

import datetime as dt
import os
from functools import partial
from pathlib import Path
from threading import Thread

from flask import Flask, Response, request, session

import dsr

now = partial(dt.datetime.now, dt.UTC)


def create_app(desk: dsr.Desk, secret: str) -> Flask:
    """Return the service; `secret` signs the session that remembers who was verified."""
    app = Flask(__name__)
    app.secret_key = secret

    @app.post("/requests")
    def open_() -> tuple[dict[str, str], int]:
        phone = dsr.identify(
            "phone", request.get_json().get("phone", ""), desk.policy.operator.country
        )
        opened = desk.open("access", [phone], now=now())
        desk.challenge(opened.id, now=now(), source=request.remote_addr or "", later=True)
        Thread(target=desk.post, kwargs={"now": now()}).start()  # strangers wait no shorter
        return {"request": opened.id, "due": opened.due.isoformat()}, 201

    @app.post("/requests/<name>/verify")
    def verify(name: str) -> dict[str, str]:
        desk.verify(name, request.get_json().get("pin", ""), now=now())
        session["request"] = name
        return {"request": name, "status": "verified"}

    @app.get("/requests/<name>/package")
    def package(name: str) -> Response:
        if session.get("request") != name:
            raise dsr.NotVerified("this session has not verified this request")
        headers = {"Content-Disposition": f"attachment; filename=dsr-{name}.zip"}
        pieces = desk.stream(desk.verified(name), now=now())
        return Response(pieces, mimetype="application/zip", headers=headers)

    @app.errorhandler(dsr.DsrError)
    def refused(error: dsr.DsrError) -> tuple[dict[str, str], int]:
        hidden = isinstance(error, dsr.NotVerified | dsr.RequestNotFound)
        wrong = isinstance(error, dsr.InputError | dsr.RequestError)
        return {"error": error.what, "fix": error.fix}, 403 if hidden else 400 if wrong else 503

    return app


def from_config(path: str) -> Flask:
    """Return the service for a dsr.toml; the session secret is in $SESSION_SECRET."""
    return create_app(dsr.load(Path(path)).desk(), os.environ["SESSION_SECRET"])
