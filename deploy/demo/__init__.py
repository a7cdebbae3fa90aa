"""``samenspel demo``: what Samenspel is for, played in half a minute on a system that stays up.

Read in this order: `sample` (what is played with, and where it comes from), `deals` and `initiatives` (what is
stated of it), `statements` (in which portions), `story` (the acts), `outcome` (what must hold in the end).
"""

from deploy.demo.command import app

__all__ = ["app"]
