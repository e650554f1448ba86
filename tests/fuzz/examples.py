"""Good examples of everything that is read, and words of each grammar to break them with."""

from __future__ import annotations

TIMES = b"1\n00:00:01,000 --> 00:00:02,500\nANA: <i>Hello</i> & {\\an8}good &lt;bye&gt;\n\n2\n00:00:03,000 --> 00:00:04,000\n[door shuts]\n"
VTT = (
    b"WEBVTT\nLanguage: en\n\nNOTE\nquiet\n\n1\n00:01.000 --> 00:02.500 line:0\n<v Ana><c.forced>Hello</c></v>\n\n"
    b"STYLE\n::cue {}\n\n00:00:03.000 --> 00:00:04.000 line:10%\n<v.loud Ben>One <v Ana>two &amp; &#x41;\n"
)
TTML = b"""<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling"
 xmlns:ttp="http://www.w3.org/ns/ttml#parameter" xmlns:ttm="http://www.w3.org/ns/ttml#metadata" ttp:frameRate="24" ttp:tickRate="100"
 ttp:frameRateMultiplier="1000 1001" ttp:dropMode="nonDrop" ttp:timeBase="media" xml:lang="en"><head><styling>
<style xml:id="a" tts:fontStyle="italic"/><style xml:id="b" style="a" tts:fontWeight="bold"/></styling><layout>
<region xml:id="r" tts:origin="10% 10%" tts:extent="80% 35%" tts:displayAlign="before"/></layout>
<metadata><ttm:agent xml:id="p" type="character"><ttm:name>Ana</ttm:name></ttm:agent></metadata></head>
<body><div begin="1s"><p begin="00:00:01.5" end="00:00:02:12" region="r" ttm:agent="p" style="b">One<br/><span style="a">two</span></p>
<p begin="24f" dur="100t">Three<metadata><ttm:desc>note</ttm:desc></metadata></p></div></body></tt>"""
ASS = b"""[Script Info]
Language: en
[V4+ Styles]
Format: Name, Alignment
Style: Sign,8
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,note
Dialogue: 0,0:00:01.00,0:00:02.00,Sign,Ana,0,0,0,,{\\an8\\i1}One{\\i0}\\Ntwo {note}{\\p1}m 0 0{\\p0}
"""
LIST = b"TC In;TC Out;Character;Type;Comment;Dialogue\n01:00:01:00;01:00:02:10;Ana;;soft;Hello; there\n01:00:03:00;;Ben;OST;;EXIT\n"
XLIFF = b"""<?xml version="1.0"?><xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" xmlns:mda="urn:oasis:names:tc:xliff:metadata:2.0"
 version="2.1" srcLang="en" trgLang="es"><file id="f1" original="pilot"><unit id="s0001"><mda:metadata><mda:metaGroup category="dialogue">
<mda:meta type="start">00:00:01.000</mda:meta><mda:meta type="speaker">Ana</mda:meta></mda:metaGroup></mda:metadata>
<notes><note>soft</note><note>revision abc123</note></notes><segment state="final"><source>Hello
<pc id="1" type="fmt" subType="xlf:i">you</pc></source><target>Hola <ph id="2"/></target></segment></unit></file></xliff>"""
TMX = b"""<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx version="1.4"><header srclang="en"/><body>
<tu tuid="1" changedate="20260131T235959Z"><note>n</note><prop type="x">y</prop><tuv xml:lang="en-US"><seg>Hello <bpt i="1">x<sub>in
</sub></bpt>you</seg></tuv><tuv xml:lang="es"><seg>Hola</seg></tuv></tu></body></tmx>"""
MEMORY = b'en,es,fr\n"Hello, you.",Hola.,\nBye.,,Adieu.\n'
GLOSSARY = b"source\tes\tfr\nNightdub\t*\nnight train\ttren nocturno\ttrain de nuit\n"
CAST = b"speaker,voice,gender,consent\nAna,es_1,female,c-1\nBen,,male,\n"
CATALOGUE = (
    b"id,source,language,targets,script,series,episode,profile,priority\n"
    b'pilot,film.mp4,en,es;fr,"script.srt",show,e1,preview,-3\nother,../film.mp4,en,en;xx,,,,,high\n'
)
PROFILE = b"""name: tiny
policy: preview
commercial: false
engines:
  translate: [{name: chat, settings: {url: "http://host/v1", temperature: 0.5}}, {name: apertium}]
sound: {loudness: -23, gating: programme}
delivery: {name: "{title}.{language}"}
"""
POLICY = b"""name: tiny
describes: few rules
rules:
- {metric: account.missing_lines, comparison: "==", threshold: 0, unit: lines, severity: block, because: "a \\"figure\\""}
- {metric: account.excused_share, comparison: "<=", threshold: 20, unit: "%", at_least: 3}
"""
SETTINGS = b"""# ours
home = "here"
store = "s3://bucket/prefix"
workers = 4
lease_seconds = 6.5e1
deadline_minutes = 600
"""
SHEET = (
    b"\xef\xbb\xbfline,start,end,speaker,source,text,origin,notes,approve,lock,revision\r\n"
    b's0001,1.000,2.500,Ana,Hello,\'=Hola,,"a\nb",yes,,abc\r\n'
)
PAIRS = b'{"id": "a", "ref": "hello", "hyp": "hallo", "src": "hola"}\n\n{"id": "b", "ref": "", "hyp": "\\u00e9"}\n'
FILES = b'[{"ref": "a.wav", "gen": "b.wav"},\n {"ref": "../c", "gen": "/etc/passwd"}]'
RATINGS = b"segment,listener,score\ns1,ann,4\ns1,ben,3.5\n"
EXAMPLES = b'{"id": "a", "text": "hello", "language": "en", "translations": {"es": "hola"}, "speaker": "x"}\n'
REVISION = (
    b'{"step":"probe","version":1,"outputs":{"facts":"'
    + b"0" * 64
    + b'"},"items":[{"id":"s1","key":"k","files":{"a":"'
    + b"1" * 64
    + b'"},"row":{}}]}'
)
DRAFT = b'[{"id":"s1","key":"k","files":{"sound":"' + b"1" * 64 + b'"},"sizes":{"sound":3},"row":{"a":[1]},"engine":"e","tried":["x: y"]}]'
RELEASE = b'{"language":"es","package":"' + b"2" * 64 + b'","synthetic":true,"title":"pilot"}'
DELIVERY = b'{"title":"pilot","language":"es","files":[{"name":"a.srt","bytes":3,"sha256":"' + b"3" * 64 + b'","signed":false}]}'
PROBED = b"""{"streams": [{"codec_type": "video", "codec_name": "h264", "width": 1920, "height": 1080, "avg_frame_rate": "24000/1001",
"r_frame_rate": "25/1", "start_time": "0.04", "duration": "9.5", "sample_aspect_ratio": "0:1", "level": 40,
"tags": {"DURATION": "00:00:09.5"},
"extradata": "\\n00000000: 0164 0028 ffe1                           ..d.(",
"side_data_list": [{"rotation": -90}], "disposition": {"attached_pic": 0}},
{"codec_type": "audio", "codec_name": "aac", "sample_rate": "48000", "channels": 2, "tags": {"language": "eng"},
"disposition": {"default": 1}}],
"format": {"duration": "10.0", "start_time": "0.0"}}"""
AVCC = bytes.fromhex("0164001fffe100066764001fac8001000468ee3cb0fdf8f800")
ANSWER = b'{"choices": [{"message": {"content": "```{\\"lines\\": [{\\"id\\": 1, \\"texts\\": [\\"Hola\\", \\"Eh\\"]}]}```"}}]}'
VMAF = b'{"version": "3.0", "frames": [{"metrics": {"vmaf": 93.1}}, {"metrics": {"vmaf": 90}}]}'
XML_TOKENS = ("<!DOCTYPE", "<!ENTITY", "<![CDATA[", "&#x0;", "xmlns=", "<?xml version='1.0' encoding='utf-16'?>", "<p>" * 80, "\ud7ff")
TIME_TOKENS = ("-->", "99999999999999999999:00:00", "0:60:60", "9" * 400, "::", "00:00:00.000000001", "{\\", "<v ", "&#1114112;")
NUMBER_TOKENS = ("1e999", "-1", "NaN", "9" * 5000, "null", "[[", '"\\ud800"', "\\u0000")
CSV_TOKENS = ('"', '""', ";", "\t", ",,,", "=1+1", "\r", "\x0b")
YAML_TOKENS = (
    "&a ",
    "*a",
    "!!python/name:os.system ",
    "<<: ",
    "[" * 30,
    "{",
    "? ",
    "- ",
    "!!timestamp x",
    ".inf",
    "0x_",
    "1_0",
    "2001-99-99",
    "\t",
)
