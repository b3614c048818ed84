"""Kamailio: accounting, subscribers, locations (removed from memory, too), logs."""
