"""Conformance kit: plays the hub towards a vendor's adapter, push or pull, and grades what it sees.

Plain Python without anything to install, so that the folder can be copied out or built as a wheel of its own:
``python -m municipalities.conformance URL`` (or ``hikkoshi-conformance URL``). ``hub.py`` is the counterpart the
adapter talks to, ``adapter.py`` the line to the adapter, ``checks.csv`` says what is asked, why, and what to do
when it is not met, ``records.py`` and ``lines.py`` how it is found out, ``kit.py`` runs and grades.
``reference_adapter.py`` is an adapter to copy from, with its HTTP in ``reference_line.py`` (file towns:
``reference_files.py``); it gets grade A.
"""
