from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from films import film, lavfi

from nightdub.infra.digests import digest_file
from nightdub.infra.errors import MediaError
from nightdub.infra.media.boxes import read_segment
from nightdub.infra.media.ffmpeg import FrameWriter, check_decodes, encode_range, join_shots, read_frames
from nightdub.infra.media.probe import probe

OPEN_GOP = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-g", "10", "-x264-params", "open-gop=1:b-adapt=0:scenecut=0")
LONG_GOP = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "250", "-x264-params", "scenecut=0")


def all_frames(path: Path) -> np.ndarray:
    """Decode a whole film without any of our code: (frames, height, width, 3) BGR."""
    colours = "zscale=filter=bicubic:dither=none:matrix=gbr:range=full:matrixin=smpte170m,format=gbrp"
    output = ["-pix_fmt", "bgr24", "-f", "rawvideo", "-fps_mode", "passthrough", "-"]
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-vf", colours, *output]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, 120, 160, 3)


def write_black(out: Path, preset: str) -> None:
    with FrameWriter(out, 160, 120, "25/1", 20, preset) as writer:
        for _ in range(500):
            writer.write(np.zeros((120, 160, 3), np.uint8))


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


@pytest.mark.parametrize(
    ("name", "rate", "words"),
    [
        ("open.mp4", "25", OPEN_GOP),
        ("open.ts", "30000/1001", OPEN_GOP),
        ("long.mkv", "24000/1001", LONG_GOP),
        ("long.ts", "25", LONG_GOP),
        ("delayed.mp4", "25", (*OPEN_GOP, "-output_ts_offset", "3.3")),
        ("a.mxf", "25", ("-c:v", "mpeg2video", "-g", "12", "-bf", "2")),
    ],
)
def test_any_range_is_the_same_frames_as_a_whole_decode(name: str, rate: str, words: tuple[str, ...], tmp_path: Path) -> None:
    path = film(tmp_path / name, *words, rate=rate, seconds=6)
    whole = all_frames(path)
    assert len(whole) == probe(path).frames
    for first, last in ((0, 3), (59, 61), (83, 97), (len(whole) - 1, len(whole))):
        assert np.array_equal(np.stack(list(read_frames(path, first, last))), whole[first:last]), (first, last)


def test_a_range_past_the_end_and_a_range_of_nothing_are_errors(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", seconds=1)
    with pytest.raises(MediaError, match="5 frames where 10 belong"):
        list(read_frames(path, 20, 30))
    with pytest.raises(MediaError, match="0 <= first < last"):
        list(read_frames(path, 5, 5))
    with pytest.raises(MediaError, match="20 frames where 25 belong"):
        encode_range(path, tmp_path / "shot.mp4", 5, 30)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["film.mp4"]


def test_reading_may_stop_early(tmp_path: Path) -> None:
    frames = read_frames(film(tmp_path / "film.mp4"), 0, 50)
    assert next(frames).shape == (120, 160, 3)
    frames.close()


def test_a_turned_picture_is_read_upright(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", seconds=1)
    turned = tmp_path / "turned.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-c", "copy", "-metadata:s:v:0", "rotate=90", str(turned)], check=True)
    found = probe(turned)
    assert (found.width, found.height, found.rotation) == (120, 160, 270)  # ffmpeg 5.1 writes its rotate tag anticlockwise
    assert psnr(next(read_frames(turned, 0, 1)), np.rot90(next(read_frames(path, 0, 1)))) > 25
    encode_range(turned, tmp_path / "shot.mp4", 0, 5, 4)
    assert psnr(next(read_frames(tmp_path / "shot.mp4", 0, 1)), next(read_frames(turned, 0, 1))) > 25


def test_shots_encoded_apart_join_to_the_frame_and_to_the_byte(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", rate="30000/1001", seconds=3)
    frames = list(read_frames(path, 0, 90))
    cuts, names = (0, 1, 40, 77, 90), []
    for index, (first, last) in enumerate(itertools.pairwise(cuts)):
        names.append(tmp_path / f"shot {index}.mp4")
        if index == 2:
            with FrameWriter(names[-1], 160, 120, "30000/1001", crf=4, like=path) as writer:
                for frame in frames[first:last]:
                    writer.write(frame)
        else:
            encode_range(path, names[-1], first, last, 4)
    assert join_shots(names, tmp_path / "joined.mp4") == 90
    found = probe(tmp_path / "joined.mp4")
    assert (found.frames, found.frame_rate, found.variable_rate) == (90, "30000/1001", False)
    assert check_decodes(tmp_path / "joined.mp4") == 90
    assert min(psnr(one, other) for one, other in zip(frames, read_frames(tmp_path / "joined.mp4", 0, 90), strict=True)) > 30
    again = tmp_path / "again.mp4"
    join_shots(names, again)
    assert digest_file(again) == digest_file(tmp_path / "joined.mp4")


def test_encoding_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", seconds=1)
    digests = {digest_file(encode_range(path, tmp_path / f"{number}.mp4", 3, 20)) for number in range(2)}
    for number in range(2):
        with FrameWriter(tmp_path / f"written{number}.mp4", 160, 120, "25/1") as writer:
            for frame in read_frames(path, 0, 10):
                writer.write(frame)
    assert len(digests) == 1
    assert digest_file(tmp_path / "written0.mp4") == digest_file(tmp_path / "written1.mp4")


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (("-c:v", "libx264", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"), "160x120"),
        (("-c:v", "libx264", "-pix_fmt", "yuv422p10le"), "160x120"),
        (("-c:v", "libx264rgb", "-crf", "5"), "160x120"),
        (("-c:v", "libx264", "-colorspace", "smpte240m"), "160x120"),
        (("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "2"), "160x120"),
        (("-c:v", "libx264", "-vf", "setsar=16/11"), "160x120"),
        (("-c:v", "libx264", "-pix_fmt", "yuv420p"), "1280x720"),
    ],
)
def test_colours_stay_whatever_the_source_is_coded_in(words: tuple[str, ...], size: str, tmp_path: Path) -> None:
    source = lavfi(tmp_path / "film.mkv", *words, video=f"smptehdbars=s={size}:r=25:d=0.4")
    original = next(read_frames(source, 0, 1)).astype(float)
    encode_range(source, tmp_path / "direct.mp4", 0, 5, 1)
    with FrameWriter(tmp_path / "written.mp4", original.shape[1], original.shape[0], "25/1", 1, like=source) as writer:
        for frame in read_frames(source, 0, 5):
            writer.write(frame)
    assert read_segment(tmp_path / "direct.mp4").headers == read_segment(tmp_path / "written.mp4").headers
    for name in ("direct.mp4", "written.mp4"):
        shift = np.abs(np.median(next(read_frames(tmp_path / name, 0, 1)) - original, axis=(0, 1)))
        assert shift.max() <= 1.5, (name, shift)


def test_shots_of_other_settings_do_not_join(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", seconds=1)
    shots = [encode_range(path, tmp_path / "a.mp4", 0, 5), encode_range(path, tmp_path / "b.mp4", 5, 9, 20, "slow")]
    with pytest.raises(MediaError, match=r"b\.mp4: encoded with other settings"):
        join_shots(shots, tmp_path / "joined.mp4")
    with pytest.raises(MediaError, match="no shots"):
        join_shots([], tmp_path / "joined.mp4")
    (tmp_path / "c.mp4").write_bytes(b"\0\0\0\x08moov")
    with pytest.raises(MediaError, match="not an encoded shot"):
        join_shots([tmp_path / "c.mp4"], tmp_path / "joined.mp4")


def test_a_wrong_frame_or_a_failing_writer_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"allowed: \(120, 160, 3\) uint8"), FrameWriter(tmp_path / "a.mp4", 160, 120, "25/1") as writer:
        writer.write(np.zeros((120, 160), np.uint8))
    with pytest.raises(MediaError, match=r"0 frames where 1 belong|failed"), FrameWriter(tmp_path / "a.mp4", 160, 120, "25/1"):
        pass
    with pytest.raises(MediaError, match="even width and height"):
        FrameWriter(tmp_path / "a.mp4", 161, 120, "25/1")
    with pytest.raises(MediaError, match="preset"):
        write_black(tmp_path / "a.mp4", "no-such-preset")
    assert list(tmp_path.iterdir()) == []
