"""``make plans``: every SQL statement on a short and a long history; prints the statements that read the most rows.

``ROWS`` is the number of rows per table of the long history. Ends with 1 when a statement reads more rows there.
"""

import asyncio
import os
import sys
from typing import Final

from tests.plans.exceptions import ROWS as EXPECTED
from tests.plans.exceptions import statement_of
from tests.plans.growth import growing, rows_of_statements
from tests.plans.history import history
from tests.plans.statements import all_statements
from tests.support.postgres import postgres_server

FEW: Final = 10_000
MANY: Final = int(os.environ.get("ROWS", "1000000"))
SHOWN: Final = 20


async def _measured(server: str, rows: int) -> dict[str, int]:
    print(f"filling each table with {rows:,} rows", file=sys.stderr)
    async with history(server, rows) as made, made.connect() as connection:
        return await rows_of_statements(connection, all_statements())


def main() -> int:
    with postgres_server() as server:
        few, many = (asyncio.run(_measured(server, rows)) for rows in (FEW, MANY))
    for name in sorted(many, key=lambda name: -many[name])[:SHOWN]:
        reason = EXPECTED.get(statement_of(name), "")
        print(f"{few.get(name, 0):>9,} {many[name]:>9,}  {name}  {reason}")
    found = {name: rows for name, rows in growing(few, many).items() if statement_of(name) not in EXPECTED}
    for name, (before, after) in found.items():
        print(f"{name} reads {after:,} rows instead of {before:,}", file=sys.stderr)
    print(f"plans: {len(many)} samples, {len(found)} read more rows on {MANY:,} than on {FEW:,} rows per table")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
