"""Whose law binds: the states of the European Economic Area, where the GDPR is law."""

from __future__ import annotations

from typing import Final

__all__ = ["EEA", "is_member_state_law"]

#: ISO 3166-1 alpha-2. The GDPR applies in the 27 Member States, and by the EEA Agreement
#: (Joint Committee Decision No 154/2018) in Iceland, Liechtenstein and Norway.
EEA: Final = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
        *("IS", "LI", "NO"),
    }
)


def is_member_state_law(jurisdiction: str) -> bool:
    """Return whether a duty under this law (`EU`, or a country) counts in Art. 17(3)(b) GDPR."""
    return jurisdiction.strip().upper() in EEA | {"EU"}
