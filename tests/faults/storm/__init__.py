"""A storm over the whole system: processes are killed, stopped and cut off at random while organisations submit.

`plan` counts the faults, `harness` builds the system (`instances` its processes), `faults` strikes.
`submitters` submit the events of `event_sources` by the functions of `submitting`.
`watcher` records the canonical events, `director` runs the storm, and `verdict` judges the result.
"""
