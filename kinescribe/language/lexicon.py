"""English that the rule parser needs beyond ``vocabulary``: closed classes, verb forms, states, light verbs.

The verb list is a prior, not a limit: unknown words are read as verbs by their ending and their place.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from kinescribe.vocabulary import VERBS

# --- closed classes -----------------------------------------------------------------------------------------

DETERMINERS = frozenset(
    (
        "the a an this these those some any each every another both all no neither either several many few more "
        "most various"
    ).split()
)
POSSESSIVES = frozenset(["his", "her", "its", "their", "my", "your", "our"])
SUBJECT_PRONOUNS = frozenset(
    ("he she it they we you i someone somebody nobody everyone everybody something one none who both").split()
)
OBJECT_PRONOUNS = frozenset(
    ["him", "them", "me", "us", "it", "her", "itself", "himself", "herself", "themselves", "something", "one"]
)
PRONOUNS = SUBJECT_PRONOUNS | OBJECT_PRONOUNS
NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
}  # fmt: skip
BE = frozenset(["is", "are", "was", "were", "be", "been", "being", "am", "'s", "'re", "'m"])
HAVE = frozenset(["has", "have", "had", "having", "'ve"])
GET = frozenset(["get", "gets", "got", "getting"])
"""Helpers of a passive: "gets tossed"."""
DO = frozenset(["do", "does", "did"])
MODALS = frozenset(
    ["may", "might", "can", "cannot", "ca", "could", "would", "'d", "'ll", "should", "will", "shall", "must"]
)
NEGATIONS = frozenset(
    "not never n't hardly barely scarcely without didnt doesnt dont isnt arent wasnt werent cant wont".split()
)
COORDINATORS = frozenset(["and", "or", "nor", "but", "then", "so"])
SUBORDINATORS = frozenset(
    (
        "after before while as when whenever until once because since although though if where whereas whereupon"
    ).split()
)
RELATIVES = frozenset(["who", "which", "that", "whose", "whom"])
PREPOSITIONS = frozenset(
    (
        "of in on at to toward towards from into onto over under above below behind beside between through "
        "across along around round by with without near against off out up down inside outside beneath among "
        "past within during about for like until amid upon via throughout despite except beyond"
    ).split()
)
PARTICLES = frozenset(
    ["up", "down", "out", "off", "back", "away", "over", "in", "on", "around", "aside", "apart", "together"]
)
ADVERBS = frozenset(
    (
        "then again forward forwards backward backwards upward upwards downward downwards inward inwards outward "
        "outwards leftward leftwards rightward rightwards sideways ahead aside away back together apart twice "
        "once clockwise counterclockwise counter-clockwise anti-clockwise anticlockwise home overhead too also "
        "just still very quite almost nearly now soon first finally there here meanwhile afterwards afterward "
        "later next straight uphill downhill upstairs downstairs fast far closer farther further low diagonally "
        "occasionally even aloud wider instead perhaps maybe together suddenly abruptly motionless somewhat "
        "alternately well throughout"
    ).split()
)
NOT_ADVERBS = frozenset(
    ("family fly butterfly belly jelly assembly bully ally reply lily only early likely jersey").split()
)
ADJECTIVES = frozenset(
    (
        "red blue green yellow white black grey gray brown orange silver purple pink dark light bright small "
        "large big little young old tall short long wide narrow open level calm still stable square tired ready "
        "high deep other same opposite whole entire shallow wooden metal upright"
    ).split()
)

# --- verbs --------------------------------------------------------------------------------------------------

_REGULAR = (
    "accept add adjust advance aim amble approach arch arrange attach attack back balance bang bat bathe "
    "beckon block board bob bounce bow box brace brake brush buckle bump bury button call capture carry "
    "cartwheel cast change charge chase check cheer chew chop circle clap clasp clean clear clench climb "
    "clip close collapse collide collect comb continue cook cough cover crack crash crawl cross crouch crush "
    "cruise curl curtsy curve cycle dance dangle dart dash deliver detach dip direct dive dodge douse drag "
    "drain dress dribble drift drop duck dunk dust elevate embrace empty emerge enter exhale exit explode "
    "extend extract face fasten file fill film fire fish fix flail flap flash flatten flex flick flip float "
    "flop flow flutter focus fold follow fumble gallop gather gaze gesture glance glide grab grasp greet "
    "grip guide gulp halt hammer hand hand head help hesitate hike hit hoist hook hop hover hug hurdle hurl "
    "hurry incline inhale insert inspect invert jab jerk jog join juggle jump kick kiss kneel knock land "
    "lash latch laugh launch lean leap lick lift link load lob lock look loop loosen lower lug lunge march "
    "massage meander merge mix mop mount move nod nudge open orbit overtake pack paddle paint park pass pat "
    "pause peck pedal peek peel peer perform pick pile pin pinch pitch pivot place plant play plop pluck "
    "plunge point poke polish pop pose pounce pour pound pray press proceed prod propel pull pump punch push "
    "race raise rake ram reach rear recline recoil recover release remove repeat replace rest retract "
    "retreat return reverse revolve rinse rip rise rock roll rotate rub rush sail salute sand saw scan "
    "scatter scoop scramble scrape scratch scroll scrub seal search seize separate serve settle sew shape "
    "share shave shift shoot shout shove shrug shuffle shut sidestep sip skate ski skid skim skip slam slap "
    "slash slice slip slow slump smack smash smear smell smile smooth smoke smooth snap snatch sneak sniff "
    "soar somersault speed spill spiral splash split spray spread sprint sprinkle squat squeeze squirt stab "
    "stack stagger stamp stare start steer step stir stomp stoop stop straighten straddle strap stretch "
    "stride stroke stroll strum stumble submerge support surf surge surround sway sweep swerve swipe swirl "
    "swivel swoop tackle tap taste taxi tear tighten tilt tip toss touch tow trace trail travel traverse "
    "tremble trim trip trot trudge tuck tug tumble turn twirl twist type uncross undress unfold unlock untie "
    "unwind unwrap use vacuum vault veer vibrate wag walk wander warm wash watch water wave wedge whip whirl "
    "whisk whistle wiggle wipe wobble work wrap wrestle wriggle yank yawn zip zigzag bend celebrate count "
    "write boil decelerate accelerate hold seem appear disappear stay remain wait keep try attempt manage "
    "begin end finish contain show depict suggest consist wind lead read wear involve moor hang lie stand "
    "sit prepare intend want need allow cause make let help cut put set get take give go come do have absorb"
).split()
_IRREGULAR = """
be was been; wet wet wet; shed shed shed; bear bore borne; beat beat beaten; begin began begun; bend bent bent; bind bound bound; bite bit bitten;
blow blew blown; break broke broken; bring brought brought; build built built; burst burst burst; buy bought bought;
cast cast cast; catch caught caught; choose chose chosen; cling clung clung; come came come; creep crept crept; cut cut cut;
dig dug dug; dive dived dived; do did done; draw drew drawn; drink drank drunk; drive drove driven; eat ate eaten;
fall fell fallen; feed fed fed; feel felt felt; fight fought fought; find found found; flee fled fled; fling flung flung;
fly flew flown; get got got; give gave given; go went gone; grind ground ground; grow grew grown; hang hung hung;
have had had; hear heard heard; hide hid hidden; hit hit hit; hold held held; keep kept kept; kneel knelt knelt; lay laid laid;
lead led led; lean leaned leaned; leap leapt leapt; leave left left; let let let; lie lay lain; light lit lit; lose lost lost;
make made made; meet met met; overtake overtook overtaken; put put put; read read read; ride rode ridden; ring rang rung;
rise rose risen; run ran run; say said said; see saw seen; send sent sent; set set set; shake shook shaken; shed shed shed;
shine shone shone; shoot shot shot; show showed shown; shut shut shut; sing sang sung; sink sank sunk; sit sat sat; sleep slept slept;
slide slid slid; sling slung slung; slit slit slit; speak spoke spoken; speed sped sped; spin spun spun; spit spat spat;
split split split; spread spread spread; spring sprang sprung; stand stood stood; steal stole stolen; stick stuck stuck;
strike struck struck; string strung strung; sweep swept swept; swim swam swum; swing swung swung; take took taken; teach taught taught;
tear tore torn; tell told told; think thought thought; throw threw thrown; thrust thrust thrust; wake woke woken; wear wore worn;
weave wove woven; win won won; wind wound wound; withdraw withdrew withdrawn; write wrote written; ski skied skied
"""


class Form(NamedTuple):
    """A reading of a word as a verb form."""

    lemma: str
    kind: str
    """base, third, past, participle or gerund."""


def _inflect(lemma: str) -> dict[str, str]:
    """Return the regular forms of a verb by kind."""
    es = lemma.endswith(("s", "sh", "ch", "x", "z", "o"))
    third = lemma + "es" if es else re.sub(r"(?<=[^aeiou])y$", "ie", lemma) + "s"
    stem = lemma + lemma[-1] if re.fullmatch(r"(qu|[^aeiou])*[aeiou][^aeiouwxy]", lemma) else lemma
    past = re.sub(r"(?<=[^aeiou])y$", "i", stem.removesuffix("e")) + "ed"
    gerund = re.sub(r"(?<=[^eoy])e$", "", stem)
    gerund = re.sub(r"ie$", "y", lemma) if lemma.endswith("ie") else gerund
    return {"base": lemma, "third": third, "past": past, "participle": past, "gerund": gerund + "ing"}


def _all_forms() -> dict[str, list[Form]]:
    table: dict[str, dict[str, str]] = {lemma: _inflect(lemma) for lemma in _REGULAR}
    for line in _IRREGULAR.replace("\n", " ").split(";"):
        lemma, past, participle = line.split()
        table[lemma] = {**_inflect(lemma), "past": past, "participle": participle}
    for verb in VERBS:
        forms = table.setdefault(verb.lemma, _inflect(verb.lemma))
        forms |= {"third": verb.third, "past": verb.past, "gerund": verb.gerund}
    found: dict[str, list[Form]] = {}
    for lemma, forms in table.items():
        for kind, word in forms.items():
            found.setdefault(word, []).append(Form(lemma, kind))
    return found


FORMS = _all_forms()
"""Readings of known verb forms."""

NOT_VERBS = frozenset(
    (
        "building ceiling railing clothing morning evening string ring king thing wing wings during something "
        "anything nothing everything railings bed red hundred seed feed weed speed shed arms legs knees elbows "
        "hips toes fingers palms shoulders eyes ears wrists ankles feet heels thighs hands clothes is was his "
        "its this as us yes gas bus lens across pants jeans glasses stairs always perhaps besides sometimes "
        "towards backwards forwards upwards downwards inwards outwards afterwards sideways series species class "
        "grass glass mattress upstairs downstairs people bars ping dumbbells vegetables minutes seconds times "
        "degrees centimeters meters target"
    ).split()
)
"""Words whose ending looks like a verb's."""


@lru_cache(maxsize=100_000)
def readings(word: str) -> list[Form]:
    """Return how a word can be read as a verb; unknown words by their ending."""
    known = FORMS.get(word)
    if known:
        return known
    if word in NOT_VERBS or not word.isalpha() or len(word) < 4:
        return []
    if word.endswith("ing") and re.search(r"[aeiouy].*ing$", word):
        return [Form(verb_lemma(word), "gerund")]
    if word.endswith("ed") and re.search(r"[aeiouy].*ed$", word):
        lemma = verb_lemma(word)
        return [Form(lemma, "past"), Form(lemma, "participle")]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return [Form(verb_lemma(word), "third")]
    return []


@lru_cache(maxsize=100_000)
def verb_lemma(word: str) -> str:
    """Return the lemma of a verb form: the known one, else by lemminflect's dictionary and rules (Jascob 2019)."""
    known = FORMS.get(word)
    if known:
        return known[0].lemma
    from lemminflect import getLemma  # brings spaCy, which the rules need for nothing else

    return next(iter(getLemma(word, upos="VERB")), word)


@lru_cache(maxsize=100_000)
def is_verb(word: str) -> bool:
    """Whether a dictionary has a word as the lemma of a verb."""
    from lemminflect import getAllLemmas

    return word in getAllLemmas(word, upos="VERB").get("VERB", ())


STATES = frozenset(
    (
        "refrain doze mislay forget ignore notice mean flank huddle eye realize realise decide remember share occupy suppose threaten be have wear hold wait face rest hang surround contain stand sit lie see show depict consist suggest "
        "seem appear disappear need want feel read lead wind know belong remain stay focus fix film "
        "feature dress involve resemble present line seat demonstrate reveal display portray represent include imply indicate "
        "love like live own absorb situate warm highlight evoke emphasize emphasise showcase convey underscore symbolize symbolise cling tower capture refuse decline equip blur use vanish watch listen "
        "hear think keep begin end prepare intend plan try attempt manage fail repeat"
    ).split()
)
"""Verbs that assert no motion by themselves."""
POSTURES = frozenset(["stand", "sit", "lie", "kneel", "lean", "crouch", "squat"])
"""States as a held posture, events with a direction or in a sequence."""
CONTROL = frozenset(
    (
        "begin start continue keep end finish try attempt manage appear seem proceed fail need want happen tend "
        "resume cease help prefer decide choose learn"
    ).split()
)
"""Followed by another verb, these say only that, when or whether it happens."""
STATIVE_PASSIVES = frozenset(
    (
        "fold moor park fill mount lock cover position decorate warm mask seat dress fix surround equip locate place "
        "attach connect tie scatter line crowd stack pile adorn curl arrange spread pin lock litter cross clasp paint mark"
    ).split()
)
"""What "is V-ed" says of these is how something is, not what happens to it, unless another passive leads up to it."""
SHOWS = frozenset("show capture depict see watch film reveal present feature follow".split())
"""Whose object goes on to act: "the shot shows a man walking"."""
FILMS = frozenset(
    (
        "move pan tilt zoom track follow rotate turn shake stay remain hold pull push dolly shift switch cut focus capture show "
        "reveal circle orbit rise descend swing go come drift glide stop back fly travel tremble jerk sway look continue start "
        "approach retreat advance swivel arc zoom-in roll lift lower raise spin close open begin fade pass speed slow"
    ).split()
)
"""What a camera can do."""
LIES = frozenset(
    (
        "run lead wind climb descend snake curve go stretch extend fork branch cross fall drop turn bend pass continue "
        "twist dip loop circle shine reach come cut slope swing"
    ).split()
)
"""Said of a road or of light, these tell how it lies."""
COVERS = frozenset(
    "cover line block stretch surround frame fill separate divide occupy support connect join flank dangle hang rest".split()
)
"""Said of a thing in "-ing", these tell where it is: "a rug covering the floor"."""
INTRANSITIVE = frozenset(
    (
        "jump leap hop dive pivot glide pounce step swim fly run walk come go move fall slide rise sink climb march jog "
        "sprint dash dart crawl creep trot gallop skip spring bounce roll drift float sail spin rotate swerve veer lunge "
        "lean bow kneel squat crouch sit stand lie land stumble trip slip wobble sway swing bob kick-off ski skate surf "
        "row carve stomp shuffle stagger limp stride tiptoe wander hurry rush speed accelerate brake stop halt turn "
        "twirl pirouette somersault cartwheel tumble topple collapse retreat advance back"
    ).split()
)
"""Behind these "off the bench", "up the slide" say where."""
CAUSATIVES = frozenset(["let", "make", "have", "cause", "force", "enable", "allow", "help", "permit", "get"])
"""With an object and another verb these say only that somebody brings it about."""
OBJECT_CONTROL = frozenset(
    (
        "motion beckon let make have get cause force allow enable help see watch show film hear feel ask tell order send leave keep "
        "find catch lead push drive bring teach urge permit invite signal depict spot notice"
    ).split()
)
"""Whose object does what the next verb says: "lets the ball drop"; after others the subject does ("uses X to cut")."""
UNREALISED = frozenset(
    [
        "pretend",
        "imagine",
        "prepare",
        "wait",
        "intend",
        "plan",
        "want",
        "threaten",
        "ready",
        "refuse",
        "hope",
        "decline",
        "hesitate",
        "expect",
        "need",
    ]
)
"""What follows these (``to V``) does not happen."""
LIGHT = frozenset(
    ["take", "perform", "do", "execute", "make", "give", "come", "go", "throw", "complete", "deliver", "have"]
)
"""With an event noun these say little: "takes two steps" is stepping."""
EVENT_NOUNS = {
    "step": "step", "flip": "flip", "backflip": "flip", "frontflip": "flip", "turn": "turn", "sip": "sip",
    "halt": "stop", "stop": "stop", "standstill": "stop", "rest": "stop", "spin": "spin", "jump": "jump", "leap": "leap",
    "kick": "kick", "cartwheel": "cartwheel", "somersault": "somersault", "roll": "roll", "bow": "bow", "bite": "bite",
    "punch": "punch", "push": "push", "pull": "pull", "squat": "squat", "lunge": "lunge", "twist": "twist", "hop": "hop",
    "swing": "swing", "wave": "wave", "nod": "nod", "dive": "dive", "stride": "stride", "pirouette": "pirouette",
    "handstand": "handstand", "u-turn": "turn", "pause": "pause", "shrug": "shrug", "stretch": "stretch", "walk": "walk",
    "run": "run", "drink": "drink", "throw": "throw", "rotation": "rotate", "lap": "lap", "loop": "loop", "skip": "skip",
    "clap": "clap", "glance": "glance", "peek": "peek", "landing": "land", "slide": "slide", "dance": "dance",
}  # fmt: skip
"""Nouns that name a motion, and its verb."""
TRANSITIVE_PARTICLE = frozenset(
    (
        "pick put take get lift raise set turn knock pull push bring throw give open close zip cut hold toss "
        "fold roll bend stretch kick shut tie lay draw hand spread stick reach flip tip pour wipe strap sweep "
        "shake shove swing slide carry drag peel tear break clean clear hang drop send drive move jot write note scribble "
        "stretch bring tip lay flip pass kick chop rip brush wash spill ladle scoop fish dig hoist raise haul unfold spread "
        "poke plug fill button buckle switch block wave blow suck breathe mark string wrap wind reel coil pile load screw "
        "unscrew hammer saw chip snap twist pry jack pump count rope tuck stuff snip trim sweep whisk fling hurl lob"
    ).split()
)
"""Verbs whose particle may stand before the object ("puts down the cup")."""

# --- bodies -------------------------------------------------------------------------------------------------

LIMB_PARTS = frozenset(
    (
        "arm arms forearm forearms leg legs torso hip hips shoulder shoulders knee knees elbow elbows waist body "
        "back chest thigh thighs shin shins calf calves belly stomach abdomen tummy pelvis ribs rib buttock buttocks hindquarters haunches lap tail wing wings trunk spine upper-body core neck"
    ).split()
)
DISTAL_PARTS = frozenset(
    (
        "hand hands finger fingers fingertip fingertips fist fists palm palms thumb thumbs wrist wrists foot "
        "feet toe toes ankle ankles heel heels head heads face chin gaze eye eyes mouth lips tongue beak ear "
        "ears teeth nose forehead brow cheek cheeks jaw knuckle knuckles sole soles hoof hooves claw claws muzzle snout paw paws"
    ).split()
)
BODY_PARTS = LIMB_PARTS | DISTAL_PARTS
DISTAL_VERBS = frozenset(
    (
        "clap wave glance look peek grab grasp grip snatch catch type pinch clench point taste sip bite chew "
        "swallow lick nod close release crush write scroll drop kiss blink wink sniff button gaze stare"
    ).split()
)
LIMB_VERBS = frozenset(
    (
        "raise lift lower bend lean reach stretch throw toss push pull kick punch swing hit strike open put pick "
        "place pour chop cut carry shoot shake extend straighten twist curl draw take knock squeeze hold give "
        "bow wipe stir close insert remove hug pump shrug squat"
    ).split()
)
