"""The videos that are measured: a rendered one, a real one brought to the size that the limits speak of, long ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from kinescribe import video
from tests.worlds import Actor, Texture, World, render, swinging

SHARED = Path(__file__).resolve().parents[2] / "shared" / "videos"
PERSON = "sam2/05_default_juggle.mp4"
"""One person, whole and never still, all the time: nothing can be left out."""
CROSSING = "intel_sample_videos/one-by-one-person-detection.mp4"
"""People walk in one by one, stand for ten seconds, and leave; in between there is nobody."""
WIDTH = 640


def rendered(path: Path, seconds: float = 10.0) -> Path:
    """Write a 640x360, 30 fps video in which two things swing over a textured ground."""
    actors = tuple(
        Actor(swinging(center, swing, period, 0.5, 3), (60.0, 45.0), Texture(seed, (230.0, 200.0, 40.0)))
        for center, swing, period, seed in (
            ((200.0, 180.0), (120.0, 0.0), 3.0, 1),
            ((450.0, 180.0), (0.0, 90.0), 2.5, 2),
        )
    )
    world = replace(World("perf"), size=(640, 360), duration_s=seconds, actors=actors)
    known = render(world, 30.0)
    frames = ((frame.time_s, frame.image) for frame in known.frames)
    video.encode(path, frames, (640, 360), crf=23)
    return path


def scaled(name: str, path: Path, longest_s: float = 25.0) -> Path | None:
    """Encode a clip of ../shared anew, 640 pixels wide, with all its frames; None where it is not here.

    Its cost is that of a 640-pixel video: decoding the original, which is larger, is not counted.
    """
    file = SHARED / name
    if not file.exists():
        return None
    source = video.scan(file)
    end_s = min(source.duration_s, longest_s)
    clip = video.make_clip(source, 0, end_s, 1000)
    height = round(clip.height * WIDTH / clip.width / 2) * 2
    video.encode(path, video.iterate_all(clip, WIDTH), (WIDTH, height), crf=20)
    return path


def looped(path: str, out: Path, seconds: float) -> Path:
    """Repeat a video's packets, without encoding them again, until it lasts ``seconds``."""
    with av.open(path) as source:
        stream = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.pts is not None]
        length = max((packet.pts or 0) + (packet.duration or 0) for packet in packets)
        copies = int(np.ceil(seconds / (length * float(stream.time_base or 0))))
        with av.open(str(out), "w") as container:
            copy = container.add_stream_from_template(stream)
            times = [(packet.pts or 0, packet.dts or 0) for packet in packets]
            for k in range(copies):
                for packet, (pts, dts) in zip(packets, times, strict=True):
                    packet.pts, packet.dts = pts + k * length, dts + k * length
                    packet.stream = copy
                    container.mux(packet)
    return out
