"""`python -m dsr`: the command line."""

from __future__ import annotations

from dsr.cli import main

if __name__ == "__main__":
    main(prog_name="dsr")
