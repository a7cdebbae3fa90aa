"""Kill points: every await on the path of an event, and the effect of a process that dies there.

Read in this order: `catalogue` (the points), `forked_service` (processes that stop at a point), `losing_proxy` (lost
replies), `harness` (one service and its environment), `failing_decider` (submissions whose decision fails),
`submissions` (the load), `lane_log` and `judge` (the invariants), `runner` (one run after the other).
"""
