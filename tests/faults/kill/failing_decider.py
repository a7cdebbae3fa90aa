"""A service with failing decisions for some subjects, until repaired; and the operator's retry after the repair."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from samenspel.client.access.errors import EnvironmentUnavailable, RequestRefused
from samenspel.client.access.profile import System
from samenspel.client.admin.quarantine import QuarantineClient
from samenspel.contracts.topics import DOMAIN_OF, ingress

from tests.faults.kill.harness import PATIENCE, Stage
from tests.support.organisations import operator_of
from tests.support.waiting import eventually

STUMBLE: Final = """
create table if not exists stumbling (subject text primary key);
create or replace function stumble() returns trigger language plpgsql as $$ begin
  if exists (select from stumbling where subject = new.subject) then
    raise exception 'stumbles on %', new.subject;
  end if;
  return new;
end $$;
create or replace trigger stumble before insert on aggregate for each row execute function stumble();
"""
BEGIN: Final = "insert into stumbling select unnest($1::text[])"
MEND: Final = "delete from stumbling where subject = any($1)"
OPEN: Final = "select number from quarantined where topic = $1 and open order by number"


async def can_stumble(stage: Stage) -> None:
    """From now on the service's database may refuse the state of some subjects."""
    await stage.database.execute(STUMBLE)


@asynccontextmanager
async def stumbling(stage: Stage, subjects: Sequence[str]) -> AsyncIterator[None]:
    """Deciding on these breaks."""
    await stage.database.execute(BEGIN, subjects)
    try:
        yield
    finally:
        await stage.database.execute(MEND, subjects)


async def retry(stage: Stage, wanted: str) -> None:
    """Retry quarantined records repeatedly, as an operator without a reply must.

    ``wanted`` lists the expected outcomes. A record retried at the moment of death may be resolved already; a
    submission posted at this moment may have been posted again.
    """
    topic = ingress(DOMAIN_OF[stage.service], stage.organisation.oin)
    urls = System(kafka=stage.system.profile.system().kafka, http=stage.system.services.urls())
    client = QuarantineClient(urls, operator_of(stage.system).credential, stage.service)
    for row in await stage.database.fetch(OPEN, topic):

        async def is_acted(number: int = row["number"]) -> bool:
            try:
                outcome = await client.act(number, "retry", "")
            except (EnvironmentUnavailable, RequestRefused) as error:
                assert "resolved before" in str(error), error
                return True
            if outcome not in (wanted, "repeated"):
                raise RuntimeError(f"{outcome}, not {wanted}")
            return True

        await eventually(is_acted, PATIENCE, f"{wanted} by the operator")
