"""FusionPBX and FreeSWITCH: call records with all their copies, contacts, voicemail, recordings."""
