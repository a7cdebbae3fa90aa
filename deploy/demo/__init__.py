"""``samenspel demo``: real Regio Deals through all parties in half a minute, on a local system that keeps running.

Read in this order: `sample` (the data and its sources), `deals` and `initiatives` (the submissions), `statements`
(batches of submissions per party), `story` (the steps), `outcome` (the checks of the result).
"""

from deploy.demo.command import app

__all__ = ["app"]
