"""Simulated towns: one process that plays municipalities' systems to talk to, over real HTTP on loopback.

It knows what a real town would know: the records it was handed, in its own layout, and its own books.
``town.py`` says who is played, ``clerk.py`` how a careful clerk answers, ``faults.py`` how else a town can
behave, ``script.py`` when. ``intake.py`` takes records in, from ``server.py`` (push), ``fetch.py`` (pull) or
``tray.py`` (folder), ``counter.py`` is what persons say; ``desk.py`` sends the answers, written by ``letters.py``
as JSON or in the town's own layout; ``ledger.py`` remembers all of it across kill -9, ``page.py`` shows it.
"""
