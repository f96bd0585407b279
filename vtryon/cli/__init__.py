"""The command line: files of one or two verbs, and `app`, which offers them all."""

from vtryon.cli.app import main

__all__ = ["main"]
