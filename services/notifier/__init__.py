"""The notifier: tells every organisation what has happened, by webhook or by feed, on one cursor.

It owns `samenspel.notifications` and follows all canonical topics. Read in this order: `cursor` (where a reader
stands), `feed` (what there is to tell), `domain` (who is told what, and when again), `deliveries` (what is still to
be told), `addresses` and `signing` (to whom it may be told, and how they know that it was us), `sender` (telling
it) and `outcomes` (what came of that).
"""
