"""Sounds that scripts often describe, as subtitles for the deaf name them in each language."""

from __future__ import annotations

from functools import lru_cache

from nightdub.tasks.memory import normalise
from nightdub.tasks.rows import Language

# The same sounds in the same order in every language, parted by "|"; of several wordings, parted by ";", the first is written.
_SOUNDS: dict[Language, str] = {
    "ca": """
        riure | sospir | aplaudiments | música | truquen a la porta | sona el telèfon | porta que es tanca | porta que s'obre | plors
        | crits | tos | crit ofegat | tret | explosió | trons | passos | lladrucs | silenci
    """,
    "de": """
        Lachen; lacht | Seufzen; seufzt | Applaus | Musik; Musik spielt | Klopfen; es klopft | Telefon klingelt | Tür fällt zu | Tür
        öffnet sich | Weinen; weint | Schreie; schreit | Husten; hustet | keucht | Schuss; Schüsse | Explosion | Donner | Schritte |
        Hundegebell; Hund bellt | Stille
    """,
    "en": """
        laughs; laughter; laughing | sighs; sighing; sigh | applause; clapping | music; music playing; music plays | knocking; knock
        at door; knocking on door | phone ringing; phone rings; telephone rings | door slams; door closes; door shuts | door opens |
        crying; cries; sobbing; sobs | screams; screaming | coughs; coughing | gasps; gasping | gunshot; gunshots; gunfire | explosion
        | thunder; thunder rumbling | footsteps | dog barking; dog barks; barking | silence
    """,
    "es": """
        risas; ríe | suspiro; suspira | aplausos | música; suena música | llaman a la puerta; golpes en la puerta | suena el teléfono
        | portazo; se cierra la puerta | se abre la puerta | llanto; llora | gritos; grita | tos; tose | grito ahogado | disparo;
        disparos | explosión | truenos | pasos | ladridos | silencio
    """,
    "fr": """
        rires; rit | soupir; soupire | applaudissements | musique | on frappe à la porte | le téléphone sonne | une porte claque | une
        porte s'ouvre | pleurs; pleure | cris; crie | toux; tousse | halètement | coup de feu; coups de feu | explosion | tonnerre |
        bruits de pas | aboiements | silence
    """,
    "hi": """
        हँसी | आह | तालियाँ | संगीत | दस्तक | फ़ोन की घंटी | दरवाज़ा बंद होता है | दरवाज़ा खुलता है | रोना | चीख | खाँसी | हाँफना |
        गोली चलने की आवाज़ | धमाका | बादलों की गरज | कदमों की आहट | कुत्ते का भौंकना | सन्नाटा
    """,
    "it": """
        risate; ride | sospiro; sospira | applausi | musica | bussano alla porta | squilla il telefono | una porta sbatte | si apre
        una porta | pianto; piange | grida | colpi di tosse; tossisce | sussulto | sparo; spari | esplosione | tuoni | passi |
        abbaiare; cane abbaia | silenzio
    """,
    "ja": """
        笑い声 | ため息 | 拍手 | 音楽 | ノックの音 | 電話の着信音 | ドアが閉まる音 | ドアが開く音 | 泣き声
        | 悲鳴 | せき | 息をのむ | 銃声 | 爆発音 | 雷鳴 | 足音 | 犬の鳴き声 | 沈黙
    """,
    "ko": """
        웃음; 웃음소리 | 한숨 | 박수 | 음악 | 노크 소리 | 전화벨 소리 | 문 닫히는 소리 | 문 열리는 소리
        | 울음소리 | 비명 | 기침 | 헉하는 소리 | 총성 | 폭발음 | 천둥소리 | 발소리 | 개 짖는 소리 |
        침묵
    """,
    "pt": """
        risos; ri | suspiro; suspira | aplausos | música | batidas na porta | telefone toca | porta bate | porta se abre | choro;
        chora | gritos; grita | tosse | suspiro de susto | tiro; tiros | explosão | trovões | passos | latidos | silêncio
    """,
    "ru": """
        смех; смеётся | вздох; вздыхает | аплодисменты | музыка; играет музыка | стук в дверь | звонит телефон | хлопает дверь |
        открывается дверь | плач; плачет | крики; кричит | кашель; кашляет | ахает | выстрел; выстрелы | взрыв | гром | шаги | лай
        собаки | тишина
    """,
    "zh": """
        笑声 | 叹气 | 掌声 | 音乐 | 敲门声 | 电话铃声 | 关门声 | 开门声 | 哭声 | 尖叫声 | 咳嗽声 |
        倒吸一口气 | 枪声 | 爆炸声 | 雷声 | 脚步声 | 狗叫声 | 沉默
    """,
}


def known_sound(text: str, source: Language, target: Language) -> str:
    """Return a sound in another language, "" where the table does not have it; the case of letters does not matter."""
    place = _places(source).get(normalise(text))
    return "" if place is None else _wordings(target)[place][0]


@lru_cache
def _places(language: Language) -> dict[str, int]:
    return {normalise(word): place for place, words in enumerate(_wordings(language)) for word in words}


@lru_cache
def _wordings(language: Language) -> list[list[str]]:
    return [[" ".join(word.split()) for word in cell.split(";")] for cell in _SOUNDS[language].split("|")]
