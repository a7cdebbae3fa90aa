"""Problems that more than one rule of funding reports."""

from samenspel.contracts.problems import Problem


def already_exists(field: str, kind: str, name: str) -> Problem:
    return Problem(
        code="already-exists",
        field=f"/{field}",
        detail=f"{kind} {name} exists already",
        fix=f"Generate a new id (UUID) for a new {kind}.",
    )


def missing(field: str, detail: str, fix: str) -> Problem:
    return Problem(code="missing-field", field=f"/{field}", detail=detail, fix=fix)


def invalid(field: str, detail: str, fix: str) -> Problem:
    return Problem(code="invalid-field", field=f"/{field}", detail=detail, fix=fix)
