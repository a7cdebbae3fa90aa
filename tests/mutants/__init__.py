"""Mutants: each protection switched off, in turn, and the named test required to turn red.

A test suite is worth as much as the faults it notices. Read in this order: `mutant` (the type), `reading`, `writing`
and `deferring` (the mutants), `rewriting` (a module loaded with a changed definition; no file is touched), `plugin`
(the same for pytest), `trial` (a test in a separate process), `__main__` (`make mutants`).
"""
