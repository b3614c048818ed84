"""Data-protection requests of telephony customers, fulfilled."""
