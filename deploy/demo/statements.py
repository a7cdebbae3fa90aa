"""Submissions per party, in the batches that the demo submits one after the other.

The submissions depend only on the sample, so that a second run sends repeats that the services recognise.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from samenspel.client.submit.statements import Statement, statement
from samenspel.contracts.catalogue import SUBMISSIONS
from samenspel.contracts.values import Model

from deploy.demo import deals, initiatives
from deploy.demo.sample import Deal, Sample

StatementsByParty = Mapping[str, Sequence[Statement]]
"""Submissions in order, by party key."""
MINISTRY: Final = "BZK"
TYPE_OF: Final = {kind.model: name for name, kind in SUBMISSIONS.items()}


class Statements:
    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._tranche = {each.tranche: each for each in sample.tranches}
        self._invented = next(each for each in sample.deals if each.evidence == "invented")

    def programmes(self) -> StatementsByParty:
        """The ministry opens the tranches."""
        return self._per_party((MINISTRY, deals.programme_opened(each)) for each in self._sample.tranches)

    def applications(self, tranches: Collection[int]) -> StatementsByParty:
        """The cashiers of the real deals of these tranches apply."""
        return self._per_party(
            (each.cashier, deals.application_submitted(each)) for each in self._sourced_deals(tranches)
        )

    def decisions(self, tranches: Collection[int]) -> StatementsByParty:
        """The ministry grants the real deals of these tranches."""
        return self._per_party((MINISTRY, self._decided(each)) for each in self._sourced_deals(tranches))

    def extra_application(self) -> StatementsByParty:
        """An invented application in a tranche without available amount, for an unregistered initiative."""
        cashier = self._invented.cashier
        initiative = next(idea for idea in self._sample.ideas if idea.lead == cashier)
        return self._per_party([(cashier, deals.application_submitted(self._invented, initiative))])

    def extra_decision(self) -> StatementsByParty:
        """The ministry's decision to grant the invented application."""
        return self._per_party([(MINISTRY, self._decided(self._invented))])

    def registrations(self) -> StatementsByParty:
        """The leads register their initiatives."""
        oins = {key: party.oin for key, party in self._sample.parties.items()}
        return self._per_party(
            (idea.lead, initiatives.initiative_registered(idea, [oins[partner] for partner in idea.partners]))
            for idea in self._sample.ideas
        )

    def rollouts(self) -> StatementsByParty:
        """Cities adopt initiatives of other cities and report milestones; leads submit phase changes."""
        adopted = (
            (adoption.adopter, each)
            for idea in self._sample.ideas
            for adoption in idea.rollouts
            for each in initiatives.rollout_statements(idea, adoption)
        )
        moved = ((idea.lead, each) for idea in self._sample.ideas for each in initiatives.phase_changes(idea))
        return self._per_party([*adopted, *moved])

    def _sourced_deals(self, tranches: Collection[int]) -> Iterator[Deal]:
        return (each for each in self._sample.deals if each.tranche in tranches and each is not self._invented)

    def _decided(self, deal: Deal) -> Model:
        return deals.application_decided(deal, self._tranche[deal.tranche])

    def _per_party(self, made: Iterable[tuple[str, Model]]) -> StatementsByParty:
        found: dict[str, list[Statement]] = {}
        for key, data in made:
            oin = self._sample.parties[key].oin
            stated = statement(oin, TYPE_OF[type(data)], data.model_dump(mode="json", exclude_defaults=True))
            found.setdefault(key, []).append(stated)
        return found
