"""Check of the keys of submission hashes, for ``/readyz`` and the metrics."""

from collections.abc import Iterable, Sequence

from samenspel.contracts.catalogue import SubmissionType
from samenspel.contracts.submission_hashes import HashKeyMissing, HashKeys, missing_key
from samenspel.messaging.inbox import keyed_answers
from samenspel.runtime import metrics
from samenspel.runtime.postgres import Connection


class HashKeyCheck:
    """The keys of a service, and the problems of missing keys. ``types`` are the submission types of the service."""

    def __init__(self, keys: HashKeys, types: Iterable[SubmissionType]) -> None:
        self.keys = keys
        self._needs_key = any(each.has_private_part for each in types)
        self._missing: Sequence[str] = ()

    async def refresh(self, connection: Connection) -> None:
        """Look up the former keys that stored answers need."""
        self._missing = await keyed_answers.missing_keys(connection, self.keys)
        metrics.HASH_KEYS_MISSING.set(len(self.problems()))

    def problems(self) -> dict[str, str]:
        """The missing keys, each with the remedy; empty if no key is missing."""
        found = {f"submission hash key {key_id}": missing_key(key_id) for key_id in self._missing}
        return found | (self._problem_without_key() if self._needs_key else {})

    def _problem_without_key(self) -> dict[str, str]:
        try:
            self.keys.require_current()
        except HashKeyMissing as missing:
            return {"submission hash key": str(missing)}
        return {}
