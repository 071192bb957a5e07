"""The only word list: directions, manners, verbs, body parts, skeletons, trajectory shapes, categories.

Whoever measures, writes, parses or judges takes its words from here, so that a word means the same to all.
Adding a verb is one line in ``VERBS``; the round-trip property test then covers it.
"""

from __future__ import annotations

from typing import NamedTuple

# --- directions ---------------------------------------------------------------------------------------------

COMPASS = ("right", "upper_right", "up", "upper_left", "left", "lower_left", "down", "lower_right")
"""Eight directions in the picture, every 45 degrees counterclockwise from right."""

DIRECTIONS = (
    *COMPASS, "forward", "backward", "toward_camera", "away_from_camera", "clockwise", "counterclockwise",
    "in", "out", "around", "in_place", "back_and_forth",
)  # fmt: skip

OPPOSITES = {
    "left": "right", "right": "left", "up": "down", "down": "up",
    "upper_left": "lower_right", "lower_right": "upper_left",
    "upper_right": "lower_left", "lower_left": "upper_right",
    "forward": "backward", "backward": "forward",
    "toward_camera": "away_from_camera", "away_from_camera": "toward_camera",
    "clockwise": "counterclockwise", "counterclockwise": "clockwise", "in": "out", "out": "in",
}  # fmt: skip

DIRECTION_PHRASES = {
    "left": "to the left", "right": "to the right", "up": "up", "down": "down",
    "upper_left": "to the upper left", "upper_right": "to the upper right",
    "lower_left": "to the lower left", "lower_right": "to the lower right",
    "forward": "forward", "backward": "backward",
    "toward_camera": "toward the camera", "away_from_camera": "away from the camera",
    "clockwise": "clockwise", "counterclockwise": "counterclockwise", "in": "in", "out": "out",
    "around": "around", "in_place": "in place", "back_and_forth": "back and forth",
}  # fmt: skip
"""How the writer says a direction. The parser knows more ways."""

TRAJECTORIES = ("static", "straight", "curved", "circular", "zigzag", "back_and_forth")
"""Shapes of a path."""

TRAJECTORY_PHRASES = {
    "straight": "in a straight line",
    "curved": "along a curved path",
    "circular": "in a circle",
    "zigzag": "in a zigzag",
    "back_and_forth": "back and forth",
}

# --- manners ------------------------------------------------------------------------------------------------

MAGNITUDES = ("slightly", "slowly", "quickly", "far", "deeply", "fully")
"""How much or how fast. Thresholds stand with the stage that measures them."""

LEVELS = ("individual", "limb", "distal")
"""KPM 3.2: whole body or object; arm, leg, torso; hand, foot, head."""

# --- verbs --------------------------------------------------------------------------------------------------


class Verb(NamedTuple):
    """A verb form table and what the verb asserts."""

    lemma: str
    third: str
    past: str
    gerund: str
    predicate: str
    direction: tuple[str, ...] = ()
    """Direction that the verb itself asserts (to rise is to move up)."""


PREDICATES = {
    "move": "the subject's place in the scene changes",
    "start": "the subject sets off after being still",
    "stop": "the subject comes to rest after moving",
    "pause": "the subject rests between two movements",
    "stay": "the subject does not change its place",
    "enter": "the subject comes into view",
    "leave": "the subject goes out of view",
    "accelerate": "the subject's speed grows",
    "decelerate": "the subject's speed falls",
    "approach": "the distance to the object shrinks",
    "separate": "the distance to the object grows",
    "pass": "the subject goes by the object to its other side",
    "overtake": "the subject passes the object, which goes the same way",
    "cross": "the subject's path crosses the object's path",
    "follow": "the subject goes the object's way, behind it",
    "touch": "the subject comes up to the object until they meet in the picture",
    "jump": "the subject leaves the ground and comes down again",
    "lean": "the trunk tips to a side, forward or backward",
    "turn": "the subject turns about itself",
    "raise": "the part goes up relative to the body",
    "lower": "the part goes down relative to the body",
    "bend": "the joint's inner angle shrinks",
    "straighten": "the joint's inner angle grows",
    "pan": "the camera turns left or right",
    "tilt": "the camera turns up or down",
    "roll": "the camera turns about its axis",
    "zoom": "the picture grows or shrinks about a point",
    "shake": "the camera trembles",
    "in_front_of": "the subject is nearer to the camera than the object that it overlaps in the picture",
    "behind": "the subject is farther from the camera than the object that it overlaps in the picture",
}
"""What a fact can assert, and what it means."""

RELATIONS = ("approach", "separate", "pass", "overtake", "cross", "follow", "touch")
"""Predicates that need an object."""

ORDERS = ("in_front_of", "behind")
"""Predicates that say who is before whom: they need an object, and a depth net (``records.Depth``)."""


def _regular(lemma: str, predicate: str, direction: tuple[str, ...] = (), double: bool = False) -> Verb:
    stem = lemma[:-1] if lemma.endswith("e") else lemma + (lemma[-1] if double else "")
    es = lemma.endswith(("s", "sh", "ch", "x", "o"))
    return Verb(lemma, lemma + ("es" if es else "s"), stem + "ed", stem + "ing", predicate, direction)


VERBS = (
    _regular("move", "move"),
    Verb("go", "goes", "went", "going", "move"),
    _regular("travel", "move"),
    _regular("drift", "move"),
    Verb("slide", "slides", "slid", "sliding", "move"),
    _regular("walk", "move"),
    Verb("run", "runs", "ran", "running", "move"),
    Verb("drive", "drives", "drove", "driving", "move"),
    Verb("fly", "flies", "flew", "flying", "move"),
    _regular("swing", "move")._replace(past="swung"),
    Verb("come", "comes", "came", "coming", "move"),
    _regular("head", "move"),
    _regular("glide", "move"),
    _regular("crawl", "move"),
    _regular("jog", "move")._replace(past="jogged", gerund="jogging"),
    _regular("sprint", "move"),
    _regular("race", "move"),
    _regular("rush", "move"),
    _regular("march", "move"),
    _regular("stroll", "move"),
    _regular("wander", "move"),
    _regular("skate", "move"),
    _regular("sail", "move"),
    _regular("float", "move"),
    Verb("ride", "rides", "rode", "riding", "move"),
    Verb("swim", "swims", "swam", "swimming", "move"),
    Verb("creep", "creeps", "crept", "creeping", "move"),
    Verb("rise", "rises", "rose", "rising", "move", ("up",)),
    _regular("climb", "move", ("up",)),
    Verb("fall", "falls", "fell", "falling", "move", ("down",)),
    Verb("sink", "sinks", "sank", "sinking", "move", ("down",)),
    _regular("descend", "move", ("down",)),
    _regular("ascend", "move", ("up",)),
    _regular("start", "start"),
    Verb("set", "sets", "set", "setting", "start"),
    _regular("stop", "stop", double=True),
    _regular("halt", "stop"),
    _regular("pause", "pause"),
    _regular("stay", "stay"),
    _regular("remain", "stay"),
    _regular("enter", "enter"),
    _regular("appear", "enter"),
    _regular("arrive", "enter"),
    _regular("emerge", "enter"),
    Verb("leave", "leaves", "left", "leaving", "leave"),
    _regular("exit", "leave"),
    _regular("disappear", "leave"),
    _regular("depart", "leave"),
    _regular("accelerate", "accelerate"),
    Verb("speed", "speeds", "sped", "speeding", "accelerate"),
    _regular("decelerate", "decelerate"),
    _regular("slow", "decelerate"),
    _regular("approach", "approach"),
    _regular("separate", "separate"),
    _regular("pass", "pass"),
    Verb("overtake", "overtakes", "overtook", "overtaking", "overtake"),
    _regular("cross", "cross"),
    _regular("follow", "follow"),
    _regular("touch", "touch"),
    _regular("jump", "jump"),
    _regular("hop", "jump", double=True),
    _regular("leap", "jump"),
    _regular("lean", "lean"),
    _regular("turn", "turn"),
    Verb("spin", "spins", "spun", "spinning", "turn"),
    _regular("raise", "raise"),
    _regular("lift", "raise"),
    _regular("lower", "lower"),
    _regular("drop", "lower", double=True),
    Verb("bend", "bends", "bent", "bending", "bend"),
    _regular("flex", "bend"),
    _regular("straighten", "straighten"),
    _regular("extend", "straighten"),
    _regular("pan", "pan", double=True),
    _regular("tilt", "tilt"),
    _regular("roll", "roll"),
    _regular("rotate", "roll"),
    _regular("zoom", "zoom"),
    Verb("shake", "shakes", "shook", "shaking", "shake"),
)
"""Verbs that the writer uses or the parser ties to a measurable predicate."""

VERB_BY_LEMMA = {verb.lemma: verb for verb in VERBS}
VERB_BY_FORM = {form: verb for verb in VERBS for form in verb[:4]}

# --- bodies -------------------------------------------------------------------------------------------------

BLAZEPOSE_33 = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
    "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle", "left_heel", "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip
"""Names of the 33 BlazePose points, in order."""

COCO_17 = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
"""Names of the 17 COCO points, in order."""

FACE_NAMES = {
    36: "right_eye_outer", 39: "right_eye_inner", 42: "left_eye_inner", 45: "left_eye_outer",
    48: "mouth_right", 54: "mouth_left",
}  # fmt: skip
"""Points of the 68 of a face that BlazePose has too."""
FINGERS = ("thumb", "index", "middle", "ring", "pinky")


def _hand(side: str) -> tuple[str, ...]:
    """Names of 21 points: root, then four a finger to its tip; BlazePose has the first knuckles of two."""
    points = tuple(f"{side}_{finger}_{i}" for finger in FINGERS for i in range(1, 5))
    return (
        f"{side}_hand_root",
        *(p.removesuffix("_1") if p[:-2].endswith(("index", "pinky")) else p for p in points),
    )


COCO_WHOLEBODY_133 = (
    *COCO_17,
    "left_foot_index", "left_small_toe", "left_heel", "right_foot_index", "right_small_toe", "right_heel",
    *(FACE_NAMES.get(i, f"face_{i}") for i in range(68)),
    *_hand("left"), *_hand("right"),
)  # fmt: skip
"""COCO-WholeBody (Jin et al. 2020, arXiv:2007.11858): body, feet, 68 points of the face, 21 of each hand (root, then
four a finger, from the palm to the tip). A joint that BlazePose knows has the same name (the big toe is the foot
index, ``left_index`` the index finger's first knuckle)."""

HALPE_26 = (
    *COCO_17, "head", "neck", "hip",
    "left_foot_index", "right_foot_index", "left_small_toe", "right_small_toe", "left_heel", "right_heel",
)  # fmt: skip
"""Halpe's 26 points of body and feet (Fang et al. 2022, arXiv:2211.03375)."""

HAND_21 = ("wrist", *(f"{finger}_{i}" for finger in FINGERS for i in range(1, 5)))
"""Names of the 21 points of a hand, in order: the wrist, then four a finger, from the palm to the tip."""

SKELETONS = {
    "hand21": HAND_21,
    "blazepose33": BLAZEPOSE_33,
    "coco17": COCO_17,
    "halpe26": HALPE_26,
    "coco_wholebody133": COCO_WHOLEBODY_133,
}
"""Keypoint names by skeleton."""

LIMBS = (
    ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"),
    ("left_shoulder", "left_hip"), ("right_shoulder", "right_hip"),
    ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
    ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
    ("left_hip", "left_knee"), ("left_knee", "left_ankle"), ("left_ankle", "left_foot_index"),
    ("right_hip", "right_knee"), ("right_knee", "right_ankle"), ("right_ankle", "right_foot_index"),
)  # fmt: skip
"""Bones to draw, by keypoint name."""

ANGLES = {
    "left_shoulder": ("left_elbow", "left_shoulder", "left_hip"),
    "right_shoulder": ("right_elbow", "right_shoulder", "right_hip"),
    "left_elbow": ("left_shoulder", "left_elbow", "left_wrist"),
    "right_elbow": ("right_shoulder", "right_elbow", "right_wrist"),
    "left_hip": ("left_shoulder", "left_hip", "left_knee"),
    "right_hip": ("right_shoulder", "right_hip", "right_knee"),
    "left_knee": ("left_hip", "left_knee", "left_ankle"),
    "right_knee": ("right_hip", "right_knee", "right_ankle"),
    "left_ankle": ("left_knee", "left_ankle", "left_heel"),
    "right_ankle": ("right_knee", "right_ankle", "right_heel"),
}
"""The ten joint angles of KPM table 4, by the names of their three points (the middle one is the vertex)."""

ANGLE_PAIRS = ("shoulder", "elbow", "hip", "knee", "ankle")
"""Angles that come in two."""

PARTS = {
    "left_arm": ("left arm", "limb"), "right_arm": ("right arm", "limb"), "both_arms": ("both arms", "limb"),
    "left_leg": ("left leg", "limb"), "right_leg": ("right leg", "limb"), "both_legs": ("both legs", "limb"),
    "left_elbow": ("left elbow", "limb"), "right_elbow": ("right elbow", "limb"),
    "both_elbows": ("both elbows", "limb"),
    "left_knee": ("left knee", "limb"), "right_knee": ("right knee", "limb"), "both_knees": ("both knees", "limb"),
    "left_hip": ("left hip", "limb"), "right_hip": ("right hip", "limb"), "both_hips": ("both hips", "limb"),
    "left_hand": ("left hand", "distal"), "right_hand": ("right hand", "distal"),
    "both_hands": ("both hands", "distal"),
}  # fmt: skip
"""Body parts of facts: how they are said, and their level (KPM 3.2)."""

HAND_BONES = (
    *(("wrist", f"{finger}_1") for finger in FINGERS),
    *((f"{finger}_{i}", f"{finger}_{i + 1}") for finger in FINGERS for i in (1, 2, 3)),
)
"""Bones of a hand to draw, by keypoint name."""

CONTACTS = ("unknown", "no_contact", "self_contact", "other_person_contact", "object_contact")
"""What a hand touches (FoundationMotion 3.2.2, after Hands23), and that nothing can be said, which comes first: a
record holds indices into this."""

HAND_OFFSETS = {"left": 1, "right": 4}
"""Track id of a person's hand, less the person's; the object in it is one further (FoundationMotion 3.2.3)."""


def hand_side(hand_id: int) -> str:
    """Return the side of a hand by its track id."""
    return next(side for side, offset in HAND_OFFSETS.items() if hand_id % 10 == offset)


# --- things -------------------------------------------------------------------------------------------------

PERSON, NAMELESS = "person", "object"
"""Labels of tracks: somebody, and what moves without a name."""

COCO_CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
"""The 80 classes of COCO (Lin et al. 2014), in the order in which nets number them."""

FURNITURE = frozenset((
    "bench", "chair", "couch", "bed", "dining table", "toilet", "tv", "sink", "oven", "refrigerator", "microwave",
))  # fmt: skip
"""Things that move only if somebody moves them: when their box changes, mostly something before them has moved."""

HOLDERS = FURNITURE | {"boat", "train", "bus", "umbrella", "laptop", "bowl"}
"""Things with others on, in or before them: what moves inside their box need not be a part of them."""

# --- camera, events, questions ------------------------------------------------------------------------------

CAMERA_LABELS = (
    "static", "slight", "pan_left", "pan_right", "tilt_up", "tilt_down", "roll_clockwise",
    "roll_counterclockwise", "zoom_in", "zoom_out", "dolly_in", "dolly_out", "handheld", "complex",
    "unknown",
)  # fmt: skip
"""What the camera does. ``dolly_in`` is driving forward: the scene expands with parallax, unlike ``zoom_in``.
``unknown`` stands alone: nothing tells (``cameras/codec``)."""

EVENTS = (
    "visible", "enter", "leave", "move", "start", "still", "oscillate", "grow", "shrink", "accelerate", "decelerate",
    "approach", "separate", "pass", "overtake", "cross", "follow", "touch", "raise", "lower", "bend", "straighten",
    "jump", "lean", "turn", "repeat", "camera", "nearer", "farther", *ORDERS,
)  # fmt: skip
"""Kinds of measured events."""

QA_CATEGORIES = (
    "motion_recognition", "action_order", "motion_object", "location_motion", "repetition_count",
    "motion_attribute", "spatial_relation",
)  # fmt: skip
"""FoundationMotion's seven categories (A.3)."""

KPM_CATEGORIES = ("kpm_human", "kpm_movement", "kpm_camera", "kpm_environment", "kpm_emotion")
"""KPM-QA's five groups (its appendix C)."""

CHECKLIST = "event_checklist"
"""Questions about single events, answered from a caption (MotionAtlas)."""

OPTION_ROLES = ("content", "not_mentioned", "unclear", "differs")
"""What an option of a checklist question is: a content, or one of MotionAtlas's three ways out of it."""
