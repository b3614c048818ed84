"""The one object that a backend builds at start-up and calls.

    open -> challenge -> verify -> plan -> apply or export        (and resume, after a crash)

Every method takes `now`, a timezone-aware datetime: the clock is the caller's.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from attrs import evolve, field, frozen

from dsr import answering, deciding, delivering, handover, identity, notifying
from dsr.answering import PERSONAL, Answered, Standing
from dsr.apply import Case, apply
from dsr.assurance import Assurance
from dsr.confirm import Permit, confirm
from dsr.connector import Connector
from dsr.delivering import Delivery
from dsr.errors import (
    ConfigurationError,
    DeliveryError,
    InputError,
    NotAllowed,
    NotConfirmed,
    NotVerified,
    PolicyError,
    RequestError,
    StoreError,
    UnknownRight,
)
from dsr.export import fill, with_gap
from dsr.handover import HandedOver
from dsr.holding import Locked, lift, place
from dsr.identity import OneTimePin, Verified
from dsr.identity.outbox import Posted, post
from dsr.identity.proofs import Code, Proof
from dsr.identity.staff import Role
from dsr.ledger import Confirmed, Ledger
from dsr.model import (
    RIGHTS,
    WRITES,
    Hold,
    Identifier,
    Outcome,
    PackageInfo,
    Receipt,
    Request,
    Right,
    State,
    Subject,
    Tally,
)
from dsr.notifying import Told
from dsr.onfile import NOT_SENT
from dsr.package import Cover, Encrypted, Package, save
from dsr.place import Place
from dsr.plan import Wish
from dsr.policy.deadlines import due
from dsr.policy.grounds import check_ground
from dsr.policy.holds import check_hold
from dsr.policy.lint import must_not_run
from dsr.policy.model import Policy, period
from dsr.policy.refusals import Refusal
from dsr.replaying import replay
from dsr.stores import Stores
from dsr.survey import Progress, quiet, survey
from dsr.sweeping import Swept, sweep
from dsr.verifying import Attempt, Proving, SipChallenge, Verifier, check_code

__all__ = ["Desk", "Plan"]

_ID_BYTES: Final = 6
_NONCE_BYTES: Final = 16
_FOUR_EYES: Final = 2
_USABLE: Final = "contact usable"
_UNUSABLE: Final = "contact not usable"
#: What was approved before is carried out to its end.
_UNDER_WAY: Final[frozenset[State]] = frozenset({"confirmed", "incomplete", "done"})


@frozen
class Plan:
    """What would happen: the steps counted, and the token that confirms them.

    `stores` maps store -> category -> `Tally`; `read` are the stores that were read whole.
    """

    request: Request
    token: str
    at: dt.datetime
    stores: Mapping[str, Mapping[str, Tally]]
    read: frozenset[str]

    @property
    def complete(self) -> bool:
        """Whether nothing is kept and nothing was out of reach."""
        tallies = [tally for each in self.stores.values() for tally in each.values()]
        return not any(tally.keep or tally.gaps for tally in tallies)


@frozen
class Desk:
    """Takes requests in, and sees them through.

    `stores` are the connectors, `accounts` names the one that knows which number belonged to
    whom and when (empty: the requested number itself counts as the number on file). `holds`
    are those of the configuration; others live in the ledger. `executor` reads the parts of
    stores that split side by side. `backups` is for how long backups of the stores are kept
    (`35 days`): so long `replay` can erase again what one of them brings back. `assurance` says
    how sure the operator must be of who asks. `actor` is the one of the staff who sits at the
    desk (`acting`); empty for a backend that acts for the person who asks. `delivery` says how
    packages reach people.
    """

    stores: tuple[Connector, ...] = field()
    policy: Policy
    ledger: Ledger
    pin: OneTimePin
    accounts: str = ""
    holds: tuple[Hold, ...] = ()
    executor: Executor | None = None
    backups: str = ""
    assurance: Assurance = field(factory=Assurance)
    actor: str = ""
    delivery: Delivery = field(factory=Delivery)

    @stores.validator
    def _unique(self, _: object, stores: Sequence[Connector]) -> None:
        names = [each.name for each in stores]
        if len(set(names)) < len(names):
            what = "two stores have the same name"
            raise ConfigurationError(what, "name each store once")

    # --- taking a request in ------------------------------------------------------------

    def open(
        self,
        right: Right,
        identifiers: Sequence[Identifier],
        *,
        now: dt.datetime,
        received: dt.datetime | None = None,
        language: str = "",
        changes: Mapping[str, str] | None = None,
        ground: str = "",
    ) -> Request:
        """Register a request and return it, not yet verified.

        `identifiers` come from `dsr.identify`; `received` is when it reached the operator
        (`now` if left out); `language` one of the operator's; `changes` the fields to correct
        (rectification); `ground` the point of its article that the person relies on, such as
        `17(1)(b)` (`dsr.policy.grounds`), or empty. Says nothing about whether the person is
        known. Raises `UnknownRight` or `InputError`.
        """
        self._may("open")
        if right not in RIGHTS:
            what = "this is none of the rights"
            raise UnknownRight(what, f"use one of {', '.join(RIGHTS)}")
        received = received or now
        self._check_input(right, identifiers, changes, language)
        check_ground(right, ground)
        if received > now:
            what = "a request cannot have been received in the future"
            raise InputError(what, "check the date of receipt and its time zone")
        request = Request(
            id=secrets.token_hex(_ID_BYTES),
            right=right,
            state="open",
            received=received,
            due=due(received, self.policy.operator.zone, self.policy.deadlines).day,
            language=language or self.policy.operator.languages[0],
            changes=dict(changes or {}),
            ground=ground,
        )
        with self.ledger.transaction():
            self.ledger.add(request, Subject(tuple(identifiers)))
            self.ledger.audit("request opened", at=now, request=request.id, note=right)
        return request

    def _check_input(
        self,
        right: Right,
        identifiers: Sequence[Identifier],
        changes: Mapping[str, str] | None,
        language: str,
    ) -> None:
        if not identifiers:
            what = "a request needs an identifier"
            raise InputError(what, "give a phone number, SIP address, e-mail or account")
        if not self.accounts and [each.kind for each in identifiers] != ["phone"]:
            what = "without a store of accounts one phone number is all that can be verified"
            raise InputError(what, "open with that alone, or configure identity.accounts")
        if right == "rectification" and not changes:
            what = "a rectification needs the fields to correct"
            raise InputError(what, "give each as FIELD=VALUE")
        if right != "rectification" and changes:
            what = f"fields to correct do not belong to {right}"
            raise InputError(what, "open a rectification for them")
        if language and language not in self.policy.operator.languages:
            what = "the language is none that operator.languages lists"
            raise InputError(what, f"use one of {', '.join(self.policy.operator.languages)}")

    def challenge(
        self, request: str, *, now: dt.datetime, source: str = "", later: bool = False
    ) -> None:
        """Send a one-time PIN to the number on file; with `later`, once `post` is called.

        A public form answers first and sends then: so everybody waits equally long. `source` is
        where it is asked from, such as a client's address, for the limits. Does the
        same, but for the sending, when no number is on file, or the line is one that a PIN
        proves nothing on (law.md rules 11, 36, 42). Raises `RequestNotFound`, `RequestError`
        (closed), `NotVerified` (a limit is reached), `DeliveryError`, `StoreUnavailable` (the
        store of accounts).
        """
        self._may("verify")
        self._verifier.challenge(request, now, source, later=later)

    def post(self, *, now: dt.datetime) -> Posted:
        """Send the PINs that wait; as `dsr.identity.outbox.post`."""
        self._may("verify")
        return post(self.ledger, self.pin.sender, now)

    def sip_challenge(self, request: str, *, now: dt.datetime) -> SipChallenge:
        """Return a challenge for the person's telephone; as `dsr.verifying.Verifier` does."""
        self._may("verify")
        return self._verifier.sip_challenge(request, secrets.token_hex(_NONCE_BYTES), now)

    def verify(self, request: str, pin: str, *, now: dt.datetime, source: str = "") -> Verified:
        """Check the one-time PIN; return the grant that `plan`, `apply` and `export` ask for.

        The numbers of the request are bound to the tenure on file from here on. Raises as
        `prove` does, and `NotVerified` when the PIN is right and its right needs more.
        """
        proving = self.prove(request, Code(pin), now=now, source=source)
        if proving.grant is None:
            ways = " or ".join(" and ".join(sorted(each)) for each in proving.missing)
            what = f"request {request} needs more than the PIN, which was right"
            raise NotVerified(what, f"prove {ways}, too" if ways else "a person must decide")
        return proving.grant

    def unverified(self, request: str) -> str:
        """Return why the last challenge was sent to nobody, for the staff; empty if it was sent.

        The person who asks hears no difference (law.md rule 11). Raises `RequestNotFound`.
        """
        if self.ledger.get(request).state != "open":
            return ""
        told = [each.event for each in self.ledger.entries(request)]
        last = [each for each in told if each in NOT_SENT or each.startswith("challenge")]
        return last[-1] if last and last[-1] in NOT_SENT else ""

    def prove(self, request: str, proof: Proof, *, now: dt.datetime, source: str = "") -> Proving:
        """Check one proof of who makes a request; return the grant once all that it needs is shown.

        What each right needs stands in `assurance`. Raises `NotVerified` with one text for
        whatever is wrong with a proof, and another when a limit is reached; `StoreUnavailable`
        (the store of accounts; a PIN is not used up then); as `dsr.verifying.Verifier.prove`.
        """
        self._may("verify")
        return self._verifier.prove(request, proof, now, source)

    def verified(self, request: str) -> Verified:
        """Return the grant of a request that was verified before, in another process.

        Raises `RequestNotFound` or `NotVerified`.
        """
        return identity.granted(self.ledger, request)

    @property
    def _verifier(self) -> Verifier:
        zone = self.policy.operator.zone
        return Verifier(self.stores, self.ledger, self.pin, self.accounts, zone, self.assurance)

    # --- the staff ------------------------------------------------------------------------

    def acting(self, member: str) -> Desk:
        """Return this desk with one of the staff at it: what they may do, and the audit trail.

        Raises `NotAllowed` if `[staff]` has nobody of this name. A backend that acts for the
        person who asks needs none.
        """
        if self.assurance.staff and self.assurance.member(member) is None:
            what = "nobody of this name works here"
            raise NotAllowed(what, "name one of [staff]")
        return evolve(self, actor=member, ledger=self.ledger.acting(member))

    def _may(self, role: Role) -> None:
        """Raise `NotAllowed` if whoever sits at the desk has not this role."""
        member = self.assurance.member(self.actor)
        if member is not None and not member.may(role):
            what = f'whoever acts has not the role "{role}"'
            raise NotAllowed(what, f"have somebody of [staff] do it who may {role}")

    def approve(self, request: str, token: str, code: str, *, now: dt.datetime) -> None:
        """Approve the plan with this `token`, as one of the staff (`acting`), by their TOTP code.

        Twice is success. Raises `NotAllowed` for who may not approve, `NotVerified` for a wrong
        code, `NotConfirmed` if the token is not that of the last plan.
        """
        member = self.assurance.member(self.actor)
        if member is None:
            what = "nobody approves: it is not known who acts"
            raise NotAllowed(what, "name one of [staff]")
        self._may("approve")
        found = self.ledger.get(request)
        self.ledger.check_token(request, token)  # before a code is used up
        check_code(self.ledger, self.pin, member, code, Attempt(found, now))
        self.ledger.approve(request, token, member.name, now)

    def audit(self) -> int:
        """Verify the audit chain and every receipt; return how many entries there are.

        Raises `AuditBroken`, and `NotAllowed`.
        """
        self._may("audit")
        return self.ledger.verify_audit()

    def _check_approved(self, request: Request, token: str) -> None:
        """Raise `NotConfirmed` if a plan needs the approval of two people and lacks it.

        Both by a code of their own: who carries it out only says who they are (`acting`).
        """
        if request.right not in self.assurance.four_eyes or request.state in _UNDER_WAY:
            return
        if len(self.ledger.approved(request.id, token)) < _FOUR_EYES:
            what = f"request {request.id} needs the approval of two people"
            raise NotConfirmed(what, "have each who may approve look at the plan: dsr approve")

    # --- by when, and answers that act on nothing -----------------------------------------

    def standing(self, requests: Iterable[Request], *, now: dt.datetime) -> Iterator[Standing]:
        """Yield how each request stands against its deadline."""
        return answering.standing(self.policy, self.ledger, requests, now)

    def alarms(self, *, now: dt.datetime) -> list[Standing]:
        """Return the requests that end soon (`Deadlines.alarm`) or are over, soonest first."""
        return answering.alarms(self.policy, self.ledger, now)

    def extend(self, request: str, reason: str, *, now: dt.datetime) -> Answered:
        """Extend the period once, inside the first month; as `dsr.answering.extend`."""
        self._may("run")
        return answering.extend(self.policy, self.ledger, request, reason, now)

    def refuse(self, request: str, refusal: Refusal, *, now: dt.datetime) -> Answered:
        """Refuse a request and forget whom it was about; as `dsr.answering.refuse`."""
        self._may("run")
        helpful = [kind for kind in PERSONAL if any(kind in each.accepts for each in self.stores)]
        return answering.refuse(self.policy, self.ledger, request, refusal, now, helpful=helpful)

    def doubt(self, request: str, reason: str, *, now: dt.datetime) -> Standing:
        """Record a doubt about who makes a request; `verify` ends it; as `dsr.answering.doubt`."""
        self._may("verify")
        return answering.doubt(self.policy, self.ledger, request, reason, now)

    def end_doubt(self, request: str, *, now: dt.datetime) -> None:
        """End the doubt about a request without verifying it. Twice is success."""
        self._may("verify")
        self.ledger.end_doubt(request, now)

    # --- whether the policy may run -----------------------------------------------------

    def check_policy(self, *, now: dt.datetime, deleting: bool = False) -> None:
        """Raise `PolicyError` if nothing may be handed over or changed under this policy.

        That is while it promises what the law forbids, or leaves open what a person must
        decide (`dsr.policy.lint`). Opening, verifying and planning go on. With `deleting` it
        looks at what routine deletion rests on: stages, duties to keep, holds, open points.
        """
        holds = [*self.holds, *self.ledger.holds()]
        found = must_not_run(self.policy, holds, self._today(now), deleting=deleting)
        if found:
            what = f"the policy must not run: {'; '.join(found)}"
            raise PolicyError(what, "`dsr check` tells all that is wrong or undecided")

    # --- fulfilling it ------------------------------------------------------------------

    def plan(self, grant: Verified, *, now: dt.datetime, progress: Progress = quiet) -> Plan:
        """Return what would happen, changing no store; remember it for confirmation."""
        return self.plan_batch([grant], now=now, progress=progress)[0]

    def plan_batch(
        self, grants: Sequence[Verified], *, now: dt.datetime, progress: Progress = quiet
    ) -> list[Plan]:
        """Plan many requests: each store is read once for all of them."""
        self._may("run")
        requests = [identity.check(grant, self.ledger, now) for grant in grants]
        subjects = [self.ledger.subject(each.id) for each in requests]
        wishes = [Wish.of(each) for each in requests]
        plans = []
        with survey(self._run.ground(now), subjects, wishes, progress) as found:
            for number, request in enumerate(requests):
                rows = found.steps.rows(number)
                confirmed = confirm(request.id, rows, self.ledger.digester(), now)
                self._propose(request, confirmed)
                stores = found.steps.tallies(number)
                plans.append(Plan(request, confirmed.token, now, stores, found.read[number]))
        return plans

    def _propose(self, request: Request, confirmed: Confirmed) -> None:
        """Keep the plan; unless it is the one confirmed already, somebody must confirm it.

        What the request restricts already stays restricted meanwhile (Art. 18(3)).
        """
        with self.ledger.transaction():
            old = self.ledger.plan(request.id)
            if old is None or old.token != confirmed.token:
                stands = any(each.id == request.id for each, _ in self.ledger.restricting())
                self.ledger.save_plan(request.id, confirmed)
                state: State = "restricted" if stands else "verified"
                self.ledger.set_state(request.id, state, confirmed.at)

    def apply(
        self, grant: Verified, token: str, *, now: dt.datetime, progress: Progress = quiet
    ) -> Receipt:
        """Do what the plan with this `token` says, prove it, and return the signed receipt.

        Again with the same token continues after a crash, and does nothing once all is done.
        Raises `NotConfirmed` when `token` is not that of the last plan, and `PolicyError` as
        `check_policy` does.
        """
        return self.apply_batch([(grant, token)], now=now, progress=progress)[0]

    def apply_batch(
        self,
        grants: Sequence[tuple[Verified, str]],
        *,
        now: dt.datetime,
        progress: Progress = quiet,
    ) -> list[Receipt]:
        """Apply many confirmed plans: each store is read once for all of them."""
        self._may("run")
        self.check_policy(now=now)
        requests = [identity.check(grant, self.ledger, now) for grant, _ in grants]
        for request, (_, token) in zip(requests, grants, strict=True):
            self._check_approved(request, token)
        earlier = {each.id: self._closed(each) for each in requests}
        cases = [
            self._case(request, token)
            for request, (_, token) in zip(requests, grants, strict=True)
            if earlier[request.id] is None
        ]
        with self.ledger.transaction():
            for case in cases:
                self.ledger.set_state(case.request.id, "confirmed", now)
                self.ledger.audit("run started", at=now, request=case.request.id)
        receipts = {r.request: r for r in (apply(self._run, cases, now, progress) if cases else [])}
        with self.ledger.transaction():
            signed = {name: self._finish(receipt, now) for name, receipt in receipts.items()}
        done = {name: receipt for name, receipt in earlier.items() if receipt is not None}
        return [(signed | done)[request.id] for request in requests]

    def export(
        self, grant: Verified, path: Path | Place, *, now: dt.datetime, progress: Progress = quiet
    ) -> Receipt:
        """Write the package of an access or portability request to `path`; return the receipt.

        `path` is a file, or another place (`dsr.delivering`): the package appears there whole or
        not at all. Raises `StoreError` when a recording breaks off while it is read, and
        `PolicyError` as `check_policy` does.
        """
        self._may("run")
        self.check_policy(now=now)
        request = self._exportable(grant, now)
        if receipt := self._closed(request):
            return receipt
        if self.delivery.encrypt and not isinstance(path, Encrypted):
            what = "packages are to be encrypted, and this place does not encrypt"
            raise InputError(what, "export to dsr.package.Encrypted(place, hand, made)")
        self._note_contact(request, now)
        with Package(self._cover(request, now)) as package:
            receipt = fill(package, self._run, request, now, progress)
            info = save(package, path)
            return self._delivered(receipt, package, info, now)

    def stream(self, grant: Verified, *, now: dt.datetime) -> Iterator[bytes]:
        """Return the package in pieces, for a web response; the receipt is in the ledger after.

        Raises as `export` does; a request that was answered already raises `RequestError` at
        once, before any response has begun.
        """
        self._may("run")
        self.check_policy(now=now)
        request = self._exportable(grant, now)
        if self._closed(request):
            what = f"request {request.id} is answered already"
            raise RequestError(what, "open a new one for another copy")
        if self.delivery.encrypt:
            what = "packages are to be encrypted, and a stream is not"
            raise InputError(what, "export to dsr.package.Encrypted(place, hand, made)")
        self._note_contact(request, now)
        return self._pieces(request, now)

    def _pieces(self, request: Request, now: dt.datetime) -> Iterator[bytes]:
        with Package(self._cover(request, now)) as package:
            receipt = fill(package, self._run, request, now)
            info = yield from package.stream()
            self._delivered(receipt, package, info, now)

    def _note_contact(self, request: Request, now: dt.datetime) -> None:
        """Look, while it is known whom the request is about, whether a link may be sent to them."""
        if not self.delivery.contact:
            return
        store = next(each for each in self.stores if each.name == self.accounts)
        subject = self.ledger.subject(request.id)
        event, note = _USABLE, ""
        try:
            delivering.contact(store, subject, request, self.delivery, now)
        except (DeliveryError, StoreError) as error:  # the package goes out another way
            event, note = _UNUSABLE, error.what
        self.ledger.audit(event, at=now, request=request.id, note=note)

    def link(self, request: str, place: Place, *, now: dt.datetime) -> str:
        """Return the secret token of a link to the package of a request, which works once.

        Where the configuration names a contact, it must have been older than the request when
        the package was made (law.md rule 43). Raises `DeliveryError`, and as
        `dsr.delivering.link` does.
        """
        self._may("run")
        told = [each.event for each in self.ledger.entries(request)]
        looked = [each for each in told if each in {_USABLE, _UNUSABLE}]
        if self.delivery.contact and looked[-1:] != [_USABLE]:
            what = f"no link to the package of request {request}: the contact must not be used"
            raise DeliveryError(what, "send the package by post to the address on file")
        expires = self.delivery.expires(now)
        return delivering.link(self.ledger, request, place, expires, now)

    def handover(
        self, grant: Verified, folder: Path, *, now: dt.datetime, progress: Progress = quiet
    ) -> HandedOver:
        """Hand over what is processed for others: a package for each controller, in `folder`.

        It ends the request if that was all that was left of it. Again it writes the same files;
        of a request that is done nothing is left to write. Raises as `dsr.handover.hand_over`
        does, and `PolicyError` as `check_policy`.
        """
        self._may("run")
        self.check_policy(now=now)
        request = identity.check(grant, self.ledger, now)
        if request.state == "done":
            return HandedOver(request)
        made = handover.hand_over(self._run, request, folder, now, progress)
        with self.ledger.transaction():
            handover.record(self.ledger, made, now)
            receipt = self.ledger.receipt(request.id)
            if request.state == "incomplete" and receipt is not None:
                sent = handover.total(made.packages)
                if handover.settled(self.policy, receipt, sent).state != "incomplete":
                    self._finish(evolve(receipt, at=now), now, sent)
        return evolve(made, request=self.ledger.get(request.id))

    def waiting_for_others(self, receipt: Receipt) -> dict[str, int]:
        """Return how many records of each category still have to go to their controllers."""
        sent = handover.handed(self.ledger, receipt.request)
        return handover.waiting(self.policy, receipt, sent)

    def notices(self, folder: Path, *, now: dt.datetime) -> list[Told]:
        """Write the notices that wait for their recipients; as `dsr.notifying.hand_over`."""
        self._may("run")
        return notifying.hand_over(self.policy, self.ledger, folder, now)

    def resume(self, *, now: dt.datetime, progress: Progress = quiet) -> list[Receipt]:
        """Carry on with every confirmed request that is not finished; return their receipts.

        That is after an interrupted run, or when a hold has ended. Does only what was confirmed.
        """
        waiting = []
        for request in self.ledger.requests(states=("confirmed", "incomplete")):
            confirmed = self.ledger.plan(request.id)
            if request.right in WRITES and confirmed:
                waiting.append((self.verified(request.id), confirmed.token))
        return self.apply_batch(waiting, now=now, progress=progress) if waiting else []

    # --- without a request --------------------------------------------------------------

    def sweep(self, *, now: dt.datetime, progress: Progress = quiet, dry: bool = False) -> Swept:
        """Finish what was waiting (`resume`), then delete what is due by the policy's stages.

        Also forgets whom closed requests were about, once no backup holds their data any more.
        With `dry` nothing is changed, and what it returns is what the stages would do. Raises
        as `dsr.sweeping.sweep`, and `PolicyError` as `check_policy` does for `deleting`; where
        the policy stops requests alone, these wait, and that is a problem of what it returns.
        """
        self._may("run")
        self.check_policy(now=now, deleting=True)
        if dry:
            return sweep(self._run, now, progress, dry=True)
        receipts: list[Receipt] = []
        stopped: tuple[str, ...] = ()
        try:
            receipts = self.resume(now=now, progress=progress)
        except PolicyError as error:
            stopped = (f"requests that were waiting still wait: {error}",)
        swept = sweep(self._run, now, progress)
        expired = delivering.expire(self.ledger, now, self.delivery.place)
        self.ledger.forget_counts(now)
        with self.ledger.transaction():
            self.ledger.forget(self._today(now), now)
            self.ledger.audit("routine deletion", at=now)
        problems = (*swept.problems, *expired.problems, *stopped)
        return evolve(swept, resumed=tuple(receipts), problems=problems)

    def replay(
        self,
        *,
        now: dt.datetime,
        since: dt.datetime | None = None,
        progress: Progress = quiet,
    ) -> list[Receipt]:
        """After a backup was restored: do again what was done since it was made (rule 21).

        Returns the signed receipts of this time; as `dsr.replaying.replay`. Raises
        `ConfigurationError` if `backups` is not set: then nobody remembers.
        """
        self._may("run")
        if not self.backups:
            what = "what was erased cannot be erased again: closed requests are forgotten at once"
            raise ConfigurationError(what, "set ledger.backups to how long backups are kept")
        self.check_policy(now=now)
        receipts = replay(self._run, now, since, progress)
        with self.ledger.transaction():
            signed = [self.ledger.save_receipt(each) for each in receipts]
            for each in signed:
                self.ledger.audit("replayed", at=now, request=each.request, note=each.state)
        return signed

    def _today(self, now: dt.datetime) -> dt.date:
        return now.astimezone(self.policy.operator.zone).date()

    # --- holds --------------------------------------------------------------------------

    def add_hold(self, hold: Hold, *, now: dt.datetime) -> Locked:
        """Place a hold, and lock what it covers in the stores that can (S3 Object Lock).

        It counts from the moment that the ledger has it, also for runs under way and for what
        no store locks. Raises `RequestError` if another hold has its id, and `InputError` for one
        that the law does not know, or that contradicts a standing one.
        """
        self._may("hold")
        check_hold(hold, [*self.holds, *self.ledger.holds()], self._today(now))
        self.ledger.add_hold(hold, now)
        return place(self._run, hold, now)

    def release_hold(self, hold: str, *, now: dt.datetime) -> Locked:
        """Release the hold of this id; free in the stores what no other hold covers.

        Nothing is erased by it: `resume` looks at every other reason again. Twice is success.
        Raises `RequestError` if there is none of this id.
        """
        self._may("hold")
        standing = next((each for each in self.ledger.holds() if each.id == hold), None)
        freed = lift(self._run, standing, now) if standing else Locked()
        self.ledger.release_hold(hold, now)
        return freed

    def lock_held(self, *, now: dt.datetime) -> Locked:
        """Lock again what holds cover: what was recorded since they were placed, too."""
        self._may("hold")
        found = [place(self._run, each, now) for each in self._run.ground(now).standing]
        stores = sorted({store for each in found for store in each.stores})
        return Locked(
            {store: sum(each.stores.get(store, 0) for each in found) for store in stores},
            tuple(dict.fromkeys(problem for each in found for problem in each.problems)),
        )

    # --- decisions of a person ------------------------------------------------------------

    def lift(
        self, request: str, *, told: dt.date | None, by: str, now: dt.datetime
    ) -> deciding.Decided:
        """Lift a restriction of which the person was told before; as `dsr.deciding.lift`."""
        self._may("run")
        return deciding.lift(self._run, request, told, by, now)

    def decide(
        self,
        request: str,
        outcome: Outcome,
        *,
        by: str,
        now: dt.datetime,
        told: dt.date | None = None,
    ) -> deciding.Decided:
        """Decide an objection or a dispute; as `dsr.deciding.decide`."""
        self._may("run")
        return deciding.decide(self._run, request, outcome, told=told, by=by, now=now)

    @property
    def _run(self) -> Stores:
        return Stores(self.stores, self.policy, self.ledger, self.holds, self.executor)

    def _cover(self, request: Request, now: dt.datetime) -> Cover:
        return Cover.of(self.policy, request, now)

    def _case(self, request: Request, token: str) -> Case:
        if request.right not in WRITES:
            what = f"request {request.id} asks for {request.right}, which changes nothing"
            raise InputError(what, "export it instead")
        confirmed = self.ledger.plan(request.id)
        if confirmed is None or not secrets.compare_digest(confirmed.token, token):
            what = f"request {request.id} is not confirmed"
            raise NotConfirmed(what, "plan it, look at the plan, and pass the plan's token")
        permit = Permit(confirmed, self.ledger.digester())
        return Case(request, self.ledger.subject(request.id), permit)

    def _exportable(self, grant: Verified, now: dt.datetime) -> Request:
        request = identity.check(grant, self.ledger, now)
        if request.right in WRITES:
            what = f"request {request.id} asks for {request.right}, not for a package"
            raise InputError(what, "plan and apply it instead")
        return request

    def _closed(self, request: Request) -> Receipt | None:
        """Return the receipt of a request that needs nothing more: doing it again does nothing."""
        return self.ledger.receipt(request.id) if request.state == "done" else None

    def _delivered(
        self, receipt: Receipt, package: Package, info: PackageInfo, now: dt.datetime
    ) -> Receipt:
        """Complete the receipt with what the package turned out to hold."""
        for gap in package.gaps:
            receipt = with_gap(receipt, gap)
        gaps = any(tally.gaps for each in receipt.stores.values() for tally in each.values())
        receipt = evolve(receipt, package=info, state="incomplete" if gaps else "done")
        return self._finish(receipt, now)

    def _finish(
        self, receipt: Receipt, now: dt.datetime, sent: Mapping[str, int] | None = None
    ) -> Receipt:
        """Sign and keep the receipt; forget the person when nothing is left to do.

        What is kept for controllers is left to do until it was handed over to them.
        """
        if sent is None and handover.waiting(self.policy, receipt, {}):
            sent = handover.handed(self.ledger, receipt.request)
        receipt = handover.settled(self.policy, receipt, sent or {})
        if receipt.state == "done" and self._restricts(receipt):
            receipt = evolve(receipt, state="restricted")
        with self.ledger.transaction():
            notifying.tell(self.policy, self.ledger, receipt, now)
            signed = self.ledger.save_receipt(receipt)
            if receipt.state == "done":
                self.ledger.close(receipt.request, "done", now, self._forget_on(receipt, now))
            else:
                self.ledger.set_state(receipt.request, receipt.state, now)
            self.ledger.audit("run ended", at=now, request=receipt.request, note=receipt.state)
        return signed

    def _forget_on(self, receipt: Receipt, now: dt.datetime) -> dt.date | None:
        """Return the day on which no backup holds what a request changed; None: at once."""
        if not self.backups or receipt.right not in WRITES:
            return None
        return self._today(now) + period(self.backups)

    def _restricts(self, receipt: Receipt) -> bool:
        """Return whether data stays restricted because of the request (GDPR Art. 18).

        That is until somebody decides it, also where another request restricted the data before.
        """
        request = self.ledger.get(receipt.request)
        if request.outcome or request.right not in {"restriction", "objection", "rectification"}:
            return False
        if request.right == "rectification":
            return self.ledger.is_noted_by(request.id)
        stays = self._run.restricted(request)
        return any(
            tally.do.get("restrict") or tally.do.get("unchanged")
            for each in receipt.stores.values()
            for name, tally in each.items()
            if not stays or name in stays
        )
