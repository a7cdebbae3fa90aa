"""Protections of the cost of statements: each form or index that keeps a statement from reading the history."""

from typing import Final

from tests.mutants.mutant import Mutant

_PLANS: Final = "tests/integration/test_sql_plans.py::test_no_plan_grows_with_the_history"

PLANNING: Final = (
    Mutant(
        "scans-the-feed-for-deliveries",
        "services.notifier.deliveries.queue:INSERT_DELIVERIES",
        " order by f.sequence offset 0) f",
        ") f",
        _PLANS,
    ),
    Mutant(
        "scans-the-feed-for-a-page",
        "services.notifier.feed:READ",
        " order by f.sequence offset 0) f",
        ") f",
        _PLANS,
    ),
    Mutant(
        "scans-all-initiatives",
        "services.registry.store:_page",
        "not removed offset 0) a",
        "not removed) a",
        _PLANS,
    ),
    Mutant(
        "reads-all-initiatives-of-other-themes",
        "services/registry/migrations/0002_pages.sql",
        "create index initiative_index_theme_page on initiative_index (theme, initiative_id);",
        "",
        "tests/integration/test_sql_plans.py::test_rows_read_are_as_many_on_a_longer_history",
    ),
    Mutant(
        "reads-cursors-that-do-not-lag",
        "services.notifier.deliveries.queue:LAGGING_CURSORS",
        " and not c.pull",
        "",
        _PLANS,
    ),
    Mutant(
        "looks-for-claims-of-every-delivery",
        "services/notifier/migrations/0005_active_work.sql",
        "create index delivery_holder on delivery (holder) where holder is not null;",
        "",
        _PLANS,
    ),
    Mutant(
        "counts-resolved-records",
        "samenspel.messaging.inbox.quarantine:COUNT",
        "(select count(*) from open_quarantine o where o.reason = k.reason)",
        "(select count(*) from quarantined o where o.reason = k.reason and open)",
        _PLANS,
    ),
    Mutant(
        "leaves-dead-deliveries",
        "services/notifier/migrations/0005_active_work.sql",
        "alter table delivery set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,",
        "alter table delivery set (",
        "tests/integration/services/notifier/deliveries/test_queue_bloat.py"
        "::test_queue_that_was_filled_and_cancelled_stays_small",
    ),
)
