"""Kill points: every await on the path of an event, and the effect of a process death there.

Read in this order: `catalogue` (the points), `forked_service` (processes with a stop at a point), `losing_proxy`
(lost replies), `harness` (a service with an environment), `failing_decider` (submissions with failing decisions),
`submissions` (the load), `lane_log` and `judge` (the invariants), `runner` (run after run).
"""
