"""Fail points. Each call names the await after it.

A no-op in production; tests kill the process before that await or drop its reply.
"""

from collections.abc import Callable


def _no_op(name: str) -> None: ...


reached: Callable[[str], None] = _no_op
"""Called as ``failpoints.reached("ingress.commit")``; a test replaces the function in a separate process."""
