"""KPM-QA's five groups (KPM-Bench, appendix C): 38 templates, of which measurements answer 29.

The paper counts 38 templates and lists 29 points. Points that ask for several things are counted once for each; then
there are 38: people 5 (whether two interact, and how, are two), movement 23 (legs, hands and head are three; what is
held at all, in the left and in the right hand three; contact with things and with people two; what is manipulated, and
how, two), camera 5 (zoom and focus are two), surroundings 2, emotion 3 (through movement, through expression, and the
face). What no measurement shows is asked of a model (``voiced``), where there is one.

Templates about somebody speak of the people of a clip, and of everything that moves where there are no people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from kinescribe.questions.kpm_body import Body
from kinescribe.questions.kpm_camera import Camera
from kinescribe.questions.kpm_movement import Movement
from kinescribe.questions.kpm_people import People
from kinescribe.questions.options import Draft
from kinescribe.questions.scene import Scene
from kinescribe.vocabulary import (
    KPM_CATEGORIES,
)

HUMAN, MOVEMENT, CAMERA_GROUP, ENVIRONMENT, EMOTION = KPM_CATEGORIES


class Template(NamedTuple):
    """One form of question."""

    group: str
    name: str
    asks: str
    """What it is about, in our words: told to a model where nothing measured answers it."""
    measured: bool = True


TEMPLATES = (
    Template(HUMAN, "people_count", "how many people are visible"),
    Template(HUMAN, "people_moving", "how many people are moving"),
    Template(HUMAN, "interaction", "whether two people act on each other"),
    Template(HUMAN, "interaction_kind", "how one person acts on another"),
    Template(HUMAN, "same_movement", "whether all people make the same movement"),
    Template(MOVEMENT, "together", "whether a movement is made alone or together"),
    Template(MOVEMENT, "type", "which kind of movement somebody makes"),
    Template(MOVEMENT, "duration", "how long a movement lasts"),
    Template(MOVEMENT, "speed", "how fast a movement is"),
    Template(MOVEMENT, "continuity", "whether a movement goes on or is interrupted"),
    Template(MOVEMENT, "rhythm", "in which rhythm a movement repeats"),
    Template(MOVEMENT, "posture", "whether the trunk keeps its posture"),
    Template(MOVEMENT, "description", "what somebody does, told in detail"),
    Template(MOVEMENT, "subtle", "a small movement or gesture"),
    Template(MOVEMENT, "legs", "what the legs do"),
    Template(MOVEMENT, "hands", "what the arms and hands do"),
    Template(MOVEMENT, "head", "how the head of somebody moves", measured=False),
    Template(MOVEMENT, "synchrony", "whether body parts move at the same time"),
    Template(MOVEMENT, "initiating", "which body part begins a movement"),
    Template(MOVEMENT, "order", "in which order movements happen"),
    Template(MOVEMENT, "held", "which hands hold something"),
    Template(MOVEMENT, "held_left", "what the left hand holds"),
    Template(MOVEMENT, "held_right", "what the right hand holds"),
    Template(MOVEMENT, "touches_thing", "which thing somebody touches"),
    Template(MOVEMENT, "touches_person", "whom somebody touches"),
    Template(MOVEMENT, "manipulated", "which thing somebody handles, and what becomes of it", measured=False),
    Template(MOVEMENT, "manner", "in which manner somebody handles a thing", measured=False),
    Template(MOVEMENT, "count", "how often a movement is repeated"),
    Template(CAMERA_GROUP, "camera_movement", "how the camera moves"),
    Template(CAMERA_GROUP, "camera_course", "how the camera's movement changes over time"),
    Template(CAMERA_GROUP, "camera_static", "whether the camera rests or moves"),
    Template(CAMERA_GROUP, "camera_zoom", "whether the camera zooms while something happens"),
    Template(CAMERA_GROUP, "camera_focus", "how the camera's focus changes", measured=False),
    Template(ENVIRONMENT, "place", "whether the scene is indoors or outdoors, and where", measured=False),
    Template(ENVIRONMENT, "influence", "how the surroundings affect the movement", measured=False),
    Template(EMOTION, "emotion_movement", "which mood the body's movements convey", measured=False),
    Template(EMOTION, "emotion_expression", "which feeling a person expresses", measured=False),
    Template(EMOTION, "face", "which facial expression goes with the movement", measured=False),
)  # fmt: skip
"""The 38, by group."""


class Kpm:
    """Asks KPM-QA's templates, as far as measurements answer them, about a scene."""

    categories = KPM_CATEGORIES

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._topics = People(scene), Movement(scene), Body(scene), Camera(scene)

    def drafts(self, category: str) -> Iterator[Draft]:
        """Yield what could be asked in a group: each template once before any a second time.

        Their order is drawn, so that over many clips all of them are asked.
        """
        own = [t.name for t in TEMPLATES if t.group == category and t.measured]
        waiting = [self._named(name) for name in self.scene.shuffled(own, "templates")]
        while waiting:
            going = []
            for drafts in waiting:
                draft = next(drafts, None)
                if draft is not None:
                    yield draft
                    going.append(drafts)
            waiting = going

    def _named(self, name: str) -> Iterator[Draft]:
        people, movement, body, camera = self._topics
        makers: Mapping[str, Callable[[], Iterator[Draft]]] = {
            "people_count": people.people_count, "people_moving": people.people_moving,
            "interaction": people.interaction, "interaction_kind": people.interaction_kind,
            "same_movement": people.same_movement, "together": people.together, "type": movement.type,
            "duration": movement.duration, "speed": movement.speed, "continuity": movement.continuity,
            "rhythm": movement.rhythm, "posture": body.posture, "description": movement.description,
            "subtle": body.subtle, "legs": body.legs, "hands": body.arms, "synchrony": body.synchrony,
            "initiating": body.initiating, "order": movement.order, "held": body.held,
            "held_left": lambda: body.held_in("left"), "held_right": lambda: body.held_in("right"),
            "touches_thing": body.touches_thing, "touches_person": body.touches_person, "count": movement.count,
            "camera_movement": camera.camera_movement, "camera_course": camera.camera_course,
            "camera_static": camera.camera_static, "camera_zoom": camera.camera_zoom,
        }  # fmt: skip
        group = next(t.group for t in TEMPLATES if t.name == name)
        for draft in makers[name]():
            yield draft._replace(category=group, template=f"kpm.{name}", about=draft.about or f"{name}")


__all__ = ["TEMPLATES", "Kpm", "Template"]
