"""What a translation must carry over, checked on the two lines themselves: words, numbers, units, names, agreed terms, terms that stay.

Nothing here looks at the notes that the translating step left: what that step missed is what these checks are for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from math import inf

from nightdub.quality.metrics.fact import WORST, MetricFact
from nightdub.quality.metrics.names import lost_names
from nightdub.quality.metrics.normalise import comparable
from nightdub.quality.metrics.numbers import lost_numbers
from nightdub.quality.metrics.units import changed_units
from nightdub.tasks.glossary import Found, Glossary, keeps_term
from nightdub.tasks.rows import Language, Measurement, Translation, Worst

_NO_LINE = "no line has both texts"

FACTS: dict[str, MetricFact] = {
    "translation.untranslated_lines": MetricFact(
        "lines",
        0,
        inf,
        "lines that stand in the source language, wholly or but for a word or two; names, numbers and terms that stay do not count",
        "own rules",
        _NO_LINE,
    ),
    "translation.number_changes": MetricFact(
        "lines",
        0,
        inf,
        "lines in which a number of the source is missing or another one was added, in digits or in words",
        "own rules; number words by num2words",
        _NO_LINE,
    ),
    "translation.unit_changes": MetricFact(
        "lines",
        0,
        inf,
        "lines in which a unit beside a number is missing or another one was added, as a sign or a word: per cent, money, measures, time",
        "own rules",
        _NO_LINE,
    ),
    "translation.names_lost": MetricFact(
        "lines",
        0,
        inf,
        "lines without a name of the source line: a word with a capital inside a sentence that nothing in the translation is like; "
        "looked for between languages of the Latin script, German as a source excepted",
        "own rules",
        _NO_LINE,
    ),
    "translation.glossary_misses": MetricFact(
        "terms",
        0,
        inf,
        "glossary terms of the source lines whose agreed translation the line does not have",
        "own rules",
        "no glossary term occurs",
    ),
    "translation.do_not_translate_broken": MetricFact(
        "terms", 0, inf, "terms that must stay as they are and that the line does not have", "own rules", "no such term occurs"
    ),
}

COMMON: dict[Language, frozenset[str]] = {
    code: frozenset(words.split())
    for code, words in {
        "en": "the and of to in is you that it for on are with this have be at not from what when your can there all we my me do will "
        "would how about out them then she he his her they was were been has had who why yes please thanks thank hello goodbye "
        "sorry where good morning night friend house door water come go know think want here now never always two three four "
        "five seven eight nine ten eleven twelve twenty first third sunday monday tuesday wednesday thursday friday saturday",
        "es": "el la los las de del que y en un una es por con para no lo su se al como más pero sus le ya este sí porque esta entre "
        "cuando muy sin sobre ser también me hasta hay donde quien desde todo nos yo tú usted hola gracias adiós dónde qué cómo "
        "bien aquí dos tres cuatro cinco siete ocho nueve diez primero segundo lunes martes miércoles jueves viernes sábado "
        "domingo",
        "fr": "le la les de des et un une est que qui dans en pour pas au du sur se ce il elle je tu vous nous ne plus avec par sont "
        "mais mon ma mes ton ta son sa ses leur comme tout où quand oui non merci bonjour bonsoir très bien ici être avoir aux "
        "deux trois quatre cinq sept huit neuf dix premier lundi mardi mercredi jeudi vendredi samedi dimanche",
        "it": "il lo la i gli le di del della che e un una è per con non sono da in si come più ma su al ha questo quello io tu lei "
        "noi voi mio mia suo sua sì grazie ciao dove quando perché molto bene qui essere anche nel nella alla uno due tre "
        "quattro cinque sette otto nove dieci primo secondo lunedì martedì mercoledì giovedì venerdì sabato domenica",
        "pt": "o a os as de do da dos das que e em um uma é por com para não se no na ao mais mas seu sua ele ela eu você nós isso "
        "este esta sim obrigado obrigada olá onde quando porque muito bem aqui também ser foi nos nas dois três tres quatro "
        "cinco sete oito nove dez primeiro segundo segunda domingo sábado",
        "de": "der die das und in zu den dem ein eine ist nicht mit von sie er es ich du wir ihr auf für sich auch als an nach bei "
        "wie aus aber wenn nur noch so kann war hat haben ja nein danke hallo bitte wo wann warum sehr gut hier mein dein sein "
        "zwei drei vier fünf sieben acht neun zehn erste montag dienstag mittwoch donnerstag freitag samstag sonntag",
        "ca": "el la els les de del que i en un una és per amb no es al com més però seu seva jo tu vostè hola gràcies on quan què "
        "molt bé aquí també ser aquest aquesta dels als dos tres quatre cinc set vuit nou deu primer segon dilluns dimarts "
        "dimecres dijous divendres dissabte diumenge",
    }.items()
}  # the commonest words: a line that keeps those of the source and not of the target was not translated
WRITING: dict[Language, tuple[str, ...]] = {
    "ko": ("HANGUL",),
    "ja": ("HIRAGANA", "KATAKANA", "CJK"),
    "zh": ("CJK",),
    "hi": ("DEVANAGARI",),
    "ru": ("CYRILLIC",),
    "th": ("THAI",),
}
_MANY, _MOSTLY = 3, 0.8  # words; share of the line


def checked_lines(lines: Sequence[Translation], glossary: Glossary, source: Language, target: Language) -> list[Measurement]:
    """Return the counts of `FACTS` over the lines that have a source and a text. `n` is the number of lines, or of terms that occur.

    Lines by people are checked like those of engines. The worst name a line and what is wrong with it.
    """
    ready = [line for line in lines if line.source.strip() and line.text.strip() and not line.failed]
    terms = [(line, found) for line in ready for found in glossary.find(line.source, source, target)]
    stay = {line.segment: [found for other, found in terms if other is line and found.term.keep] for line in ready} if terms else {}
    copied = [(line, "as in the source") for line in ready if is_untranslated(line, stay.get(line.segment, []), source, target)]
    changed = [(line, ", ".join(lost)) for line in ready if (lost := lost_numbers(line.source, line.text, source, target))]
    kept, agreed = ([row for row in terms if row[1].term.keep is wanted] for wanted in (True, False))
    broken, missed = (
        [(line, found.term.target) for line, found in rows if not keeps_term(line.text, found.term, target)] for rows in (kept, agreed)
    )
    units = [(line, ", ".join(wrong)) for line in ready if (wrong := changed_units(line.source, line.text, source, target))]
    names = [(line, ", ".join(lost)) for line in ready if (lost := lost_names(line.source, line.text, source, target))]
    return [
        _count("translation.untranslated_lines", copied, len(ready), "lines", _NO_LINE),
        _count("translation.number_changes", changed, len(ready), "lines", _NO_LINE),
        _count("translation.glossary_misses", missed, len(agreed), "terms", ""),
        _count("translation.do_not_translate_broken", broken, len(kept), "terms", ""),
        _count("translation.unit_changes", units, len(ready), "lines", _NO_LINE),
        _count("translation.names_lost", names, len(ready), "lines", _NO_LINE),
    ]


def _count(metric: str, found: Sequence[tuple[Translation, str]], n: int, unit: str, unmeasured: str) -> Measurement:
    if not n:
        absent = "" if unmeasured else "no such term occurs in a line"
        return Measurement(metric, None, unit, engine="nightdub", not_measured=unmeasured, not_applicable=absent)
    worst = tuple(Worst(line.segment, 1.0, f"{detail}: {line.text}") for line, detail in found[:WORST])
    return Measurement(metric, float(len(found)), unit, n, "nightdub", worst=worst)


# ---------------------------------------------------------------- words


def is_untranslated(line: Translation, stay: Sequence[Found], source: Language, target: Language) -> bool:
    """Return whether a line stands in the source language.

    A line that is all names, numbers, short cognates ("radio", "no") or terms that stay is none. Between languages of one script it
    needs the source's words and proof that they are no words of the target: a common word that only the source language has, or three
    words and more that nothing explains. In another script it is enough that no letter of the target's is there.
    """
    if source == target:
        return False
    text, own = _without(line.text, stay), _without(line.source, stay)
    if target in WRITING:
        letters = [char for char in text if char.isalpha()]
        foreign = not any(unicodedata.name(char, "").startswith(WRITING[target]) for char in letters)
        return bool(letters) and foreign and not _is_acronym(text) and bool(_words(own))
    before, after = _words(own), _words(text)
    if not before or not after:
        return False
    common = set(COMMON.get(source, ())) - COMMON.get(target, frozenset())
    telling = [word for word in after if word in common and word in before]
    if before == after:
        return bool(telling) or (len(after) >= _MANY and not _is_name(own))
    copied = sum(word in before for word in after)
    return len(after) >= _MANY + 1 and copied >= _MOSTLY * len(after) and len(telling) >= 2


def _without(text: str, stay: Sequence[Found]) -> str:
    for found in stay:
        text = re.sub(re.escape(found.term.target), " ", text, flags=re.IGNORECASE)
    return text


def _words(text: str) -> list[str]:
    """Return a text's words but for numbers and single letters; a spelt-out name ("M I S D N") has none."""
    return [word for word in comparable(text).split() if len(word) > 1 and not any(char.isdigit() for char in word)]


def _is_name(text: str) -> bool:
    """Return whether every word of three letters and more begins with a capital one."""
    long = [word for word in re.findall(r"\w+", text) if len(word) >= 3]
    return bool(long) and all(word[0].isupper() for word in long)


def _is_acronym(text: str) -> bool:
    return all(word.isupper() or not any(char.isalpha() for char in word) for word in re.findall(r"\w+", text))
