"""A following replica. For each event it notes the times of recording by the owner and of the commit here."""

import signal
import sqlite3
import sys
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from samenspel.client.access.profile import Profile
from samenspel.client.replica import ReplicaStore, sync_over_kafka


class NotingStore(ReplicaStore):
    """A store with a clock reading after each commit."""

    delays: list[tuple[float, float]]

    def commit(self, copy: Any) -> int:
        done = super().commit(copy)
        now = time.time()
        if done:
            newest = self.query("select time from event order by rowid desc limit ?", done)
            self.delays += [(datetime.fromisoformat(row[0]).timestamp(), now) for row in newest]
        return done


def follow(database: Path, organisation: str) -> None:
    profile = Profile.find()
    with NotingStore(database, create=True) as store:
        store.delays = []
        sync_over_kafka(profile, organisation, store)
        store.delays.clear()
        print("following", flush=True)
        with suppress(KeyboardInterrupt):
            sync_over_kafka(profile, organisation, store, follow=True)
    with sqlite3.connect(database) as connection:
        connection.execute("create table delay (time real, applied_at real)")
        connection.executemany("insert into delay values (?, ?)", store.delays)


if __name__ == "__main__":
    # A shell that starts the benchmark in the background makes its processes ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    follow(Path(sys.argv[1]), sys.argv[2])
