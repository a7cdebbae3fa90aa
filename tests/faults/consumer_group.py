"""Who reads the ingress topics of the registry, as Kafka tells it."""

import asyncio
from typing import Final

from deploy.local.system import LocalSystem

GROUP: Final = "samenspel-registry-ingress"
Assignment = dict[str, set[str]]
"""The topics that each member of a group reads."""


class Group:
    """One admin for all questions: an admin that Python collects amid another one's answer aborts the process."""

    def __init__(self, system: LocalSystem) -> None:
        self._admin = system.kafka.admin()

    async def members(self) -> Assignment:
        described = self._admin._client.describe_consumer_groups([GROUP])[GROUP]
        group = await asyncio.to_thread(described.result, 10)
        return {
            member.member_id: {each.topic for each in member.assignment.topic_partitions} for member in group.members
        }

    async def is_shared(self) -> Assignment:
        """What each of two members reads; nothing while it is being shared out."""
        members = await self.members()
        return members if len(members) == 2 and all(members.values()) else {}
