"""Who makes a request: what attackers try, and what customers need."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import jwt
import pyotp
import pytest
from attrs import evolve, field, frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from dsr.assurance import Assurance
from dsr.desk import Desk
from dsr.errors import ConfigurationError, InputError, NotAllowed, NotVerified, StoreUnavailable
from dsr.identity import FileSender, OneTimePin
from dsr.identity.levels import FACTORS, Factor, level
from dsr.identity.lines import CallableLines
from dsr.identity.login import Login
from dsr.identity.proofs import Assertion, Code, Decision, Proof, SipAnswer, StandingPin
from dsr.identity.staff import Member
from dsr.model import Identifier, Right, Subject
from dsr.onfile import CHANGED, HOSTED, SHARED, UNKNOWN, Line, OnFile
from dsr.verifying import enough
from tests.shelf import Shelf, shelf
from tests.things import EVA, NOOR, NOW, category, ledger, policy
from tests.vault import REALM, Vault, answer, vault

MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
OLD = NOW - 900 * DAY
PORTAL = Ed25519PrivateKey.generate()
KEY = PORTAL.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = PORTAL.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
SECRETS: Final = {name: pyotp.random_base32() for name in ("ada", "ben", "carl")}
STAFF = tuple(
    Member(name, frozenset({"verify", "approve", "run", "open"}), secret)
    for name, secret in SECRETS.items()
    if name != "carl"
)


@frozen
class Office:
    """A desk, its accounts, and the phone that PINs go to."""

    desk: Desk
    accounts: Vault
    pins: Path = field(repr=False)

    def open(self, *who: Identifier, right: Right = "access") -> str:
        return self.desk.open(right, who or [EVA], now=NOW).id

    def sent(self) -> list[dict[str, Any]]:
        if not self.pins.exists():
            return []
        return [json.loads(line) for line in self.pins.read_text("utf-8").splitlines()]

    def pin(self) -> Code:
        return Code(str(self.sent()[-1]["pin"]))

    def prove(self, request: str, proof: Proof, at: dt.datetime = NOW, source: str = "") -> Any:
        return self.desk.prove(request, proof, now=at, source=source)

    def with_(self, **changes: Any) -> Office:
        return evolve(self, desk=evolve(self.desk, assurance=Assurance(**{**SETUP, **changes})))

    def telephone(self, request: str, user: str, password: str) -> SipAnswer:
        nonce = self.desk.sip_challenge(request, now=NOW).nonce
        return SipAnswer(answer(user, password, nonce))


SETUP: Final[Mapping[str, Any]] = {
    "standing": "accounts",
    "sip": "accounts",
    "realm": REALM,
    "login": Login("portal", PUBLIC),
    "staff": STAFF,
}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Eva and Noor are customers for 900 days; both have all that can be shown."""
    accounts = vault(tmp_path)
    accounts.account("A1", EVA.value, OLD, sip="eva", password="swordfish", pin="4711")
    accounts.account("A2", NOOR.value, OLD, sip="noor", password="tuna", pin="0815")
    cdr = shelf(tmp_path, "cdr", ["phone"], "calls")
    pins = tmp_path / "pins"
    desk = Desk(
        stores=(cdr, accounts),
        policy=policy(calls=category(), accounts=category(origin="provided")),
        ledger=ledger(tmp_path),
        pin=OneTimePin(FileSender(pins)),
        accounts="accounts",
        assurance=Assurance(**SETUP),
    )
    return Office(desk, accounts, pins)


def token(request: str, who: str = "account:A1", name: str = "t1", at: dt.datetime = NOW) -> str:
    claims = {
        "iss": "portal",
        "aud": "dsr",
        "request": request,
        "sub": who,
        "iat": at.timestamp(),
        "exp": (at + 2 * MINUTE).timestamp(),
        "jti": name,
    }
    return jwt.encode(claims, KEY, algorithm="EdDSA")


def code(name: str, at: dt.datetime = NOW) -> str:
    return pyotp.TOTP(SECRETS[name]).at(at)


# --- what a customer can show ---------------------------------------------------------------


def test_each_factor_can_be_enough(office: Office) -> None:
    """Rule 39 (GDPR Art. 12(6)): a PIN, a telephone, a login; whatever the operator asks for."""
    shown: dict[str, Callable[[Office, str], Proof]] = {
        "one-time-pin": lambda here, _: here.pin(),
        "sip": lambda here, request: here.telephone(request, "eva", "swordfish"),
        "login": lambda _, request: Assertion(token(request)),
    }
    for name, proof in shown.items():
        here = office.with_(levels={"access": level(name)})
        request = here.open()
        here.desk.challenge(request, now=NOW)
        proving = here.prove(request, proof(here, request))
        assert proving.grant is not None, name
        assert here.desk.verified(request) == proving.grant
        (who,) = here.desk.ledger.subject(request).identifiers
        assert who.since == OLD, "the tenure on file"


def test_factors_count_together_for_an_hour(office: Office) -> None:
    """Rule 40 (LG Bonn, 29 OWi 1/20): a standing PIN counts only beside another factor."""
    here = office.with_(levels={"access": level("standing-pin and one-time-pin")})
    for later, grant in ((59 * MINUTE, True), (61 * MINUTE, False)):
        request = here.open()
        first = here.prove(request, StandingPin("4711"))
        assert first.grant is None
        assert {frozenset({"one-time-pin"}), frozenset({"person"})} < {*first.missing}
        here.desk.challenge(request, now=NOW + later)
        second = here.prove(request, here.pin(), NOW + later)
        assert (second.grant is not None) == grant


def test_verify_says_what_is_missing(office: Office) -> None:
    """The person showed a right PIN: they may know that more is needed, and what."""
    here = office.with_(levels={"access": level("standing-pin and one-time-pin")})
    request = here.open()
    here.desk.challenge(request, now=NOW)
    with pytest.raises(NotVerified, match="prove standing-pin or person, too"):
        here.desk.verify(request, here.pin().pin, now=NOW)


# --- what attackers try -----------------------------------------------------------------------


def test_impersonation_with_what_anybody_may_know(office: Office) -> None:
    """Rule 40 (LG Bonn, 29 OWi 1/20): number, account and address unlock nothing by themselves."""
    request = office.open(EVA, Identifier("account", "A1"))
    with pytest.raises(NotVerified):
        office.desk.verified(request)
    for guess in (Code("000000"), StandingPin("0815"), Assertion(token("other"))):
        with pytest.raises(NotVerified):
            office.prove(request, guess)


def test_own_number_and_another_persons_account(office: Office) -> None:
    """Rule 43 (GDPR Art. 12(6)): no PIN is sent where the accounts do not join what was named."""
    request = office.open(NOOR, Identifier("account", "A1"))
    office.desk.challenge(request, now=NOW)
    assert office.sent() == []
    for proof in (
        StandingPin("0815"),
        Assertion(token(request, "account:A2")),
        office.telephone(request, "noor", "tuna"),
    ):
        with pytest.raises(NotVerified, match="is not right, or no longer valid"):
            office.prove(request, proof)


def test_somebody_elses_login_telephone_and_pin(office: Office) -> None:
    """Rule 43 (GDPR Art. 12(6)): Noor's own proofs are good for Noor."""
    request = office.open()
    for proof in (
        StandingPin("0815"),
        Assertion(token(request, "account:A2")),
        Assertion(token(request, f"phone:{NOOR.value}", "t2")),
        office.telephone(request, "noor", "tuna"),
        office.telephone(request, "eva", "wrong"),
    ):
        with pytest.raises(NotVerified, match="is not right, or no longer valid"):
            office.prove(request, proof)


def test_a_recycled_number_tells_nothing_of_its_last_holder(office: Office, tmp_path: Path) -> None:
    """Rule 28 (GDPR Art. 5(1)(f)): the new holder is verified for their own tenure only."""
    row = office.accounts.rows()["A1"]
    until = NOW - 30 * DAY
    row["links"][0][3] = until.isoformat()
    office.accounts.put("A1", **row)
    office.accounts.account("A3", EVA.value, until)
    cdr = Shelf(tmp_path / "cdr.json", "cdr", frozenset({"phone"}), frozenset({"calls"}))
    for key, at in (("before", until - DAY), ("after", until + DAY)):
        who = [["phone", EVA.value, ["src"]]]
        cdr.put(key, category="calls", at=at.isoformat(), who=who, data={"src": EVA.value})
    request = office.open()
    office.desk.challenge(request, now=NOW)
    grant = office.desk.verify(request, office.pin().pin, now=NOW)
    plan = office.desk.plan(grant, now=NOW)
    assert plan.stores["cdr"]["calls"].do == {"export": 1}


@pytest.mark.parametrize(
    "changed",
    [
        (NOW - 6 * DAY).isoformat(),
        (NOW - 6 * DAY).date().isoformat(),
        (NOW - 7 * DAY + 2 * MINUTE).isoformat(),
    ],
)
def test_a_number_whose_sim_card_just_changed(office: Office, changed: str) -> None:
    """Rule 42 (NIST SP 800-63B-4): a SIM swap: no PIN is sent, and an old one counts no more."""
    here = office.with_(line=Line(7, changed=("sim",)))
    request = here.open()
    here.desk.challenge(request, now=NOW)
    early = here.pin()
    row = here.accounts.rows()["A1"]
    row["data"]["sim"] = changed
    here.accounts.put("A1", **row)
    with pytest.raises(NotVerified, match="the PIN is not right"):
        here.prove(request, early)
    here.desk.challenge(request, now=NOW + MINUTE)
    assert len(here.sent()) == 1
    assert here.prove(request, Assertion(token(request))).grant is not None


def test_a_number_that_just_came_to_its_holder(office: Office) -> None:
    """Rule 42 (NIST SP 800-63B-4): for a week a PIN to it may still reach the last holder."""
    number = Identifier("phone", "+4930901899")
    office.accounts.account("A5", number.value, NOW - 2 * DAY)
    request = office.open(number)
    office.desk.challenge(request, now=NOW)
    assert office.sent() == []
    office.desk.challenge(request, now=NOW + 5 * DAY + MINUTE)
    assert len(office.sent()) == 1


@pytest.mark.parametrize("told", ["yesterday", "?", 5, ["2026"], {"at": None}])
def test_a_change_that_is_not_known_steps_up(office: Office, told: object) -> None:
    """Rule 42 (NIST SP 800-63B-4): unknown: the PIN is sent, and a second factor is needed."""
    here = office.with_(line=Line(7, changed=("sim",)))
    row = here.accounts.rows()["A1"]
    row["data"]["sim"] = told
    here.accounts.put("A1", **row)
    request = here.open()
    here.desk.challenge(request, now=NOW)
    assert here.prove(request, here.pin()).grant is None
    assert here.prove(request, StandingPin("4711")).grant is not None


def test_whoever_knows_of_sim_cards_is_asked(office: Office) -> None:
    """Rule 42 (NIST SP 800-63B-4): a hook answers when it last changed; no answer is unknown."""

    def fails(number: str) -> dt.datetime:
        raise ValueError(number)

    for hook, sent, grant in (
        (lambda _: None, True, True),
        (lambda _: NOW - 8 * DAY, True, True),
        (lambda _: NOW - 6 * DAY, False, False),
        (lambda _: (NOW - 8 * DAY).replace(tzinfo=None), True, False),
        (fails, True, False),
    ):
        here = office.with_(lines=CallableLines(hook))
        before = len(here.sent())
        request = here.open()
        here.desk.challenge(request, now=NOW)
        assert (len(here.sent()) > before) == sent
        if sent:
            assert (here.prove(request, here.pin()).grant is not None) == grant


def test_nobody_else_is_asked_about(office: Office) -> None:
    """Rule 11 (GDPR Art. 15(1)): one question for everybody; what a stranger typed goes nowhere."""
    asked: list[str] = []

    def hook(number: str) -> None:
        asked.append(number)

    here = office.with_(lines=CallableLines(hook))
    people = ((EVA,), (Identifier("phone", "+4930901855"),), (Identifier("account", "A999"),))
    for who in people:
        here.desk.challenge(here.open(*who), now=NOW)
    assert asked == [EVA.value, "+999000000000", "+999000000000"]


def test_a_number_that_the_operator_hosts_proves_the_sip_account(office: Office) -> None:
    """Rule 42 (NIST SP 800-63B-4): neither the PIN nor the telephone with it is enough."""
    here = office.with_(line=Line(hosted="all"), levels={"access": level("one-time-pin")})
    request = here.open()
    here.desk.challenge(request, now=NOW)
    proving = here.prove(request, here.pin())
    assert proving.grant is None
    assert frozenset({"sip"}) not in proving.missing
    assert here.prove(request, here.telephone(request, "eva", "swordfish")).grant is None
    assert here.prove(request, StandingPin("4711")).grant is not None


@pytest.mark.parametrize("how", ["field", "two accounts"])
def test_a_shared_line(office: Office, how: str) -> None:
    """Rule 36 (GDPR Art. 12(6)): no PIN, and no login, which says not whose calls they are."""
    here = office.with_(line=Line(shared="shared"))
    if how == "field":
        row = here.accounts.rows()["A1"]
        row["data"]["shared"] = True
        here.accounts.put("A1", **row)
    else:
        here.accounts.account("A4", EVA.value, OLD)
    request = here.open(EVA, Identifier("account", "A1"))
    here.desk.challenge(request, now=NOW)
    assert here.sent() == []
    assert here.desk.unverified(request) == SHARED, "the staff are told, and decide"
    for proof in (StandingPin("4711"), here.telephone(request, "eva", "swordfish")):
        assert here.prove(request, proof).grant is None
    if how == "two accounts":  # the other holder may not log in for this one
        with pytest.raises(NotVerified):
            here.prove(request, Assertion(token(request, "account:A4", "t4")))
    proving = here.prove(request, Assertion(token(request)))
    assert proving.grant is None
    assert proving.missing == (frozenset({"person"}),)
    here.prove(request, Decision("ada", code("ada"), "the only user, says the contract"))
    assert here.prove(request, Decision("ben", code("ben"), "the same")).grant is not None


def test_replay(office: Office) -> None:
    """Rule 43 (GDPR Art. 32): a PIN, a token and an answer count once, for one request."""
    first, second = office.open(), office.open()
    office.desk.challenge(first, now=NOW)
    pin, used = office.pin(), Assertion(token(first))
    heard = office.telephone(first, "eva", "swordfish")
    for proof in (pin, used, heard):
        office.prove(first, proof)
        for request in (first, second):
            with pytest.raises(NotVerified):
                office.prove(request, proof)


def test_a_nonce_is_good_for_five_minutes(office: Office) -> None:
    """Rule 43 (RFC 7616 s. 5.4): an answer that was kept is none."""
    request = office.open()
    heard = office.telephone(request, "eva", "swordfish")
    with pytest.raises(NotVerified):
        office.prove(request, heard, NOW + 5 * MINUTE)


def test_one_insider_is_not_enough(office: Office) -> None:
    """Rule 39 (GDPR Art. 32(4)): two of the staff, each with a code of their own, and a reason."""
    request = office.open()
    assert office.prove(request, Decision("ada", code("ada"), "known")).grant is None
    later = NOW + MINUTE
    assert office.prove(request, Decision("ada", code("ada", later), "known"), later).grant is None
    with pytest.raises(NotVerified, match="not right, or was used"):
        office.prove(request, Decision("ben", code("ada", later), "known"), later)
    with pytest.raises(NotVerified, match="not right, or was used"):
        office.prove(request, Decision("ada", code("ada", later), "known"), later)
    with pytest.raises(InputError, match="who has the role"):
        office.prove(request, Decision("carl", code("carl"), "known"))
    with pytest.raises(InputError, match="needs its reason"):
        office.prove(request, Decision("ben", code("ben"), " "))
    assert office.prove(request, Decision("ben", code("ben"), "known")).grant is not None


def test_an_insider_who_guesses_codes_is_stopped(office: Office) -> None:
    """Rule 41 (NIST SP 800-63B-4): codes of authenticators are limited, too."""
    request = office.open()
    right = code("ben")
    wrong = [str(each) for each in range(100_000, 100_011) if str(each) != right][:10]
    for guess in wrong:
        with pytest.raises(NotVerified, match="not right"):
            office.prove(request, Decision("ben", guess, "known"))
    with pytest.raises(NotVerified, match="the limit is reached"):
        office.prove(request, Decision("ben", right, "known"))


def test_two_people_decide_about_whom_no_account_names(office: Office) -> None:
    """Rule 12 (GDPR Art. 11(2)): further information, such as an address in use then."""
    address = Identifier("ip", "192.0.2.7", NOW - DAY, NOW)
    request = office.open(EVA, address)
    office.desk.challenge(request, now=NOW)
    assert office.sent() == []
    office.prove(request, Decision("ada", code("ada"), "the modem's label"))
    assert office.prove(request, Decision("ben", code("ben"), "the same")).grant is not None
    assert address in office.desk.ledger.subject(request).identifiers


def test_two_tenures_at_once_are_nobodys_to_decide(office: Office) -> None:
    """Rule 28 (GDPR Art. 5(1)(f)): the operator's records are put right first."""
    office.accounts.account("A1b", EVA.value, OLD + DAY)
    request = office.open()
    with pytest.raises(NotVerified, match="two tenures at once"):
        office.prove(request, Decision("ada", code("ada"), "known"))


# --- no oracle --------------------------------------------------------------------------------


class Work:
    """Counts what is done: statements of the ledger, readings of the accounts."""

    def __init__(self, office: Office) -> None:
        """Begin to count."""
        self.office, self.statements = office, 0
        event.listen(office.desk.ledger._database.engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self.statements += 1

    def of(self, act: Callable[[], object]) -> tuple[str, dict[str, int]]:
        """Return what an act says, and what it costs."""
        before = self._all()
        try:
            told = str(act())
        except NotVerified as error:
            told = str(error)
        after = self._all()
        return told, {name: after[name] - before[name] for name in after}

    def _all(self) -> dict[str, int]:
        state = self.office.accounts.state()
        named = ("reads", "pins", "credentials")
        return {"statements": self.statements} | {each: state.get(each, 0) for each in named}


def test_known_and_unknown_cost_the_same(office: Office) -> None:
    """Rule 11 (GDPR Art. 15(1)): same words and same work, whoever is on file, before it is known.

    Work is counted: statements of the ledger, readings of the store, hashes compared.
    """
    here = office.with_(line=Line(changed=("sim",)))
    here.accounts.account("A4", "+4930901833", OLD, sip="two", password="x", pin="1234")
    here.accounts.account("A6", "+4930901833", OLD, sip="three", password="x")
    swapped = "+4930901844"
    here.accounts.account("A7", swapped, OLD, sip="swap", pin="99", sim=NOW.isoformat())
    known, shared, unknown = (
        EVA,
        Identifier("phone", "+4930901833"),
        Identifier("phone", "+4930901855"),
    )
    unjoined = (NOOR, Identifier("account", "A1"))
    people = {
        "known": (known,),
        "shared": (shared,),
        "unknown": (unknown,),
        "swapped": (Identifier("phone", swapped),),
        "unjoined": unjoined,
        "account": (Identifier("account", "A2"),),
        "no account": (Identifier("account", "A999"),),
    }
    work = Work(here)
    acts: dict[str, Callable[[str], object]] = {
        "challenge": lambda request: here.desk.challenge(request, now=NOW),
        "later": lambda request: here.desk.challenge(request, now=NOW, later=True),
        "code": lambda request: here.prove(request, Code("12")),
        "standing": lambda request: here.prove(request, StandingPin("wrong")),
        "sip challenge": lambda request: len(here.desk.sip_challenge(request, now=NOW).nonce),
        "sip": lambda request: here.prove(request, SipAnswer(answer("x", "y", "z"))),
        "login": lambda request: here.prove(request, Assertion(token("another"))),
    }
    for name, act in acts.items():
        told = {}
        for who, identifiers in people.items():
            request = here.open(*identifiers)
            told[who] = work.of(lambda act=act, request=request: act(request))  # type: ignore[misc]
        assert len({text for text, _ in told.values()}) == 1, name
        costs = [cost for _, cost in told.values()]
        assert costs == [costs[0]] * len(costs), (name, told)


def test_what_is_wrong_is_not_told(office: Office) -> None:
    """Rule 11 (GDPR Art. 12(6)): no text says whether a number, a PIN or an account is known."""
    told = set()
    for who in (EVA, Identifier("phone", "+4930901855")):
        request = office.open(who)
        for proof in (StandingPin("0000"), Code("000000")):
            with pytest.raises(NotVerified) as caught:
                office.prove(request, proof)
            told.add((type(proof), str(caught.value)))
    assert len(told) == 2


# --- what is not set up, and what is down -----------------------------------------------------


def test_a_factor_that_is_not_set_up_is_told(office: Office) -> None:
    """Bad input: the setting is named, and nothing was counted."""
    here = evolve(office, desk=evolve(office.desk, assurance=Assurance()))
    request = here.open()
    for proof, key in (
        (StandingPin("1"), "identity.standing-pin"),
        (SipAnswer("x"), "identity.sip"),
        (Assertion("x"), "identity.login"),
    ):
        with pytest.raises(ConfigurationError, match=key):
            here.prove(request, proof)
    with pytest.raises(ConfigurationError, match=r"identity\.sip"):
        here.desk.sip_challenge(request, now=NOW)


def test_a_store_that_is_down_uses_nothing_up(office: Office) -> None:
    """Law 4: down is not wrong: the person can try again with the same proof."""
    request = office.open()
    office.desk.challenge(request, now=NOW)
    pin, proof = office.pin(), Assertion(token(request))
    office.accounts.set(down=True)
    for each in (pin, proof):
        with pytest.raises(StoreUnavailable):
            office.prove(request, each)
    office.accounts.set(down=False)
    assert office.prove(request, proof).grant is not None


def test_who_may_not_verify(office: Office) -> None:
    """Rule 45 (GDPR Art. 32(4)): a role of its own."""
    staff = (*STAFF, Member("dora", frozenset({"run"})))
    desk = office.with_(staff=staff).desk.acting("dora")
    with pytest.raises(NotAllowed, match='the role "verify"'):
        desk.challenge(office.open(), now=NOW)
    with pytest.raises(NotAllowed, match="nobody of this name"):
        desk.acting("eve")


# --- enough -----------------------------------------------------------------------------------

SETS = [frozenset(each) for n in range(6) for each in combinations(FACTORS, n)]
LEVELS = st.sampled_from(
    ["one-time-pin", "sip", "login or one-time-pin", "standing-pin and one-time-pin"]
).map(level)
LINES = st.sampled_from([("", ""), ("", HOSTED), ("", UNKNOWN), (SHARED, ""), (CHANGED, "")])


@given(level_=LEVELS, proved=st.sampled_from(SETS), line=LINES)
def test_more_is_never_less(level_: Any, proved: frozenset[Factor], line: tuple[str, str]) -> None:
    """Rule 43 (GDPR Art. 12(6)): what is enough stays so when more is shown."""
    known = OnFile(Subject((EVA,)), *line)
    if enough(level_, proved, known):
        assert all(enough(level_, proved | more, known) for more in SETS)


@given(level_=LEVELS, line=LINES)
def test_a_pin_alone_is_not_enough_on_a_weak_line(level_: Any, line: tuple[str, str]) -> None:
    """Rules 36, 42 (GDPR Art. 12(6); NIST SP 800-63B-4): shared, hosted, changed, not known."""
    pin: frozenset[Factor] = frozenset({"one-time-pin"})
    known = OnFile(Subject((EVA,)), *line)
    if any(line):
        assert not enough(level_, pin, known)
    else:
        assert enough(level_, pin, known) == level_.met(pin)


@given(proved=st.sampled_from(SETS), level_=LEVELS)
def test_nobody_on_file_is_for_two_people(proved: frozenset[Factor], level_: Any) -> None:
    """Rule 44 (GDPR Art. 12(2)): whatever cannot be verified otherwise has a way left."""
    assert enough(level_, proved, OnFile(None, "no number on file")) == ("person" in proved)
