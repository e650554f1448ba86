"""What may go from a line, by language: tables of words and patterns for `tasks.shorten`. Data, not code.

Only what is written here is ever left out: common words, never a name. A rule marked `careful` changes nothing in a negated line, where
"not very good" would become "not good".
"""

from __future__ import annotations

from dataclasses import dataclass

from nightdub.tasks.rows import Language

# Kinds, from what nobody misses to what somebody may.
PHRASE, CONTRACTION, FILLER, REPEAT = "phrase", "contraction", "filler", "repeat"
INTENSIFIER, PRONOUN, VOCATIVE, PARENTHESES, POLITENESS = "intensifier", "pronoun", "vocative", "parentheses", "politeness"
KINDS = (PHRASE, CONTRACTION, FILLER, REPEAT, INTENSIFIER, PRONOUN, VOCATIVE, PARENTHESES, POLITENESS)

START = r"(?:^|(?<=[.!?…。！？] )|(?<=[。！？¿¡«“\"]))"  # of a sentence
STOP = r"(?=\s*(?:[.!?…,;:。！？，、]|$))"  # of a clause


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern and what stands for it; a filler may be left out with the comma that parts it from the line."""

    kind: str
    pattern: str
    replacement: str = ""
    careful: bool = False


def _apart(kind: str, words: str, comma: str = ",") -> tuple[Rule, ...]:
    """Return the rules for words that stand beside the sentence: first in it, between commas, or last."""
    return (
        Rule(kind, rf"{START}(?:{words}){comma}\s*"),
        Rule(kind, rf"{comma}\s*(?:{words}){comma if kind == FILLER else f'(?={comma})'}"),
        Rule(kind, rf"{comma}\s*(?:{words})(?=\s*[.!?…。！？]|\s*$)"),
    )


def _pronoun(pronoun: str, verbs: str, between: str) -> Rule:
    """Return the rule for a subject that the verb's ending names as well."""
    return Rule(PRONOUN, rf"{START}(?:{pronoun})\s+(?=(?:(?:{between})\s+)*(?:{verbs})\b)")


_DONE = r"been|had|got|done|seen|heard|come|gone|made|lost|found|said|told|known|taken|already|always|never|just|\w{3,}ed"
_CLITICS_ES, _CLITICS_IT, _CLITICS_PT = (
    "no|me|te|lo|la|le|les|se|nos|os|ya|también",
    "non|mi|ti|lo|la|li|le|ci|vi|ne|già",
    "não|me|te|o|a|já",
)

RULES: dict[Language, tuple[Rule, ...]] = {
    "en": (
        Rule(CONTRACTION, r"\b(do|does|did|is|are|was|were|have|has|had|would|could|should) not\b", r"\1n't"),
        Rule(CONTRACTION, r"\b(C|c)an ?not\b(?! only)", r"\1an't"),
        Rule(CONTRACTION, r"\b(W|w)ill not\b", r"\1on't"),
        Rule(CONTRACTION, r"\bI am(?= \w)", "I'm"),
        Rule(CONTRACTION, r"\b(you|we|they) are(?= (?!n't)\w)", r"\1're"),
        Rule(CONTRACTION, r"\b(he|she|it|that|there|here|what|where|who) is(?= (?!n't)\w)", r"\1's"),
        Rule(CONTRACTION, r"\b(I|you|he|she|it|we|they) will(?= \w)", r"\1'll"),
        Rule(CONTRACTION, rf"\b(I|you|we|they) have(?= (?:{_DONE})\b)", r"\1've"),
        Rule(CONTRACTION, r"\b(I|you|he|she|we|they) would(?= (?:like|love|be|have|never|rather|say)\b)", r"\1'd"),
        Rule(PHRASE, r"\bin order to\b", "to"),
        Rule(PHRASE, r"\b(?:due to|because of) the fact that\b", "because"),
        Rule(PHRASE, r"\bin spite of the fact that\b", "although"),
        Rule(PHRASE, r"\bat (?:this|the present) (?:point in time|moment|time)\b", "now"),
        Rule(PHRASE, r"\bat the moment\b", "now"),
        Rule(PHRASE, r"\bin the event that\b", "if"),
        Rule(PHRASE, r"\ba (?:large|great) number of\b", "many"),
        Rule(PHRASE, r"\bwith regards? to\b", "about"),
        Rule(PHRASE, r"\b(?:is|am|are) able to\b", "can"),
        Rule(PHRASE, r"\bthank you (?:very|so) much\b", "thank you"),
        *_apart(FILLER, "well|oh|ah|hey|um|uh|you know|you see|I mean|listen|look|actually|basically|honestly|to be honest"),
        Rule(INTENSIFIER, r"\b(?:very|really|quite|absolutely|completely|totally) (?!much\b)(?=\w)", careful=True),
        *_apart(VOCATIVE, "sir|ma'am|madam|buddy|my friend|my dear|ladies and gentlemen"),
        *_apart(POLITENESS, "please"),
        Rule(POLITENESS, rf"(?:{START}|(?<=, ))please (?=\w)"),  # elsewhere it may be the verb: "to please my mother"
    ),
    "es": (
        Rule(PHRASE, r"\bcon el (?:fin|objetivo) de\b", "para"),
        Rule(PHRASE, r"\bdebido a que\b", "porque"),
        Rule(PHRASE, r"\ba pesar de que\b", "aunque"),
        Rule(PHRASE, r"\ben (?:este|estos) (?:mismo )?momentos?\b", "ahora"),
        Rule(PHRASE, r"\bpor (?:lo tanto|consiguiente)\b", "así que"),
        Rule(PHRASE, r"\bmuchas gracias\b", "gracias"),
        *_apart(FILLER, "bueno|pues|o sea|mira|mire|oye|oiga|eh|ah|oh|de hecho|la verdad|a ver|verás|sabes"),
        Rule(FILLER, rf"{START}la verdad es que\s+"),
        Rule(INTENSIFIER, r"\b(?:muy|realmente|absolutamente|completamente) (?=\w)", careful=True),
        _pronoun(
            "yo",
            "soy|estoy|voy|doy|quiero|puedo|sé|creo|tengo|he|había|necesito|digo|pienso|hago|veo|conozco|era|estaba|tenía|vi|fui|debo",
            _CLITICS_ES,
        ),
        _pronoun("tú", "eres|estás|vas|quieres|puedes|sabes|crees|tienes|has|necesitas|dices|piensas|haces|ves|debes|eras", _CLITICS_ES),
        _pronoun("nosotros|nosotras", r"(?!mism|últim|prim)\w{2,}mos", _CLITICS_ES),
        *_apart(VOCATIVE, "señor|señora|señorita|amigo|amiga|amigo mío|damas y caballeros|señoras y señores"),
        *_apart(POLITENESS, "por favor"),
        Rule(POLITENESS, r"\s*\bpor favor\b"),
    ),
    "fr": (
        Rule(CONTRACTION, r"\bcela\b", "ça"),
        Rule(PHRASE, rf"{START}est-ce qu(?:e |')"),
        Rule(PHRASE, r"\bafin de\b", "pour"),
        Rule(PHRASE, r"\bafin d'", "pour "),
        Rule(PHRASE, r"\bà l'heure actuelle\b", "maintenant"),
        Rule(PHRASE, r"\ben raison du fait que\b", "parce que"),
        Rule(PHRASE, r"\bmerci (?:beaucoup|bien)\b", "merci"),
        *_apart(FILLER, "eh bien|ben|bon|alors|tu sais|vous savez|en fait|euh|ah|oh|hé|écoute|écoutez|voyons|tu vois|vous voyez"),
        Rule(INTENSIFIER, r"\b(?:très|vraiment|tout à fait|absolument) (?=\w)", careful=True),
        *_apart(VOCATIVE, "monsieur|madame|mademoiselle|mon ami|mon amie|mon vieux|mesdames et messieurs"),
        *_apart(POLITENESS, "s'il (?:vous|te) pla[iî]t"),
        Rule(POLITENESS, r"\s*\bs'il (?:vous|te) pla[iî]t\b"),
    ),
    "it": (
        Rule(PHRASE, r"\bal fine di\b", "per"),
        Rule(PHRASE, r"\b(?:a causa del|per il) fatto che\b", "perché"),
        Rule(PHRASE, r"\bnonostante il fatto che\b", "benché"),
        Rule(PHRASE, r"\bin questo (?:preciso )?momento\b", "ora"),
        Rule(PHRASE, r"\b(?:grazie (?:mille|tante)|molte grazie)\b", "grazie"),
        *_apart(FILLER, "beh|be'|allora|insomma|cioè|sai|senti|senta|ecco|ah|oh|ehi|guarda|guardi|vedi"),
        Rule(INTENSIFIER, r"\b(?:molto|davvero|veramente|assolutamente) (?=\w)", careful=True),
        _pronoun("io", "sono|sto|vado|do|voglio|posso|so|credo|ho|avevo|devo|dico|penso|faccio|vedo|conosco|ero|stavo", _CLITICS_IT),
        _pronoun("tu", "sei|stai|vai|vuoi|puoi|sai|credi|hai|devi|dici|pensi|fai|vedi|eri", _CLITICS_IT),
        _pronoun("noi", r"siamo|abbiamo|\w{2,}iamo", _CLITICS_IT),
        *_apart(VOCATIVE, "signore|signora|signorina|amico|amica|amico mio|signore e signori"),
        *_apart(POLITENESS, "per favore|per piacere|per cortesia"),
        Rule(POLITENESS, r"\s*\bper (?:favore|piacere|cortesia)\b"),
    ),
    "pt": (
        Rule(PHRASE, r"\ba fim de\b", "para"),
        Rule(PHRASE, r"\bdevido ao fa(?:c)?to de que\b", "porque"),
        Rule(PHRASE, r"\bneste (?:exato )?momento\b", "agora"),
        Rule(PHRASE, r"\bmuit[oa] obrigad(o|a)\b", r"obrigad\1"),
        *_apart(FILLER, "bem|bom|então|sabe|olha|olhe|escuta|escute|quer dizer|ah|oh|ei|veja"),
        Rule(INTENSIFIER, r"\b(?:muito|realmente|absolutamente|completamente) (?!tempo\b)(?=\w)", careful=True),
        _pronoun("eu", "sou|estou|vou|dou|quero|posso|sei|acho|tenho|preciso|digo|penso|faço|vejo|era|estava|tinha|fui|devo", _CLITICS_PT),
        _pronoun("nós", r"(?!mesm)\w{2,}mos", _CLITICS_PT),
        *_apart(VOCATIVE, "senhor|senhora|amigo|amiga|meu amigo|senhoras e senhores"),
        *_apart(POLITENESS, "por favor"),
        Rule(POLITENESS, r"\s*\bpor favor\b"),
    ),
    "ca": (
        Rule(PHRASE, r"\ben aquest moment\b", "ara"),
        Rule(PHRASE, r"\bmoltes gràcies\b", "gràcies"),
        *_apart(FILLER, "bé|doncs|escolta|escolti|mira|miri|ah|oh|saps"),
        Rule(INTENSIFIER, r"\b(?:molt|realment) (?=\w)", careful=True),
        *_apart(POLITENESS, "si us plau"),
        Rule(POLITENESS, r"\s*\bsi us plau\b"),
    ),
    "de": (
        Rule(CONTRACTION, r"\b(I|i|A|a)n dem (?=(?-i:[A-ZÄÖÜ]))", r"\1m "),
        Rule(CONTRACTION, r"\b(I|i|A|a)n das (?=(?-i:[A-ZÄÖÜ]))", r"\1ns "),
        Rule(CONTRACTION, r"\b(Z|z)u de(m|r) (?=(?-i:[A-ZÄÖÜ]))", r"\1u\2 "),
        Rule(CONTRACTION, r"\b(B|b)ei dem (?=(?-i:[A-ZÄÖÜ]))", r"\1eim "),
        Rule(CONTRACTION, r"\b(V|v)on dem (?=(?-i:[A-ZÄÖÜ]))", r"\1om "),
        Rule(PHRASE, r"\b(?:auf ?[Gg]rund|wegen) der Tatsache, dass\b", "weil"),
        Rule(PHRASE, r"\b(?:zu diesem|zum jetzigen) Zeitpunkt\b", "jetzt"),
        Rule(PHRASE, r"\bim Moment\b", "jetzt"),
        Rule(PHRASE, r"\baus diesem Grund\b", "darum"),
        Rule(PHRASE, r"\bvielen Dank\b", "danke"),
        *_apart(FILLER, "also|na ja|nun|tja|ach|oh|äh|ähm|hey|weißt du|wissen Sie|hör mal|hören Sie|schau|sehen Sie"),
        Rule(INTENSIFIER, r"\b(?:sehr|wirklich|eigentlich|absolut|völlig) (?=\w)", careful=True),
        *_apart(VOCATIVE, "mein Herr|meine Dame|mein Freund|meine Freundin|meine Damen und Herren"),
        *_apart(POLITENESS, "bitte"),
        Rule(POLITENESS, rf"(?:{START}|(?<=, ))bitte (?=\w)"),  # elsewhere it may be the verb: "ich bitte dich"
    ),
    "ru": (
        Rule(PHRASE, r"\bв настоящее время\b", "сейчас"),
        Rule(PHRASE, r"\bдля того,? чтобы\b", "чтобы"),
        Rule(PHRASE, r"\bв связи с тем,? что\b", "так как"),
        Rule(PHRASE, r"\bбольшое спасибо\b", "спасибо"),
        *_apart(FILLER, "ну|вот|ах|ох|эй|знаешь|знаете|понимаешь|понимаете|слушай|слушайте|короче"),
        Rule(INTENSIFIER, r"\b(?:очень|действительно|совершенно) (?=\w)", careful=True),
        *_apart(POLITENESS, "пожалуйста"),
    ),
    "ko": (
        *(
            Rule(CONTRACTION, rf"(?<!\S){long}(?=[\s.,!?]|$)", short)
            for long, short in (
                ("나는", "난"), ("너는", "넌"), ("저는", "전"), ("나를", "날"), ("너를", "널"), ("이것은", "이건"), ("그것은", "그건"),
                ("저것은", "저건"), ("이것이", "이게"), ("그것이", "그게"), ("것은", "건"), ("것이", "게"), ("것을", "걸"),
                ("무엇을", "뭘"), ("무엇이", "뭐가"), ("그런데", "근데"), ("그러면", "그럼"), ("그러니까", "그니까"),
            )
        ),
        Rule(CONTRACTION, "이야기", "얘기"),
        *_apart(FILLER, "저기|저기요|음|어|있잖아|있잖아요|글쎄|글쎄요|자"),
        Rule(INTENSIFIER, r"(?<!\S)(?:정말|진짜|아주|매우|너무) (?=\S)", careful=True),
        Rule(PRONOUN, rf"{START}(?:저는|나는|전|난|우리는|저희는) (?=\S)"),
        Rule(POLITENESS, r"(?<!\S)(?:좀|제발) (?=\S)"),
    ),
    "ja": (
        Rule(CONTRACTION, "て(?:い)(?=る|た|ます|ない)", "て"),
        Rule(CONTRACTION, "てしまった", "ちゃった"),
        Rule(CONTRACTION, "(?<=[うくぐすつぬぶむるただいな])のです", "んです"),
        Rule(CONTRACTION, "けれども", "けど"),
        *_apart(FILLER, "ええと|えっと|あの|まあ|ねえ|ああ|おい|ほら|さあ", "、"),
        Rule(INTENSIFIER, "とても|本当に|すごく", careful=True),
        Rule(PRONOUN, rf"{START}(?:私|僕|俺|わたし)は、?(?=.)"),
        Rule(POLITENESS, "(?<=て)ください"),
    ),
    "zh": (
        Rule(CONTRACTION, "但是", "但"),
        Rule(CONTRACTION, "能够", "能"),
        Rule(CONTRACTION, "应该", "该"),
        Rule(PHRASE, "(?:什么|甚么)时候", "何时"),
        Rule(PHRASE, "(?:这|那)个时候", "这时"),
        Rule(PHRASE, "(?<=如果)(.{1,12}?)的话", r"\1"),
        Rule(PHRASE, rf"{START}我?(?:非常|十分)感谢(?:你|您)?|谢谢(?:你|您)", "谢谢"),
        *_apart(FILLER, "嗯|呃|哎|喂|那个|你知道|你知道吗|你看|其实|就是说|说实话", "，"),
        Rule(INTENSIFIER, "非常", "很", careful=True),
        Rule(POLITENESS, rf"{START}(?:请|麻烦你|麻烦您)(?=.)"),
    ),
}  # fmt: skip

# What turns a statement round. As many of them stay as there were.
NEGATIONS: dict[Language, str] = {
    "en": r"\b(?:not|no|never|none|nobody|nothing|nowhere|neither|nor|without|can(?:no|')t)\b|n['’]t\b",
    "es": r"\b(?:no|nunca|jamás|nada|nadie|ningun[oa]s?|ningún|ni|tampoco|sin)\b",
    "fr": r"\b(?:ne|pas|jamais|rien|personne|aucune?|ni|sans|non|plus)\b|\bn['’]",
    "it": r"\b(?:non|no|mai|niente|nulla|nessun[oa]?|né|neanche|nemmeno|senza)\b",
    "pt": r"\b(?:não|nunca|jamais|nada|ninguém|nenhum(?:a|as)?|nem|sem)\b",
    "ca": r"\b(?:no|mai|res|ningú|cap|ni|sense|tampoc)\b",
    "de": r"\b(?:nicht|nie|niemals|nichts|niemand\w*|kein\w*|nein|weder|ohne)\b",
    "ru": r"\b(?:не|нет|ни|никогда|никто|ничего|нельзя|без)\b",
    "ko": r"(?<!\S)(?:안|못)(?=\s)|않|없|아니|말[아고지]|못하",
    "ja": r"ない|ません|なか|なく|ずに|まい|無",
    "zh": r"不|没|無|无|未|别|勿|莫|非(?!常)",
}
