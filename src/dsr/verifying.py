"""Who makes a request: what was shown of it, put together until it is enough for the right.

One-time PINs, standing PINs, SIP credentials, a login and the decision of two people are factors;
the policy says which of them a right needs (`dsr.identity.levels`). Whatever is wrong is told in
the same words, whether or not anybody is on file (law.md rule 11), and counted by the same limits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final, NoReturn, cast
from zoneinfo import ZoneInfo

from attrs import evolve, field, frozen

from dsr.assurance import Assurance
from dsr.connector import Connector, KeepsPins, Vouches
from dsr.errors import ConfigurationError, InputError, NotVerified
from dsr.identity import OneTimePin, Verified, sip, standing
from dsr.identity.grant import issue
from dsr.identity.levels import FACTORS, Factor, Level
from dsr.identity.pin import limit_reached
from dsr.identity.proofs import (
    METHODS,
    Assertion,
    Code,
    Decision,
    Proof,
    SipAnswer,
    StandingPin,
)
from dsr.identity.staff import Member
from dsr.ledger import Ledger
from dsr.model import Identifier, Request, Subject
from dsr.onfile import CHANGED, HOSTED, OVERLAP, SHARED, UNKNOWN, OnFile, on_file

__all__ = ["Attempt", "Proving", "SipChallenge", "Verifier", "check_code", "enough"]

_PIN: Final[Factor] = "one-time-pin"
#: For so long factors that were shown one after the other count together.
_TOGETHER: Final = dt.timedelta(hours=1)
#: Two people need not sit at their desks at once.
_DECIDED: Final = dt.timedelta(days=7)
_PEOPLE: Final = 2
_NONCE: Final = dt.timedelta(minutes=5)
#: After that a code of an authenticator is refused for its age.
_USED: Final = dt.timedelta(minutes=5)
#: Whom a store, or whoever knows of SIM cards, is asked about where nobody is on file: the same
#: work. Country code 999 belongs to nobody, and `.invalid` no more (RFC 2606).
_NO_NUMBER: Final = "+999000000000"
_NO_ADDRESS: Final = "nobody@nowhere.invalid"


@frozen
class SipChallenge:
    """What a telephone answers: `nonce` and `realm`, for five minutes, once (RFC 8760)."""

    nonce: str
    realm: str
    algorithms: tuple[str, ...] = ("SHA-256", "MD5")


@frozen
class Proving:
    """What came of a proof that was right: the grant, or the sets of factors still `missing`."""

    factor: Factor
    grant: Verified | None
    missing: tuple[frozenset[Factor], ...] = ()


def enough(level: Level, proved: frozenset[Factor], known: OnFile) -> bool:
    """Return whether what was `proved` is enough for `level`, given the line that it came over.

    What two people decide is enough: they are the way out of everything else (rules 36, 44). On
    a shared line nothing else is: a login tells who asks, and not whose calls they are. A PIN to
    a number that has just changed hands proves nothing; to one that the operator hosts, or of
    which this is not known, nothing by itself (rule 42).
    """
    if "person" in proved:
        return True
    if known.subject is None or known.why == SHARED:
        return False
    rest = proved - {_PIN}
    as_login = "login" in rest and level.met(rest | {_PIN})
    if level.met(rest) or as_login:
        return True
    if known.why:
        return False
    extra: frozenset[Factor] = frozenset({"standing-pin"} if known.weak == HOSTED else rest)
    return level.met(proved) and (not known.weak or bool(extra & rest))


@frozen
class Attempt:
    """One attempt to prove who makes a request, and where it comes from (`source`)."""

    request: Request
    now: dt.datetime
    source: str = ""


@frozen
class _Case(Attempt):
    """The same, with whom the request is about and what is on file of them."""

    subject: Subject = field(kw_only=True)
    known: OnFile = field(kw_only=True)

    @property
    def asked(self) -> frozenset[tuple[str, str]]:
        """What the request names."""
        return frozenset((each.kind, each.value) for each in self.subject.identifiers)

    def target(self, factor: Factor) -> str:
        """Return what guesses are counted for: the number on file, else what was asked for."""
        number = (self.known.subject or self.subject).identifiers[0].value
        return f"{factor}:{number}"


@frozen
class Verifier:
    """Checks proofs against the stores and the ledger, and issues grants.

    `accounts` names the store of numbers on file; empty: the requested number is the one.
    """

    stores: Sequence[Connector]
    ledger: Ledger
    pin: OneTimePin
    accounts: str
    zone: ZoneInfo
    assurance: Assurance

    def challenge(
        self, request: str, now: dt.datetime, source: str = "", *, later: bool = False
    ) -> None:
        """Send a one-time PIN to the number on file; as `OneTimePin.challenge`."""
        found = self.ledger.get(request)
        known = self.known(self.ledger.subject(request), now)
        number = known.subject.identifiers[0].value if known.subject and not known.why else None
        self.pin.challenge(self.ledger, found, number, now, known.why, source=source, later=later)

    def sip_challenge(self, request: str, nonce: str, now: dt.datetime) -> SipChallenge:
        """Keep `nonce` as the request's challenge for a telephone, and return what to send it.

        Raises `ConfigurationError` where no store vouches for SIP credentials,
        `RequestNotFound`, and `RequestError` when the request is closed.
        """
        if not self.assurance.sip:
            _not_set_up("SIP credentials", "identity.sip")
        self.ledger.save_nonce(request, nonce, now + _NONCE)
        self.ledger.audit("SIP challenge", at=now, request=request)
        return SipChallenge(nonce, self.assurance.realm)

    def prove(self, request: str, proof: Proof, now: dt.datetime, source: str = "") -> Proving:
        """Check a proof; return the grant if what was shown is enough by now.

        `source` is where it comes from, such as a client's address, for the limits. Raises
        `NotVerified` in one text for every reason why a proof does not count, and in another
        when a limit is reached; `ConfigurationError` for a factor that is not set up;
        `InputError` for what cannot be read; `StoreUnavailable`.
        """
        subject = self.ledger.subject(request)
        known = self.known(subject, now)
        case = _Case(self.ledger.get(request), now, source, subject=subject, known=known)
        match proof:
            case Code(pin):
                sent = known.subject is not None and not known.why
                # a number that was given up since the PIN was sent: any PIN is wrong
                guess = pin if sent else ""
                return self.pin.check(
                    self.ledger,
                    case.request,
                    guess,
                    now,
                    lambda: self._together(case, "one-time-pin"),
                    source=source,
                )
            case StandingPin(pin):
                self._standing_pin(case, pin)
                return self._together(case, "standing-pin")
            case SipAnswer():
                self._sip(case, proof)
                return self._together(case, "sip")
            case Assertion(token):
                self._login(case, token)
                return self._together(case, "login")
            case Decision():
                self._decision(case, proof)
                return self._together(case, "person", proof.member)

    def known(self, subject: Subject, now: dt.datetime) -> OnFile:
        """Return the person as the store of accounts knows them, a number first; or why not."""
        assurance = self.assurance
        if self.accounts:
            store = next(each for each in self.stores if each.name == self.accounts)
            known = on_file(store, subject, now, assurance.line, self.zone)
        else:  # one phone number: `open` sees to it
            weak = HOSTED if assurance.line.hosted == "all" else ""
            names = frozenset((each.kind, each.value) for each in subject.identifiers)
            known = OnFile(subject, weak=weak, names=names)
        if assurance.lines is None:
            return known
        number = known.subject.identifiers[0].value if known.subject else _NO_NUMBER
        at = assurance.lines.changed(number)
        if isinstance(at, dt.datetime):
            recent = at > now - dt.timedelta(days=assurance.line.days)
            return evolve(known, why=known.why or (CHANGED if recent else ""))
        return evolve(known, weak=known.weak or (UNKNOWN if at == "unknown" else ""))

    # --- one factor each ------------------------------------------------------------------

    def _standing_pin(self, case: _Case, pin: str) -> None:
        if not self.assurance.standing:
            _not_set_up("standing PINs", "identity.standing-pin")
        hashes = cast("KeepsPins", self._store(self.assurance.standing)).pins(case.known.keys)
        self._guess(case, "standing-pin")
        self._judge(case, "standing-pin", proved=standing.proves(pin, hashes))

    def _sip(self, case: _Case, proof: SipAnswer) -> None:
        if not self.assurance.sip:
            _not_set_up("SIP credentials", "identity.sip")
        digest = sip.Digest.parse(proof.header)
        store = cast("Vouches", self._store(self.assurance.sip))
        names = case.known.names if case.known.subject else frozenset[tuple[str, str]]()
        mine = (value for kind, value in names if kind == "sip")
        credentials = store.credentials(Identifier("sip", _address(digest, mine)))
        self._guess(case, "sip")
        nonce = self.ledger.take_nonce(case.request.id, case.now)
        right = sip.proves(digest, credentials, nonce or "", proof.method)
        self._judge(case, "sip", proved=right and nonce is not None)

    def _login(self, case: _Case, token: str) -> None:
        if self.assurance.login is None:
            _not_set_up("a login", "identity.login")
        try:
            session = self.assurance.login.session(token, case.request.id, case.now)
        except NotVerified:
            self._fail(case, "login")
        fresh = self.ledger.use("login", session.token, session.until, case.now)
        who = (session.who.kind, session.who.value)
        mine = case.known.subject is not None and who in case.known.names
        # on a shared line: the one who is logged in, not any of those who hold the number
        alone = case.known.why != SHARED or who in case.asked
        if not (fresh and mine and alone):
            self._fail(case, "login")

    def _decision(self, case: _Case, proof: Decision) -> None:
        member = self.assurance.member(proof.member)
        if member is None or not member.may("verify"):
            what = "nobody of this name may decide who makes a request"
            raise InputError(what, 'name one of [staff] who has the role "verify"')
        if not proof.reason.strip():
            what = "a decision needs its reason"
            raise InputError(what, "say what makes you sure, in words that name nobody")
        if case.known.why == OVERLAP:
            what = f"request {case.request.id}: its number has two tenures at once"
            raise NotVerified(what, "correct the store of accounts first: whose calls are whose?")
        check_code(self.ledger, self.pin, member, proof.code, case)
        note = f"{member.name}: {proof.reason}"
        self.ledger.audit("identity decided", at=case.now, request=case.request.id, note=note)

    # --- all together -----------------------------------------------------------------------

    def _together(self, case: _Case, factor: Factor, by: str = "") -> Proving:
        request, now = case.request.id, case.now
        level = self.assurance.level(case.request.right)
        with self.ledger.transaction():
            self.ledger.add_factor(request, f"{factor} {by}".strip(), now, by)
            proved = self._proved(request, now)
            if not enough(level, proved, case.known):
                self.ledger.audit("proved", at=now, request=request, note=METHODS[factor])
                return Proving(factor, None, self._missing(level, proved, case.known))
            if case.known.subject is not None:
                self.ledger.reseal(request, case.known.subject)
            method = " and ".join(METHODS[each] for each in FACTORS if each in proved)
            grant = issue(self.ledger, case.request, method, now)
            self.ledger.forget_factors(request)
            self.ledger.end_doubt(request, now)
        return Proving(factor, grant)

    def _proved(self, request: str, now: dt.datetime) -> frozenset[Factor]:
        """Return the factors that count now; two people make one."""
        entries = self.ledger.proved(request, now - _DECIDED)
        fresh = {each.factor for each in entries if not each.by and each.at > now - _TOGETHER}
        if len({each.by for each in entries if each.by}) >= _PEOPLE:
            fresh.add("person")
        return frozenset(each for each in FACTORS if each in fresh)

    def _missing(
        self, level: Level, proved: frozenset[Factor], known: OnFile
    ) -> tuple[frozenset[Factor], ...]:
        """Return the smallest sets of further factors, of those that can be shown here."""
        able = sorted(self.assurance.factors - proved, key=FACTORS.index)
        found: list[frozenset[Factor]] = []
        for size in range(1, len(able) + 1):
            for each in map(frozenset, combinations(able, size)):
                smaller = any(other <= each for other in found)
                if not smaller and enough(level, proved | each, known):
                    found.append(each)
        return tuple(found)

    def _store(self, name: str) -> Connector:
        return next(each for each in self.stores if each.name == name)

    def _guess(self, case: _Case, factor: Factor) -> None:
        """Count a guess as a failure before it is compared."""
        request, limits, target = case.request.id, self.pin.limits, case.target(factor)
        if not self.ledger.take_guess(request, target, limits, case.now, source=case.source):
            raise limit_reached()

    def _judge(self, case: _Case, factor: Factor, *, proved: bool) -> None:
        if not proved:
            self._fail(case, factor)
        target = case.target(factor)
        self.ledger.guess_was_right(case.request.id, target, case.now, source=case.source)

    def _fail(self, case: _Case, factor: Factor) -> NoReturn:
        method = METHODS[factor]
        self.ledger.audit("verification failed", at=case.now, request=case.request.id, note=method)
        what = f"the proof by {method} is not right, or no longer valid"
        raise NotVerified(what, "check it, or try another way") from None


def _address(digest: sip.Digest, mine: Iterable[str]) -> str:
    """Return the one of a person's addresses that a telephone answers for; one in any case."""
    user, realm = digest.username.lower(), digest.realm.lower()
    named = sorted(each for each in mine if user in {each, each.partition("@")[0]})
    return next((each for each in named if each.endswith(f"@{realm}")), (*named, _NO_ADDRESS)[0])


def check_code(ledger: Ledger, pin: OneTimePin, member: Member, code: str, case: Attempt) -> None:
    """Check the TOTP code of one of the staff; each counts once, and guesses are limited.

    Raises `NotVerified`.
    """
    target, request, now = f"staff:{member.name}", case.request.id, case.now
    if not ledger.take_guess(request, target, pin.limits, now, source=case.source):
        raise limit_reached()
    step = member.step(code, now)
    if step is None or not ledger.use("totp", f"{member.name} {step}", now + _USED, now):
        ledger.audit("code refused", at=now, request=request, note=member.name)
        what = "the code of the authenticator is not right, or was used"
        raise NotVerified(what, "wait for the next one, and check the clock")
    ledger.guess_was_right(request, target, now, source=case.source)


def _not_set_up(what: str, key: str) -> NoReturn:
    told = f"{what} cannot be checked here"
    raise ConfigurationError(told, f"set {key}, or prove another way")
