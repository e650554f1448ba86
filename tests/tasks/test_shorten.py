"""Shorter texts by rule, each written by hand, and what no rule may take."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from nightdub.tasks.duration import PACES, estimate
from nightdub.tasks.shorten import shorten
from nightdub.tasks.shorten_rules import KINDS, NEGATIONS, RULES

LAST = {  # language -> line -> the shortest variant
    "en": {
        "Well, I do not know what is in the box, sir. Please wait.": "I don't know what's in the box. Wait.",
        "In order to win, we are able to wait at this point in time.": "To win, we can wait now.",
        "I have seen it. I have a car.": "I've seen it. I have a car.",
        "She knew (so they said) the answer.": "She knew the answer.",
        "Come, come, it is very late.": "Come, it's late.",
    },
    "es": {
        "Bueno, yo no sé qué hacer, por favor.": "No sé qué hacer.",
        "¿Yo puedo entrar?": "¿Puedo entrar?",
        "¡Oye, señor, en este momento nosotros estamos muy cansados!": "¡Ahora nosotros estamos cansados!",
    },
    "fr": {"Eh bien, est-ce que tu viens, s'il te plaît ?": "Est-ce que tu viens ?", "Merci beaucoup, madame.": "Merci."},
    "it": {"Allora, io non voglio andare in questo momento, signora.": "Non voglio andare ora."},
    "pt": {"Bem, eu não sei. Muito obrigado, senhor.": "Não sei. Obrigado."},
    "de": {"Also, wir gehen bitte in das Kino, mein Herr.": "Wir gehen bitte ins Kino."},
    "ko": {"저는 그것은 정말 좋아요. 저기, 좀 기다려 주세요.": "그건 좋아요. 기다려 주세요."},
    "ja": {"あの、私はとても待っているのです。待ってください。": "待ってるんです。待って。"},
    "zh": {"嗯，但是如果下雨的话我不去。": "但如果下雨我不去。"},
}


@pytest.mark.parametrize(("language", "line"), [(language, line) for language, lines in LAST.items() for line in lines])
def test_the_shortest_variant_is_what_a_person_would_write(language: str, line: str) -> None:
    assert shorten(line, language)[-1].text == LAST[language][line]


@pytest.mark.parametrize(("language", "line"), [(language, line) for language, lines in LAST.items() for line in lines])
def test_each_variant_is_shorter_than_the_one_before_and_says_what_made_it(language: str, line: str) -> None:
    lengths = [estimate(text, language) for text in (line, *(variant.text for variant in shorten(line, language)))]
    assert all(after <= 0.97 * before for before, after in pairwise(lengths))
    assert all(set(variant.rules) <= set(KINDS) for variant in shorten(line, language))


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "No, no, no!"),  # repeated, but a negation
        ("en", "It fell (on John)."),  # a name
        ("en", "It fell (at 5)."),  # a number
        ("en", "Sir John is here."),  # no vocative
        ("en", "Listen!"),  # nothing is left
        ("en", "What kind of man is he?"),
        ("es", "Yo también."),  # no verb follows
        ("es", "El señor García llegó."),
        ("de", "Das Haus, in dem ich wohne."),  # a relative pronoun
        ("ja", "これは彼のです。"),  # "his", no explanation
        ("zh", "我小的时候。"),
        ("ko", "일어나는 사람."),
        ("hi", "नमस्ते, कृपया।"),  # no table
    ],
)
def test_what_has_to_stay_stays(language: str, line: str) -> None:
    assert shorten(line, language) == []


def test_an_intensifier_stays_where_the_line_is_negated() -> None:
    assert shorten("It's very good.", "en")[-1].text == "It's good."
    assert shorten("It isn't very good.", "en") == []


def test_terms_of_the_glossary_stay() -> None:
    assert shorten("Well, I mean it.", "en")[-1].text == "I mean it."
    assert shorten("Well, I mean it.", "en", keep=["Well"]) == []


@pytest.mark.parametrize("language", sorted(RULES))
def test_every_rule_can_be_read_and_every_table_has_its_negations(language: str) -> None:
    assert language in PACES
    re.compile(NEGATIONS[language])
    for rule in RULES[language]:
        re.compile(rule.pattern, re.IGNORECASE)
        assert rule.kind in KINDS


@pytest.mark.parametrize("language", sorted(RULES))
def test_nothing_is_made_of_nothing(language: str) -> None:
    assert shorten("", language) == []
    assert shorten("...", language) == []
