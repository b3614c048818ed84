"""Every test of the command line has an operator to work at."""

from tests.cli.office import office, template

__all__ = ["office", "template"]
