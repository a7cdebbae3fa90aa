"""A storm over the whole system: everything is killed, stopped and cut off at random while organisations submit.

`plan` says what strikes how often, `stage` is what it strikes (`fleet` its processes), `faults` how; `crowd` submits
what `sources` make, over the doors in `submitting`; `watcher` sees what becomes of it; `director` lets it happen and
`verdict` judges afterwards.
"""
