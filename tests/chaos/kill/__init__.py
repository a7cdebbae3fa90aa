"""Kill points: every await on the path of a fact, and what happens when the process dies there.

Read in this order: `catalogue` (the points), `lives` (processes that stop at one), `answers` (answers that are lost),
`stage` (one service and its surroundings), `stumbling` (what it breaks on), `works` (what is submitted meanwhile),
`log` and `judge` (what must hold), `runner` (one run after the other).
"""
