"""Fields of Django forms in our look: label, hint, error at the field, and the summary on top with links to each."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from portal.ui.components.leaf import icon
from portal.ui.components.words import led

register = template.Library()


@register.simple_tag
def field(bound: BoundField, label: str = "", hint: str | bool = "", **attrs: Any) -> SafeString:
    """One field with everything around it. ``hint=False`` leaves the form's own hint out.

    Attributes such as ``rows=3`` or ``placeholder="…"`` go to the input.
    """
    _describe(bound, hint)
    widget = bound.field.widget
    if isinstance(widget, forms.CheckboxInput):
        return _wrapped(bound, _check(bound, label, attrs))
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return _choices(bound, label)
    drawn = bound.as_widget(attrs={"class": "input", **_html_attrs(attrs)})
    head = format_html('<label for="{}">{}{}</label>', bound.id_for_label, label or bound.label, _optional(bound))
    return _wrapped(bound, format_html("{}{}{}{}", head, _hint(bound), _errors(bound), drawn))


def _describe(bound: BoundField, hint: str | bool) -> None:
    """Django ties help text and errors to the input by itself (aria-describedby); a hint given by the page takes that way."""
    if hint is False or hint:
        bound.help_text = bound.field.help_text = str(hint or "")


def _html_attrs(attrs: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in attrs.items()}


def _optional(bound: BoundField) -> SafeString:
    return SafeString("") if bound.field.required else SafeString(' <span class="font-normal text-ink-3">(optional)</span>')


def _hint(bound: BoundField) -> SafeString:
    if not bound.help_text:
        return SafeString("")
    return format_html('<div class="hint" id="{}_helptext">{}</div>', bound.auto_id, bound.help_text)


def _errors(bound: BoundField) -> SafeString:
    if not bound.errors:
        return SafeString("")
    lines = format_html_join("", '<p class="err">{}</p>', ((error,) for error in bound.errors))
    return format_html('<div id="{}_error">{}</div>', bound.auto_id, lines)


def _wrapped(bound: BoundField, content: SafeString) -> SafeString:
    return format_html('<div class="field"{}>{}</div>', SafeString(" data-error" if bound.errors else ""), content)


def _check(bound: BoundField, label: str, attrs: dict[str, Any]) -> SafeString:
    drawn = bound.as_widget(attrs=_html_attrs(attrs))
    box = format_html('<label class="check" for="{}">{}<span>{}</span></label>', bound.id_for_label, drawn, label or bound.label)
    return format_html("{}{}{}", _errors(bound), box, _hint(bound))


def _choices(bound: BoundField, label: str) -> SafeString:
    options = format_html_join(
        "",
        '<label class="choice" for="{}">{}<span>{}</span></label>',
        ((option.id_for_label, option.tag(), option.choice_label) for option in bound.subwidgets),
    )
    return format_html(
        '<fieldset class="field" id="{}"{}><legend class="legend mb-1">{}{}</legend>{}{}<div class="choices">{}</div></fieldset>',
        bound.auto_id,
        SafeString(" data-error" if bound.errors else ""),
        label or bound.label,
        _optional(bound),
        _hint(bound),
        _errors(bound),
        options,
    )


@register.simple_tag
def error_summary(form: forms.BaseForm | str | None, title: str = "There is a problem") -> SafeString:
    """The box above a form that did not pass: every error once, linked to its field; the script moves focus to it."""
    if not isinstance(form, forms.BaseForm) or not form.errors:
        return SafeString("")
    general = [("", str(error)) for error in form.non_field_errors()]
    linked = [(str(bound.id_for_label or bound.auto_id), str(error)) for bound in form for error in bound.errors]
    return problem_box([*general, *linked], title)


@register.simple_tag
def problem_box(problems: Iterable[tuple[str, str]], title: str = "There is a problem", focus: bool = True) -> SafeString:
    """The same box from pairs of (id of the field or empty, words)."""
    items = format_html_join("", "<li>{}</li>", ((_problem(target, words),) for target, words in problems))
    return format_html(
        '<div class="errsum" role="alert" tabindex="-1"{}><h2>{}</h2><ul>{}</ul></div>',
        SafeString(" data-autofocus" if focus else ""),
        title,
        items,
    )


def _problem(target: str, words: str) -> SafeString:
    return format_html('<a href="#{}">{}</a>', target, words) if target else format_html('<span class="err">{}</span>', led(words))


@register.simple_tag
def segments(name: str, options: Sequence[tuple[str, str]], chosen: str = "", legend: str = "") -> SafeString:
    """A row of choices of which one holds, inside a filter form. ``options`` are (value, words)."""
    labels = format_html_join(
        "",
        '<label><input type="radio" name="{}" value="{}"{}>{}</label>',
        ((name, value, SafeString(" checked" if value == (chosen or "") else ""), words) for value, words in options),
    )
    return format_html('<fieldset class="seg"><legend class="sr-only">{}</legend>{}</fieldset>', legend or name, labels)


@register.simple_tag
def select(name: str, options: Sequence[tuple[str, str]], chosen: str = "", label: str = "") -> SafeString:
    """A drop-down inside a filter form, with its label for screen readers. ``options`` are (value, words)."""
    return _select(str(name), tuple((str(value), str(words)) for value, words in options), str(chosen or ""), str(label or name))


@lru_cache(maxsize=64)
def _select(name: str, options: tuple[tuple[str, str], ...], chosen: str, label: str) -> SafeString:
    """Kept, because the choices of a filter are the same on each page of a list. Escapes always, as every kept leaf does."""
    lines = format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((escape(value), SafeString(" selected" if value == chosen else ""), escape(words)) for value, words in options),
    )
    return format_html(
        '<label class="sr-only" for="f-{0}">{1}</label><select class="input" id="f-{0}" name="{0}">{2}</select>',
        escape(name),
        escape(label),
        lines,
    )


@register.simple_tag
def search_input(name: str, value: str = "", label: str = "Filter", placeholder: str = "") -> SafeString:
    """The text box of a filter form."""
    return format_html(
        '<label class="sr-only" for="f-{0}">{1}</label>'
        '<input class="input" type="search" id="f-{0}" name="{0}" value="{2}" placeholder="{3}" autocomplete="off">',
        name,
        label,
        value or "",
        placeholder,
    )


@register.simple_block_tag(end_name="endfilters")
def filters(content: str, url: str, target: str, label: str = "Filter") -> SafeString:
    """A filter bar: swaps the rows and pushes the address; without script the button sends it."""
    return format_html(
        '<form class="filters" role="search" aria-label="{0}" action="{1}" method="get" hx-get="{1}" '
        'hx-trigger="input delay:200ms, submit" hx-target="{2}" hx-swap="innerHTML" hx-push-url="true" hx-sync="this:replace">'
        '{3}<button class="btn" type="submit" data-js-hide>{4}Filter</button></form>',
        label,
        url,
        target,
        content,
        icon("list-filter", 16),
    )
