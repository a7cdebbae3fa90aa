"""Mutants: each protection switched off, one at a time, and the named test that must turn red with it.

A test suite is worth what it notices. Read in this order: `mutant` (what one is), `reading`, `writing` and
`deferring` (all of them), `rewriting` (a module loaded with one of its definitions changed; no file is touched),
`plugin` (the same for pytest), `trial` (one test in a process of its own), `__main__` (`make mutants`).
"""
