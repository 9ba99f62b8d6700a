"""Views of the naive design."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.bench.naive.serializers import FilingSerializer, ReportSerializer


class Relocations(APIView):
    """Takes filings in."""

    def post(self, request: Request) -> Response:
        """Validate, save, answer."""
        serializer = FilingSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        relocation = serializer.save()
        return Response({"id": str(relocation.pk), "receipt_no": relocation.receipt_no}, status=201)


class Reports(APIView):
    """Takes reports in."""

    def post(self, request: Request) -> Response:
        """Validate, save, answer."""
        serializer = ReportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response({"accepted": True}, status=201)
