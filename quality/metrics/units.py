"""Units of a line and of its translation: per cent, money, measures, spans of time, in signs or in words."""

from __future__ import annotations

import re
from functools import lru_cache

from nightdub.quality.metrics.normalise import comparable, numerals
from nightdub.tasks.languages import LANGUAGES
from nightdub.tasks.numerals import POINT
from nightdub.tasks.rows import Language

_EVERYWHERE = {
    "degree": "°",
    "celsius": "°c|℃|celsius",
    "fahrenheit": "°f|℉|fahrenheit",
    "kilometre": "km",
    "centimetre": "cm",
    "millimetre": "mm",
    "kilogram": "kg",
    "minute": "min",
    "euro": "euro",
    "yen": "yen",
}  # signs and words that every language of the table writes
_NAMES = (
    "percent dollar euro pound yen degree celsius fahrenheit kilometre metre centimetre millimetre mile foot inch kilogram gram ton "
    "litre hour minute second day week month year"
)
_UNITS = _NAMES.split()
# In the order of `_UNITS`, with what a word begins with; "-" where the row above says it all.
_WORDS: dict[Language, list[str]] = {
    code: words.split()
    for code, words in {
        "en": "percent|per.cent dollar|buck euro pound|quid yen degree centigrade - kilomet met(?:er|re)s?\\b centimet millimet mile "
        "f(?:oo|ee)t inch kilo(?:s|gram)?s?\\b gram tons?\\b|tonne lit(?:er|re)s?\\b hour|hrs?\\b "
        "min(?:ute)?s?\\b sec(?:ond)?s?\\b day week month year",
        "es": "por.ciento dólar|dolar euro libra yen|yenes grado cent[ií]grado - kil[oó]metro metro cent[ií]metro mil[ií]metro milla "
        "pie pulgada kilo(?:s|gramos?)?\\b gramo tonelada litro hora minuto segundo d[ií]a semana mes año",
        "fr": "pour.?cent dollar euro livre yen degré centigrade - kilom m[eè]tre centim millim mile|mille pied pouce "
        "kilo(?:s|grammes?)?\\b gramme tonne litre heure minute seconde jour|journée semaine mois an\\b|ans\\b|année",
        "it": "per.cento|percent dollar euro sterlin|libbr yen grad[oi] centigrad - chilomet metr centimet millimet migli pied pollic "
        "chil grammi? tonnellat litr or[ae]\\b minut second giorn settiman mes[ei]\\b ann[oi]\\b",
        "pt": "por.cento dólar|dolar euro libra iene grau cent[ií]grado - quil[oôó]met metro cent[ií]met mil[ií]met milha pé polegada "
        "quilo grama tonelada litro hora minuto segundo dia semana m[eê]s ano",
        "de": "prozent dollar euro pfund yen grad - - kilomet meter zentimet millimet meile fu(?:ß|ss) zoll "
        "kilo(?:gramm)?\\b gramm tonne liter stunde|stündig minut|minütig sekunde tag|tägig woche|wöchig monat jahr|jährig",
        "ca": "per.cent dòlar euro lliur ien grau cent[ií]grad - quil[oò]met metre centímet mil·límet mill peu|peus polzad quil gram "
        "ton litre|litres hor minut segon di[ae] setman mes any",
        "ru": "процент доллар|бакс евро фунт иен градус цельси фаренгейт километр|км метр сантиметр|см миллиметр|мм мил фут дюйм "
        "кил(?!об)|кг грамм тонн литр час минут секунд день|дня|дней|сутки недел месяц год|года|лет",
        "ko": "퍼센트|프로 달러|불 유로 파운드 엔 도 섭씨 화씨 킬로미터|킬로 미터 센티 밀리 마일 피트 인치 킬로 "
        "그램 톤 리터 시간 분 초 일|하루 주 개월|달 년|살|세",
        "ja": "パーセント|% ドル ユーロ ポンド 円 度 摂氏 華氏 キロ メートル センチ ミリ マイル "
        "フィート インチ キロ グラム トン リットル 時間 分 秒 日 週 月 年|歳|才",
        "zh": "百分之 美元|美金 欧元|歐元 英镑|磅 日元|日圆 度 摄氏|攝氏 华氏 公里|千米 米 厘米|公分 毫米 英里|哩 "
        "英尺|尺 英寸|寸 公斤|千克 克 吨|噸 升 小时|小時|钟头 分 秒 天|日 周|星期|礼拜|週 月 年|岁|歲",
    }.items()
}


def changed_units(source: str, text: str, language: Language, target: Language) -> list[str]:
    """Return the units that stand beside a number in one of two lines and nowhere in the other; none in languages without a row.

    Hours are looked for in the translation alone: clocks are written with and without them. Degrees need not be called Celsius.
    """
    if language not in _WORDS or target not in _WORDS:
        return []
    there = _anywhere(text, target)
    lost = _beside_numbers(source, language) - (there | {"celsius"} if "degree" in there else there)
    added = _beside_numbers(text, target) - _anywhere(source, language) - {"hour"}
    return sorted(lost | added)


def _beside_numbers(text: str, language: Language) -> set[str]:
    plain = numerals(text, language) + (f" | {comparable(text, 'en')}" if language == "en" else "")
    return {unit for unit, pattern in _patterns(language, beside=True) if pattern.search(plain)}


def _anywhere(text: str, language: Language) -> set[str]:
    plain = numerals(text, language)
    return {unit for unit, pattern in _patterns(language, beside=False) if pattern.search(plain)}


@lru_cache(maxsize=32)
def _patterns(language: Language, *, beside: bool) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return what finds each unit, directly after a number (in Chinese per cent before it) or wherever it is."""
    edge = "" if language in ("ko", "ja", "zh") else r"\b"
    found = []
    for unit, words in zip(_UNITS, _WORDS[language], strict=True):
        signs = "|".join(part if not part[0].isalpha() else rf"{edge}{part}" for part in _EVERYWHERE.get(unit, "").split("|") if part)
        said = "" if words == "-" else rf"{edge}(?:{words})"
        either = "|".join(part for part in (said, signs) if part)
        after = rf"(?<![\w]){_NUMBER}[\s-]?(?:{either})(?!\s?{_CLOCK})" if LANGUAGES[language].spaces else rf"{_NUMBER}\s?(?:{either})"
        before = rf"|(?:{either})\s?\d" if (language, unit) == ("zh", "percent") else ""
        found.append((unit, re.compile(after + before if beside else either)))
    return tuple(found)


_NUMBER = rf"\d+(?:{POINT}\d+)?"
_CLOCK = r"[ap]\.?\s?m\b"
