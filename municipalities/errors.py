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


class UnprovenError(TemporaryError):
    """The receiver does not believe that it is we who speak: a clock is wrong or keys differ.

    Temporary, because every attempt is signed anew, with the time of sending and the keys of that moment: a clock that
    is set right or a key that arrives cures it without a person. When it never does, the receiver has refused.
    """

    code = "E114"


class RefusedError(DeliveryError):
    """The receiver refused for good; sending the same bytes again would not help."""

    code = "E100"


class UnfitError(DeliveryError):
    """The notice does not fit the receiver's layout: a person must decide what to write."""

    code = "E130"
