"""Records to the ZIP that a person receives, and the letters that go with an answer."""

from dsr.package.cover import Cover
from dsr.package.letters import extension, letter, refusal
from dsr.package.package import Package
from dsr.package.save import save

__all__ = ["Cover", "Package", "extension", "letter", "refusal", "save"]
