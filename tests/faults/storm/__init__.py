"""A storm over the whole system: random kills, stops and disconnections while organisations submit.

`plan` counts the faults, `harness` builds the system (`instances` the processes), `faults` strikes. `submitters`
submit the events of `event_sources` by the functions of `submitting`. `watcher` records the canonical events,
`director` runs the storm, `hostile` floods meanwhile, and `verdict` judges the result.
"""
