"""KPM-QA's questions about the camera."""

from __future__ import annotations

from collections.abc import Iterator

from kinescribe.questions import readings
from kinescribe.questions import statements as say
from kinescribe.questions.foundationmotion import one_right
from kinescribe.questions.kpm_topic import Topic
from kinescribe.questions.options import Draft, Option
from kinescribe.questions.scene import CAMERA_IDEAS, at_once, none_of, only
from kinescribe.records import CAMERA, MotionFact, Span

SELDOM = 0.25
"""How often it is asked whether a camera that rests zooms: as often as by chance, so that "no" tells nothing."""


class Camera(Topic):
    """What the camera does."""

    def camera_movement(self) -> Iterator[Draft]:
        """What the camera does."""
        scene = self.scene
        for fact in scene.surest:
            if fact.subject != CAMERA:
                continue
            span = scene.during(fact)
            others = (scene.option(idea, span) for idea in scene.ideas(fact))
            text = f"How does the camera move{say.when(fact)}?"
            yield self._of_fact(fact, text, (scene.option(say.core(fact), span), others), "what")

    def camera_course(self) -> Iterator[Draft]:
        """What the camera does first, and then."""
        scene = self.scene
        own = sorted(
            (f for f in scene.facts if f.subject == CAMERA and scene.during(f) is not None),
            key=lambda f: f.span.start_s,
        )
        for one, two in zip(own, own[1:], strict=False):
            if one.span.end_s > two.span.start_s + 0.3 or scene.says(one) == scene.says(two):
                continue
            spans = [scene.during(f) or f.span for f in (one, two)]

            def told(a: MotionFact, b: MotionFact, spans: list[Span] = spans) -> Option:
                judged = at_once(*(scene.judge(say.core(f), s) for f, s in zip((a, b), spans, strict=True)))
                return Option(f"it {scene.says(say.core(a))}, then it {scene.says(say.core(b))}", judged)

            ideas = scene.shuffled(CAMERA_IDEAS, say.content(one))
            others = [told(two, one)]
            others += [told(one, say.but(two, *idea)) for idea in ideas]
            others += [told(say.but(one, *idea), two) for idea in ideas]
            same = scene.shuffled([o for o in others if not _twice(o.text)], say.content(two))
            text = f"What does the camera do between {spans[0].start_s:.1f} s and {spans[1].end_s:.1f} s?"
            about = f"course:{say.content(one)}"
            span = Span(spans[0].start_s, spans[1].end_s)
            yield Draft("", "", about, text, told(one, two), same, CAMERA, one.id, span)

    def camera_static(self) -> Iterator[Draft]:
        """Whether the camera rests."""
        words = {
            "always": "still all the while", "never": "moving all the time",
            "first": "still, later moving", "last": "moving, later still",
        }  # fmt: skip
        options = [Option(w, readings.camera_rest(self.scene.measured, kind)) for kind, w in words.items()]
        text = "Is the camera still or in motion?"
        # That it stays still may have been asked of a fact.
        said = [f for f in self.scene.facts if (f.subject, f.predicate) == (CAMERA, "stay")]
        about = f"what:{say.content(said[0])}" if len(said) == 1 and not self.scene.during(said[0]) else ""
        yield Draft("", "", about, text, *one_right(options), subject=CAMERA)

    def camera_zoom(self) -> Iterator[Draft]:
        """Whether the camera zooms while somebody does something: once a clip, when it does if it ever does."""
        scene = self.scene
        zooms = [f.span for f in scene.facts if f.subject == CAMERA and f.predicate == "zoom"]
        if not scene.measured.camera.moves and scene.draw("zoom") >= SELDOM:
            return
        for fact in sorted(
            self._facts(), key=lambda f: -max((_common_s(f.span, z) for z in zooms), default=0.0)
        ):
            span = scene.during(fact)
            if span is None or span.duration_s < 0.8 or fact.subject == CAMERA:
                continue
            nears, leaves = (
                scene.judge(MotionFact("", CAMERA, "zoom", span, direction=(w,)), span) for w in ("in", "out")
            )
            options = [
                Option("inward", only(nears, leaves)), Option("outward", only(leaves, nears)),
                Option("neither", none_of(nears, leaves)),
                Option("both ways", at_once(nears, leaves)),
            ]  # fmt: skip
            what = scene.whole(say.core(fact))
            text = f"Does the camera zoom while {what}{say.when(fact)}, and which way?"
            yield self._of_fact(fact, text, one_right(options), "zoom")._replace(subject=CAMERA, about="zoom")


def _common_s(one: Span, two: Span) -> float:
    """Return for how long two happen at once."""
    return max(0.0, min(one.end_s, two.end_s) - max(one.start_s, two.start_s))


def _twice(text: str) -> bool:
    """Whether a course says the same twice."""
    one, _, two = text.partition(", then ")
    return one == two


__all__ = ["Camera"]
