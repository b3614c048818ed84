"""Categories, retention, holds, deadlines, roles: pure functions, no I/O."""
