"""The stores that dsr itself can read: one room a kind, and what several of them share.

`sql` (tables of any database), `logs`, `s3`, `files`, `vcards` and `voicemail` (Asterisk's spool)
each offer `from_config`, which the entry points of the group `dsr.connectors` name. They do not
know each other. The modules beside them are shared: whose a path or key is (`keys`, `lookup`,
`stems`, `dates`), folders and files (`disk`, `listing`, `replacing`), and retention (`aging`).
Nothing here decides anything: what may be done to a record is the engine's to say.
"""
