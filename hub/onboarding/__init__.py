"""Connecting one municipality, step by step: layout, address and keys, test, conformance, shadow run, first day.

``facts`` gathers what is known about towns, ``steps`` says from it where each stands (pure), ``services`` does what an
operator asks for, ``work`` what takes long, in a worker. Nothing here goes live by itself: ``hub.shadow.cutover`` does.
"""
