"""The design one would write without this project: a task per delivery, serializers, a save per attempt.

The code is kept as it would stand in an ordinary project: Django REST framework validates and renders, Celery
carries one task per delivery with retries by countdown, ``requests.post`` sends, and the ORM saves each attempt.
It is spared whatever the product does besides: authentication, idempotency keys, encryption, audit, row-level
security, order per person, the towns' own layouts. What it is compared with is therefore dearer by these.
"""
