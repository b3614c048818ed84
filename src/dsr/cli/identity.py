"""Who makes a request, and who agrees to a plan: challenge, verify, vouch, approve.

What is secret is read from standard input or a prompt: on the command line it would show in the
list of processes.
"""

from __future__ import annotations

import sys
from typing import Final, cast

import click
from attrs import frozen

from dsr.cli.common import App, app_options, now, reply
from dsr.cli.failing import NOT_VERIFIED, Command, err
from dsr.cli.intake import next_step
from dsr.errors import InputError
from dsr.identity.levels import FACTORS, Factor
from dsr.identity.proofs import Assertion, Code, Decision, Proof, SipAnswer, StandingPin
from dsr.verifying import Proving

__all__ = ["COMMANDS"]

#: What a person shows; the decision of two people is `dsr vouch`.
_SHOWN: Final = tuple(each for each in FACTORS if each != "person")
_ASKED: Final[dict[Factor, str]] = {
    "one-time-pin": "PIN",
    "standing-pin": "PIN",
    "sip": "Authorization",
    "login": "Token",
}


@frozen
class _Shown:
    factor: Factor
    text: str

    @property
    def proof(self) -> Proof:
        match self.factor:
            case "standing-pin":
                return StandingPin(self.text)
            case "sip":
                return SipAnswer(self.text)
            case "login":
                return Assertion(self.text)
        return Code(self.text)


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@click.option("--sip", is_flag=True, help="Print a challenge for the person's telephone instead.")
@app_options
def challenge(app: App, request: str, *, sip: bool) -> None:
    """Send a one-time PIN to the number on file.

    The answer is the same whether or not a number is on file.
    """
    desk = app.acting()
    document: dict[str, object] = {"request": request, "challenged": True}
    if sip:
        made = desk.sip_challenge(request, now=now())
        document |= {"nonce": made.nonce, "realm": made.realm}
    else:
        desk.challenge(request, now=now())

    def people() -> None:
        if sip:
            for each in made.algorithms:
                click.echo(
                    f'WWW-Authenticate: Digest realm="{made.realm}", nonce="{made.nonce}",'
                    f' algorithm={each}, qop="auth"'
                )
            err.print(f"Next, with the telephone's answer: dsr verify {request} --by sip")
            return
        err.print("If the number is on file, a PIN is on its way to it.")
        err.print(f"Next: dsr verify {request}")

    reply(app, document, people)


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@click.option(
    "--by", "factor", type=click.Choice(_SHOWN), default="one-time-pin", help="What is shown."
)
@app_options
def verify(app: App, request: str, *, factor: str) -> None:
    """Check the PIN, or what else is shown, read from standard input or a prompt.

    Exit code 3 if it is not right, or if the right needs more: then the output says what.
    """
    shown = _Shown(cast("Factor", factor), _secret(_ASKED[cast("Factor", factor)]))
    _tell(app, app.acting().prove(request, shown.proof, now=now()), request)


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@click.option("--reason", required=True, help="What makes you sure, in words that name nobody.")
@app_options
def vouch(app: App, request: str, *, reason: str) -> None:
    """Say, as one of the staff, that whoever asks is who they say. Two must.

    The code of your authenticator is read from standard input or a prompt. Never ask for a copy
    of an identity document, and never keep one.
    """
    desk = app.acting()
    code = _secret("Code")
    _tell(app, desk.prove(request, Decision(app.actor, code, reason), now=now()), request)


@click.command(cls=Command)
@click.argument("request", metavar="ID")
@click.option("--token", required=True, help="The token that dsr plan printed.")
@app_options
def approve(app: App, request: str, *, token: str) -> None:
    """Approve a plan, as one of the staff who does not carry it out.

    The code of your authenticator is read from standard input or a prompt.
    """
    app.acting().approve(request, token, _secret("Code"), now=now())

    def people() -> None:
        err.print(f"Approved. Next, by somebody else: dsr run {request} --confirm {token}")

    reply(app, {"request": request, "approved": True}, people)


def _tell(app: App, proving: Proving, request: str) -> None:
    """Say what came of a proof that was right."""
    grant = proving.grant
    missing = [sorted(each) for each in proving.missing]

    def people() -> None:
        if grant is not None:
            err.print(f"Verified. {next_step(grant.request)}")
            return
        ways = " or ".join(" and ".join(each) for each in missing)
        err.print(f"Right, and not enough. {f'Needed: {ways}.' if ways else 'A person decides.'}")

    document = {
        "request": request,
        "status": "verified" if grant else "open",
        "method": grant.method if grant else proving.factor,
        "missing": missing,
    }
    reply(app, document, people)
    if grant is None:
        raise SystemExit(NOT_VERIFIED)


def _secret(name: str) -> str:
    """Return what stands on standard input, or is typed at a prompt."""
    fix = f"type the {name} at the prompt, or write it to standard input, as in: dsr … < FILE"
    try:
        terminal = sys.stdin.isatty()
        text = click.prompt(name, hide_input=True, err=True) if terminal else sys.stdin.readline()
    except UnicodeDecodeError:
        what = "standard input is not text"
        raise InputError(what, fix) from None
    if not text.strip():  # not counted as an attempt: nobody guessed
        what = f"there is no {name} on standard input"
        raise InputError(what, fix)
    return str(text).strip()


COMMANDS: Final = (challenge, verify, vouch, approve)
