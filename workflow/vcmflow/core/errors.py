"""The one exception that a user is meant to read."""

from __future__ import annotations


class VcmflowError(Exception):
    """Bad input or a failed external program, told in one line.

    The message names what is wrong, where (key or file), what is allowed, and what to do about it.
    The command line prints it without a traceback and exits with status 2.
    """
