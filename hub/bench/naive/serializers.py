"""Serializers of the naive design, with the fields that the product's filing has."""

from typing import Any

import msgspec
from django.db import transaction
from msgspec import inspect
from rest_framework import serializers

from hub.bench.naive import tasks
from hub.bench.naive.models import Delivery, Mover, Relocation, Report
from hub.ids import receipt_no
from hub.relocations.filing import Filing


def serializer_of(struct: type[msgspec.Struct]) -> type[serializers.Serializer]:
    """A serializer with one field per member of the record, nested as the record is."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)  # noqa: S101 - a record is one
    fields: dict[str, Any] = {one.encode_name: _field(one.type, required=one.required) for one in info.fields}
    return type(f"{struct.__name__}Serializer", (serializers.Serializer,), fields)


def _field(kind: inspect.Type, *, required: bool, null: bool = False) -> serializers.Field:
    options: dict[str, Any] = {"required": required, "allow_null": null}
    match kind:
        case inspect.Metadata():
            return _field(kind.type, required=required, null=null)
        case inspect.UnionType():
            [only] = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
            return _field(only, required=required, null=True)
        case inspect.StructType():
            return serializer_of(kind.cls)(**options)
        case inspect.VarTupleType(item_type=inspect.StructType(cls=each)):
            return serializer_of(each)(many=True, **options)
        case inspect.VarTupleType():
            return serializers.ListField(child=_field(kind.item_type, required=True), **options)
        case inspect.EnumType():
            choices = [member.value for member in kind.cls]
            return serializers.ChoiceField(choices, allow_blank="" in choices, **options)
        case inspect.DateType():
            return serializers.DateField(**options)
        case inspect.BoolType():
            return serializers.BooleanField(**options)
        case inspect.IntType():
            return serializers.IntegerField(**options)
    return serializers.CharField(allow_blank=True, trim_whitespace=False, **options)


class FilingSerializer(serializer_of(Filing)):
    """Takes a filing in."""

    def create(self, validated: dict[str, Any]) -> Relocation:
        """Save it, person by person, and what is to be told of it at once."""
        # Dates and the like are JSON again as the client wrote them.
        plain = dict(self.initial_data)
        movers = plain.pop("movers")
        with transaction.atomic():
            relocation = Relocation.objects.create(
                receipt_no=receipt_no(),
                origin=validated["oldAddress"]["localGovernmentCode"],
                destination=validated["newAddress"]["localGovernmentCode"],
                filing=plain,
            )
            for mover in movers:
                Mover.objects.create(
                    relocation=relocation,
                    ordinal=mover["ordinal"],
                    full_name=mover["fullName"],
                    domicile=(mover.get("registry") or {}).get("localGovernmentCode", ""),
                    data=mover,
                )
            tell(relocation, "moveout.submitted", relocation.origin)
            tell(relocation, "arrival.planned", relocation.destination)
        return relocation


def tell(relocation: Relocation, kind: str, town: str) -> None:
    """Make a delivery and its task."""
    delivery = Delivery.objects.create(relocation=relocation, town=town, type=kind)
    transaction.on_commit(lambda: tasks.deliver.delay(delivery.pk))


class ReportSerializer(serializers.ModelSerializer):
    """Takes a report in."""

    receipt_no = serializers.SlugRelatedField(
        source="relocation", slug_field="receipt_no", queryset=Relocation.objects.all()
    )
    id = serializers.UUIDField()

    class Meta:
        model = Report
        fields = ("id", "type", "outcome", "legal_date", "receipt_no")

    def create(self, validated: dict[str, Any]) -> Report:
        """Save it, and what is to be told because of it."""
        with transaction.atomic():
            report = Report.objects.create(**validated)
            relocation = report.relocation
            relocation.state = report.type
            relocation.save()
            if report.type == "moveout.decided":
                tell(relocation, "arrival.prefill", relocation.destination)
            if report.type == "movein.decided":
                tell(relocation, "movein.notice", relocation.origin)
                for town in sorted({mover.domicile for mover in relocation.movers.all()}):
                    if town not in ("", relocation.destination):
                        tell(relocation, "appendix.notice", town)
        return report
