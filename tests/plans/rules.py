"""Rules for a plan on a long history: the parts of a plan whose cost grows with the history."""

from collections.abc import Iterator, Set
from typing import Any, Final

Plan = dict[str, Any]

LARGE: Final = 10_000
"""Rows from which a table, or the input of a sort, counts as large."""
SORTS: Final = {"Sort", "Hash", "WindowAgg", "Materialize", "Memoize"}
LIMITS: Final = {"Limit", "LockRows", "Result", "Append", "Merge Append", "Subquery Scan", "Incremental Sort"}
"""Nodes that read no more than the node above wants."""


def problems(node: Plan, large: Set[str], limited: bool = False) -> Iterator[str]:
    """The problems of a plan and its parts; ``large`` names the large tables."""
    yield from _problems_of_scan(node, large, limited)
    yield from _problems_of_join(node)
    is_limited = node["Node Type"] == "Limit" or (limited and node["Node Type"] in LIMITS)
    for number, child in enumerate(node.get("Plans", ())):
        if _is_kept(node, limited) and child["Plan Rows"] > LARGE:
            yield f"{node['Node Type']} of many rows"
        is_outer = limited and node["Node Type"] == "Nested Loop" and number == 0
        yield from problems(child, large, is_limited or is_outer)


def _is_kept(node: Plan, limited: bool) -> bool:
    """Whether the node keeps all rows below before the first row goes on."""
    kind = node["Node Type"]
    return kind in SORTS or node.get("Strategy") == "Hashed" or (kind == "Incremental Sort" and not limited)


def _problems_of_scan(node: Plan, large: Set[str], limited: bool) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name", "")
    if "Scan" not in kind or (table and table not in large) or kind in ("Bitmap Heap Scan", "CTE Scan"):
        return
    if kind == "Seq Scan":
        yield f"Seq Scan of {table}"
    elif kind in ("Index Scan", "Index Only Scan", "Bitmap Index Scan"):
        index = node["Index Name"]
        if "Index Cond" not in node and not limited:
            yield f"{kind} of all of {index}"
        elif node["Plan Rows"] > LARGE and not limited:
            yield f"{kind} of a large part of {index}"


def _problems_of_join(node: Plan) -> Iterator[str]:
    if node["Node Type"] == "Nested Loop" and "Join Filter" in node:
        outer, inner = (child["Plan Rows"] for child in node["Plans"][:2])
        if outer * inner > LARGE * 10:
            yield "Nested Loop without an index"
