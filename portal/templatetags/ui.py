"""Index of the components: every page has them without a load tag."""

from django import template

from portal.ui.components import blocks, demo, fixed, forms, gates, leaf, lists, offers, sharing, spark, status, times, words

register = template.Library()

for part in (leaf, status, gates, times, blocks, fixed, forms, lists, words, demo, offers, sharing, spark):
    register.tags.update(part.register.tags)
    register.filters.update(part.register.filters)
