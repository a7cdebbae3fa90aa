"""The members of the registry's ingress consumer group, from Kafka."""

import asyncio
from typing import Final

from deploy.local.system import LocalSystem

GROUP: Final = "samenspel-registry-ingress"
Assignment = dict[str, set[str]]
"""The topics read by each member of a group."""


class Group:
    """A single admin client for all questions: collecting another client during a request aborts the process."""

    def __init__(self, system: LocalSystem) -> None:
        self._admin = system.kafka.admin()

    async def members(self) -> Assignment:
        described = self._admin._client.describe_consumer_groups([GROUP])[GROUP]
        group = await asyncio.to_thread(described.result, 10)
        return {
            member.member_id: {each.topic for each in member.assignment.topic_partitions} for member in group.members
        }

    async def is_shared(self) -> Assignment:
        """The topics of each of two members; empty during a rebalance."""
        members = await self.members()
        return members if len(members) == 2 and all(members.values()) else {}
