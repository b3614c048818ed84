"""Asterisk and FreePBX: call records, CEL, queue log, voicemail, recordings, endpoints."""
