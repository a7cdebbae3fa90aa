"""Names for the moments at which a process may die: each is that of the await that follows it.

Free in production. Tests put a knife here: the process dies before that await, or its answer is lost.
"""

from collections.abc import Callable


def _no_op(name: str) -> None: ...


reached: Callable[[str], None] = _no_op
"""Called as ``points.reached("ingress.commit")``; a test replaces it in a process of its own."""
