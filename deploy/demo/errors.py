"""What ends a demo early."""

from deploy.local.errors import LocalSystemError


class DemoFailed(LocalSystemError):
    """Something that the demo shows did not happen; its text is one sentence that says what."""
