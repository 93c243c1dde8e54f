"""The merge language of templates: what is let through, what it becomes, and that nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.templates.merge import (
    LONGEST_FIELD,
    LONGEST_RESULT,
    MOST_FIELDS,
    NAMES,
    MergeError,
    MergeField,
    parse,
    render,
)

VALUES = {
    "recipient.name": "Ada",
    "recipient.fields.industry": "Steel",
    "sender.name": "Rita Rep",
    "sender.signature": "Rita Rep\nAcme & Co",
    "regarding.name": '50 <chairs> & a "table"',
    "org.name": "",
}


def text(source: str) -> str:
    return render(parse(source), VALUES, "text")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ""),
        ("Hello", "Hello"),
        ("Hello {{ recipient.name }}!", "Hello Ada!"),
        ("{{recipient.name}}{{sender.name}}", "AdaRita Rep"),
        ("{{ recipient . name }}", "Ada"),
        ("{{ recipient.fields.industry }} {{ regarding.fields.industry | default('no') }}", "Steel no"),
        ("{{ recipient.fields.items }}{{ recipient.fields.name }}", ""),
        ("{{ sender.signature }}", "Rita Rep\nAcme & Co"),
        ("{{\n recipient.name\n}}", "Ada"),
        ('{{ org.name | default("us") }}', "us"),
        ("{{ org.name|default('us') }}", "us"),
        ('{{ recipient.name | default("friend") }}', "Ada"),
        ('{{ org.name | default("a }} b {{ c") }}', "a }} b {{ c"),
        ('{{ org.name | default("Grüße 🎈") }}', "Grüße 🎈"),
        ('{{ org.name | default("") }}', ""),
        ("{{ org.name }}", ""),
        ("one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        ("\n\n{{ recipient.name }}\n\n", "\n\nAda\n\n"),
        ("a { b } c }} d %} e #} f", "a { b } c }} d %} e #} f"),
        ("p { color: red } @media print { a { b: c } }}", "p { color: red } @media print { a { b: c } }}"),
    ],
)
def test_texts_and_fields_become_what_they_say(source: str, expected: str) -> None:
    assert text(source) == expected


@pytest.mark.parametrize(
    "literal",
    [
        "${7*7}",
        "#{7*7}",
        "<%= 7*7 %>",
        "<% import os %>",
        "@(7*7)",
        "[[7*7]]",
        "{7*7}",
        "%{7*7}",
        "*{7*7}",
        "~{7*7}",
        "# for item in range(9)",
        "## comment",
        "{ {7*7} }",
        "｛｛7*7｝｝",
        "{\u200b{7*7}}",
        "$!{7*7}",
        "{php}echo 7*7;{/php}",
        "%s %(name)s {0} {0.__class__}",
        "&#123;&#123;7*7&#125;&#125;",
        "\\{\\{7*7\\}\\}",
    ],
)
def test_what_other_languages_would_run_is_text_here(literal: str) -> None:
    assert text(literal) == literal


@pytest.mark.parametrize(
    "hostile",
    [
        "{{7*7}}",
        "{{ 7 }}",
        "{{ 'text' }}",
        "{{}}",
        "{{ }}",
        "{{config}}",
        "{{ config.items() }}",
        "{{ self }}",
        "{{ self._TemplateReference__context }}",
        "{{ request.application.__globals__ }}",
        "{{''.__class__.__mro__[1].__subclasses__()}}",
        "{{ [].__class__ }}",
        "{{ ().__class__.__base__ }}",
        "{{ {}.__class__ }}",
        "{{ {'a': 1} }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__ }}",
        "{{ namespace.__init__ }}",
        "{{ joiner }}",
        "{{ get_flashed_messages.__globals__ }}",
        "{{ range(999999999) }}",
        "{{ dict(a=1) }}",
        "{{ recipient }}",
        "{{ name }}",
        "{{ recipient.fields }}",
        "{{ recipient.fields.a.b }}",
        "{{ recipient.fields['a'] }}",
        "{{ recipient.fields.__class__ }}",
        "{{ recipient.fields._a }}",
        "{{ recipient.fields.items() }}",
        "{{ recipient.fields.A }}",
        "{{ recipient.signature }}",
        "{{ sender.fields.a }}",
        "{{ org.email }}",
        "{{ regarding.first_name }}",
        "{{ recipient.name.__class__ }}",
        "{{ recipient.__class__ }}",
        "{{ recipient.name.first }}",
        "{{ recipient['name'] }}",
        "{{ recipient[0] }}",
        "{{ recipient.0 }}",
        "{{ recipient.name[0] }}",
        "{{ recipient.name() }}",
        "{{ recipient.name.upper() }}",
        "{{ recipient.name|attr('x') }}",
        "{{ recipient|attr('name') }}",
        "{{ recipient.name | upper }}",
        "{{ recipient.name | safe }}",
        "{{ recipient.name | d('x') }}",
        "{{ recipient.name | default }}",
        "{{ recipient.name | default() }}",
        "{{ recipient.name | default(1) }}",
        "{{ recipient.name | default(none) }}",
        "{{ recipient.name | default(sender.name) }}",
        "{{ recipient.name | default('a', true) }}",
        "{{ recipient.name | default(default_value='a') }}",
        "{{ recipient.name | default(*'a') }}",
        "{{ recipient.name | default(**org) }}",
        "{{ recipient.name | default('a' ~ 'b') }}",
        "{{ recipient.name | default('%c' % 65) }}",
        "{{ recipient.name | default('\\x7b\\x7b') }}",
        "{{ recipient.name | default('\\ud800') }}",
        "{{ recipient.name | default('a') | default('b') }}",
        "{{ recipient.name | default('a') | safe }}",
        "{{ 'a' | default('b') }}",
        "{{ recipient.name ~ sender.name }}",
        "{{ recipient.name + '' }}",
        "{{ recipient.name * 9999999 }}",
        "{{ recipient.name, sender.name }}",
        "{{ recipient.name, }}",
        "{{ recipient.name if true }}",
        "{{ recipient.name and sender.name }}",
        "{{ not recipient.name }}",
        "{{ recipient.name is defined }}",
        "{{ recipient.name == 'Ada' }}",
        "{{ recipient.name in org.name }}",
        "{{ other.name }}",
        "{{ Recipient.name }}",
        "{{ recipient.Name }}",
        "{{ recipient․name }}",
        "{{ recipient.nаme }}",  # a Cyrillic letter
        "{{ ｒecipient.name }}",
        "{{ recipient.ｎame }}",
        "{{ rec\u200bipient.name }}",
        "{{ recipient\u00a0.name; }}",
        "{{- recipient.name }}",
        "{{ recipient.name -}}",
        "{{+ recipient.name }}",
        "{{ {{ recipient.name }} }}",
        "{{ recipient.name",
        "{{ 'recipient.name }}",
        "{{ recipient.name }",
        "{{ recipient.name %}",
        "{{{ recipient.name }}}",
        "{{#if a}}b{{/if}}",
        "{{> partial}}",
        "{{! comment }}",
        "{{&recipient.name}}",
        "{{=<% %>=}}",
        "{% if 1 %}a{% endif %}",
        "{% for x in range(10**9) %}a{% endfor %}",
        "{%for x in ''.__class__.__base__.__subclasses__()%}{{x}}{%endfor%}",
        "{% set x = 1 %}",
        "{%- set x = 1 -%}",
        "{% raw %}{{ 7*7 }}{% endraw %}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{% block a %}{% endblock %}",
        "{% macro a() %}{% endmacro %}",
        "{% print(7*7) %}",
        "{% filter upper %}a{% endfilter %}",
        "{% with a = 1 %}{% endwith %}",
        "{% autoescape false %}{% endautoescape %}",
        "{% debug %}",
        "{%",
        "{# comment #}",
        "{# never closed",
    ],
)
def test_anything_else_is_refused_with_its_place(hostile: str) -> None:
    with pytest.raises(MergeError, match=r"^line 2, column 4: "):
        parse(f"first line\nab {hostile}")


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("{{ x }}", "line 1, column 1: "),
        ("{{ recipient.name }}\n\n   {{ x }} {{ recipient.name }}", "line 3, column 4: "),
        ("a\r\nb {# c #}", "line 2, column 3: "),
        ("{{ recipient.name }} {{ recipient.name", "line 1, column 22: "),
        ("   {{- recipient.name }}", "line 1, column 4: "),
        ("\n\n  {%- if x %}", "line 3, column 3: "),
        ("@media print{#header{display:none}}", "line 1, column 13: "),
    ],
)
def test_the_place_is_where_the_field_begins(source: str, place: str) -> None:
    with pytest.raises(MergeError) as refused:
        parse(source)

    assert str(refused.value).startswith(place)


@pytest.mark.parametrize(
    "flood",
    [
        "{" * 200_000,
        "{{" * 100_000,
        "{% " * 60_000,
        "{#" * 100_000,
        "{{ " + "(" * 190_000,
        "{{ " + "[" * 300,
        "{{ " + "(" * 300 + ")" * 100 + "}}",
        "{{ " + "-" * 400 + "1 }}",
        "{{ " + "not " * 100 + "1 }}",
        "{{ '" + "\\" * 199_000,
        '{{ "' + "a" * 190_000,
        "{{ " + " " * 190_000,
        "{{ " + "9" * 190_000 + " }}",
        "{{ " + "a." * 90_000 + "a }}",
        "{%" + " " * 190_000,
        "{{ recipient.name }}" * 10_000,
    ],
)
def test_floods_of_signs_are_refused(flood: str) -> None:
    with pytest.raises(MergeError):
        parse(flood)


@pytest.mark.parametrize("signs", ["{ ", "}}", "%}", "#}", "<", "\n"])
def test_other_signs_are_text_however_many(signs: str) -> None:
    source = signs * 100_000

    assert parse(source) == (source,)


def test_fields_are_limited_in_number_and_length() -> None:
    fields = "{{ org.name }}" * MOST_FIELDS
    default = "x" * (LONGEST_FIELD - len('{{ org.name | default("") }}'))

    assert len(parse(fields)) == MOST_FIELDS
    assert parse(f'{{{{ org.name | default("{default}") }}}}') == (MergeField("org.name", default),)
    with pytest.raises(MergeError, match=f"at most {MOST_FIELDS} fields"):
        parse(fields + "{{ org.name }}")
    with pytest.raises(MergeError, match=f"at most {LONGEST_FIELD} characters"):
        parse(f'{{{{ org.name | default("{default}x") }}}}')


def test_values_are_escaped_in_html_and_nowhere_else() -> None:
    parts = parse('<b title="{{ regarding.name }}">&amp; {{ regarding.name }}</b>')

    escaped = "50 &lt;chairs&gt; &amp; a &#34;table&#34;"
    assert render(parts, VALUES, "html") == f'<b title="{escaped}">&amp; {escaped}</b>'
    assert 'a "table"' in render(parts, VALUES, "text")


def test_lines_of_a_value_stay_lines_in_html_and_become_one_in_a_subject() -> None:
    parts = parse("{{ sender.signature }}")

    assert render(parts, VALUES, "html") == "Rita Rep<br>\nAcme &amp; Co"
    assert render(parts, VALUES, "line") == "Rita Rep Acme & Co"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_name_of_the_language_is_read(name: str) -> None:
    assert render(parse(f"<{{{{ {name} }}}}>"), {name: "x"}, "text") == "<x>"


def test_defaults_are_escaped_in_html_too() -> None:
    assert render(parse("{{ org.name | default('<i>') }}"), VALUES, "html") == "&lt;i&gt;"


def test_a_value_is_never_read_as_a_template() -> None:
    values = {"recipient.name": "{{ sender.name }}{{ 7*7 }}", "sender.name": "S"}

    assert render(parse("{{ recipient.name }}"), values, "text") == "{{ sender.name }}{{ 7*7 }}"


@pytest.mark.parametrize("value", ["a\r\nBcc: b@c.example", "a\n\n\nb", "a\u2028b", "a\x00b", "\x85a"])
def test_values_stay_on_one_line_where_there_is_only_one(value: str) -> None:
    shown = render(parse("Re: {{ recipient.name }}!"), {"recipient.name": value}, "line")

    assert shown.startswith("Re: a")
    assert shown.isprintable()


def test_what_would_grow_without_end_is_refused() -> None:
    parts = parse("{{ recipient.name }}" * MOST_FIELDS)

    with pytest.raises(MergeError, match="longer than"):
        render(parts, {"recipient.name": "x" * (LONGEST_RESULT // MOST_FIELDS + 1)}, "text")


WORDS = """{ } {{ }} {% %} {# #} recipient .name | default("x") ' " \\ ( ) - ü 1 raw [ ] org.name"""
SIGNS = st.sampled_from([*WORDS.split(), " ", "\n", "\u2028", "\x00"])


@given(st.lists(SIGNS, max_size=40).map("".join))
def test_whatever_comes_is_refused_or_becomes_a_list_of_texts_and_fields(source: str) -> None:
    try:
        parts = parse(source)
    except MergeError:
        return
    assert all(isinstance(part, str | MergeField) for part in parts)
    assert not any("{{" in part for part in parts if isinstance(part, str))
    render(parts, VALUES, "html").encode()
