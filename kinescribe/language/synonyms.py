"""Verbs that tell the same motion in other words, for comparing two texts.

Groups are of near synonyms as captions of motion use them: a text that puts one for another stays true. Ways of going
(to walk, to run) are no synonyms of each other, but each is a going, so ``GENERIC`` verbs match all of them. A verb may
stand in several groups.
"""

from __future__ import annotations

from collections.abc import Mapping

from kinescribe.vocabulary import VERB_BY_LEMMA

GENERIC = frozenset({"move", "go", "travel", "come", "proceed", "head", "advance", "continue"})
"""What any going can be called."""

_GROUPS = """
raise lift elevate hoist
lower drop
bend flex
straighten extend stretch unbend
turn rotate pivot swivel spin twist
turn switch
receive take
say speak talk
flee escape
retrieve pick
hand give
scurry run
evade avoid
help assist support
converse communicate
discard throw
dispose throw
gaze stare
sip drink
burst erupt
spin twirl whirl revolve rotate
jump leap hop spring bound
walk stroll step stride pace amble
run jog sprint dash race
crawl creep
climb ascend clamber
descend fall drop sink
fall tumble collapse topple
rise ascend
stand rise
squat crouch
bow bend lean
lean tilt incline tip
tilt tip slant
throw toss hurl fling pitch lob cast
catch grab receive
grab grasp grip seize clutch snatch take
pick lift take grab
put place set lay
put place position
drop release
release let free
hold grip grasp clutch
push shove press nudge
press push squeeze
pull tug drag draw yank haul
carry bring transport
hit strike knock punch smack slap
kick boot
punch strike hit jab
swing sway rock
swing wave
shake wag wiggle jiggle
shake tremble quiver vibrate
wave flap
clap applaud
nod bob
look glance gaze peek peer
point gesture
gesture motion signal
wipe rub scrub clean
rub stroke
cut slice chop
stir mix blend
pour spill tip
open unfold unlock
close shut
enter come
leave exit depart go
appear emerge
disappear vanish
arrive come
stop halt cease
pause rest wait
start begin
accelerate speed quicken hasten
decelerate slow brake
approach near
retreat withdraw back recede
separate part
pass overtake
overtake outrun
follow chase pursue trail
chase pursue hunt
cross traverse
roll tumble
flip somersault
dive plunge
slide glide slip skid
drift float
fly soar
float hover
bounce rebound dribble
dribble bounce
juggle toss
circle orbit
dance sway
kneel crouch
sit squat
stagger stumble trip
drive steer
ride cycle
swim paddle
row paddle
land touch
touch tap pat
tap pat knock
hug embrace
shift move
retract withdraw pull
rotate roll twist
zigzag weave
weave dodge
dodge duck evade
duck crouch
lunge thrust
thrust push
spread open
fold bend
shrug raise
attach fasten fix
detach remove unfasten
remove take
insert put
serve hit
shoot throw
shoot kick
pan sweep
zoom magnify
"""

_GROUP_OF: Mapping[str, frozenset[int]] = {
    verb: frozenset(i for i, line in enumerate(_GROUPS.split("\n")) if verb in line.split())
    for verb in _GROUPS.split()
}


def same_verb(one: str, two: str) -> bool:
    """Whether two verb lemmas can tell the same motion; symmetric, not transitive."""
    if one == two:
        return True
    if _GROUP_OF.get(one, frozenset()) & _GROUP_OF.get(two, frozenset()):
        return True
    return one in GENERIC and _goes(two) or two in GENERIC and _goes(one)


def _goes(lemma: str) -> bool:
    verb = VERB_BY_LEMMA.get(lemma)
    return lemma in GENERIC or verb is not None and verb.predicate == "move"
