"""What a town is sent: the relocation through serializers."""

from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from hub.bench.naive.models import Delivery, Mover, Relocation
from hub.bench.naive.serializers import serializer_of
from hub.relocations.filing import Filing
from municipalities.notice import Mover as Person

FilingSerializer = serializer_of(Filing)
PersonSerializer = serializer_of(Person)


class MoverSerializer(serializers.ModelSerializer):
    """One person."""

    data = serializers.SerializerMethodField()

    class Meta:
        model = Mover
        fields = ("ordinal", "full_name", "domicile", "data")

    def get_data(self, mover: Mover) -> object:
        """The person's own fields."""
        return {name: mover.data[name] for name in PersonSerializer().fields if name in mover.data}


class RelocationSerializer(serializers.ModelSerializer):
    """One filing with its persons."""

    movers = MoverSerializer(many=True)

    class Meta:
        model = Relocation
        fields = ("receipt_no", "state", "origin", "destination", "filing", "movers", "created_at")


class DeliverySerializer(serializers.ModelSerializer):
    """One notice."""

    relocation = RelocationSerializer()

    class Meta:
        model = Delivery
        fields = ("id", "type", "town", "relocation")


def render(delivery: Delivery) -> bytes:
    """The notice in JSON."""
    rendered: bytes = JSONRenderer().render(DeliverySerializer(delivery).data)
    return rendered
