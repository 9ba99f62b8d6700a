"""JSON in and out by msgspec; the parser only checks type, charset and size, views decode into records."""

from typing import IO, Any

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from hub.catalogue import refuse


class RecordParser(BaseParser):
    """Hands the raw body of ``application/json`` in UTF-8 to the view, and refuses everything else."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the body as bytes; E103 for another charset, E105 when it is too large."""
        request = (parser_context or {})["request"]._request
        charset = request.content_params.get("charset", "utf-8").strip('"').lower()
        if charset not in ("utf-8", "utf8"):
            raise refuse("E103", detail="Only UTF-8 is accepted.")
        return body_of(request)


def body_of(request: Any) -> bytes:
    """Read a request's body, at most as many bytes as the setting allows."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        body: bytes = request.body
    except RequestDataTooBig:
        raise refuse("E105", detail=f"At most {limit} bytes.") from None
    return body


class LayoutParser(BaseParser):
    """Hands the raw body in any other media type to a view that takes a town's own layout."""

    media_type = "*/*"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the body as bytes; E105 when it is too large."""
        return body_of((parser_context or {})["request"]._request)


class RecordRenderer(BaseRenderer):
    """Writes plain values and msgspec records as JSON."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        """Return UTF-8; nothing for an empty answer."""
        return b"" if data is None else msgspec.json.encode(data)


class ContentRenderer(RecordRenderer):
    """Lets a client ask for the municipality's own layout, whatever its media type is."""

    media_type = "*/*"
    format = ""
