"""Days and moments as the reader's country writes them."""

from django import template

from hub.citizens.phrases import day, moment

register = template.Library()
register.filter("day", day)
register.filter("moment", moment)
