"""Errors that end a demo early."""

from deploy.local.errors import LocalSystemError


class DemoFailed(LocalSystemError):
    """A step of the demo failed; the text is one sentence for the user."""
