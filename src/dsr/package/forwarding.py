"""What a controller receives of a request: its data of the person, and what they ask for.

The operator processes that data for the controller, who decides and answers (GDPR Arts. 4(7),
28(3)(e); law.md rule 37). The package is that of an answer, with other papers: a letter, and
`request.json` for programs, instead of a page and a letter for the person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from attrs import evolve

from dsr.model import Subject
from dsr.package.cover import Cover
from dsr.package.package import Package
from dsr.package.pages import page
from dsr.package.writer import Writer

__all__ = ["Handover"]


class Handover(Package):
    """The package for one controller; used as a `Package` is."""

    _explained = "handover.readme"

    def __init__(
        self, cover: Cover, controller: str, subject: Subject, changes: Mapping[str, str]
    ) -> None:
        """Start an empty package for `controller` in the operator's first language.

        `subject` is the person who asks; `changes` are the corrections that concern this data.
        """
        language = cover.operator.languages[0]
        told = evolve(cover.request, language=language, changes=changes)
        super().__init__(evolve(cover, request=told))
        self._asked_in = cover.request.language
        self._controller = controller
        self._subject = subject

    @property
    def _title(self) -> str:
        return self._text("handover.subject")

    def _papers(self, writer: Writer) -> Iterator[bytes]:
        yield from writer.file("request.json", [self._document()])
        letter = page(
            "handover.html",
            self._cover,
            controller=self._controller,
            records=[(each.title, each.table.count) for each in self._tables.values()],
            identifiers=self._subject.identifiers,
            changes=self._cover.request.changes,
            due=self._text.date(self._cover.request.due),
        )
        yield from writer.file("letter.html", [letter.encode(errors="replace")])

    def _document(self) -> bytes:
        request, operator = self._cover.request, self._cover.operator
        document = {
            "request": request.id,
            "right": request.right,
            "ground": request.ground,
            "received": request.received,
            "due": request.due,
            "language": self._asked_in,
            "changes": dict(request.changes),
            "person": [
                {"kind": each.kind, "value": each.value, "since": each.since, "until": each.until}
                for each in self._subject.identifiers
            ],
            "controller": self._controller,
            "processor": {
                "name": operator.legal_name or operator.name,
                "contact": operator.contact,
                "dpo": operator.dpo,
            },
            "made": self._cover.made,
            "records": {name: each.table.count for name, each in self._tables.items()},
        }
        return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
