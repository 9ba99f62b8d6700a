"""Errors of telling a municipality, named by what the hub does next.

``code`` is the error catalogue's code (``hub/data/errors.csv``), ``pointer`` the JSON pointer or item
name of the offending field.
"""


class DeliveryError(Exception):
    """A notice could not be handed over; subclasses say what happens next."""

    code = "E900"

    def __init__(self, detail: str, *, code: str = "", pointer: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.pointer = pointer


class TemporaryError(DeliveryError):
    """Try again later: the line is down, the receiver is busy, locked or closed."""

    code = "E900"

    def __init__(self, detail: str, *, code: str = "", pointer: str = "", retry_after: float | None = None) -> None:
        super().__init__(detail, code=code, pointer=pointer)
        #: Seconds the receiver asked us to wait (RFC 9110 Retry-After), if it did.
        self.retry_after = retry_after


class RefusedError(DeliveryError):
    """The receiver refused for good; sending the same bytes again would not help."""

    code = "E100"


class UnfitError(DeliveryError):
    """The notice does not fit the receiver's layout: a person must decide what to write."""

    code = "E130"
