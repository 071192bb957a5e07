"""The words of the motion sentences: verbs by what may follow them, nouns, adverbs, and their forms.

The lists are our own. Every verb of ``kinescribe.vocabulary.VERBS`` and of the parser's lexicon is used as well: the
ones that stand in no list here are used with and without an object.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kinescribe.language import lexicon
from kinescribe.vocabulary import VERBS


class Forms(NamedTuple):
    """What a verb looks like."""

    base: str
    third: str
    past: str
    participle: str
    gerund: str


_DOUBLED = frozenset(
    "backflip begin outrun patrol propel sidestep unplug unwrap unzip zigzag outfit outwit nutmeg moonlit".split()
)
"""Longer verbs that double their last letter: zigzagging."""
_IRREGULAR = {
    "deal": ("dealt", "dealt"), "freeze": ("froze", "frozen"), "wring": ("wrung", "wrung"),
    "shrink": ("shrank", "shrunk"), "stride": ("strode", "stridden"), "slink": ("slunk", "slunk"),
    "outrun": ("outran", "outrun"), "unwind": ("unwound", "unwound"), "weep": ("wept", "wept"),
    "saw": ("sawed", "sawn"), "sew": ("sewed", "sewn"), "mow": ("mowed", "mown"), "begin": ("began", "begun"),
    "have": ("had", "had"), "be": ("was", "been"), "knit": ("knit", "knit"), "melt": ("melted", "melted"),
}  # fmt: skip
"""Past and participle of verbs that the lexicon lacks or gets wrong."""


def _known() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = {}
    for word, readings in lexicon.FORMS.items():
        for reading in readings:
            table.setdefault(reading.lemma, {}).setdefault(reading.kind, word)
    for verb in VERBS:
        table.setdefault(verb.lemma, {}).update(third=verb.third, past=verb.past, gerund=verb.gerund)
    return table


_KNOWN = _known()


def forms(lemma: str) -> Forms:
    """Return the forms of a verb: those of the lexicon where it knows them, else regular ones."""
    final_y = re.search(r"[^aeiou]y$", lemma)
    hissing = re.search(r"(s|sh|ch|x|z|o)$", lemma)
    third = lemma[:-1] + "ies" if final_y else lemma + "es" if hissing else lemma + "s"
    doubled = lemma in _DOUBLED or re.fullmatch(r"(qu|[^aeiou])*[aeiou][^aeiouwxy]", lemma)
    stem = lemma + lemma[-1] if doubled else lemma
    past = stem[:-1] + "ied" if final_y else stem.removesuffix("e") + "ed"
    gerund = stem[:-2] + "y" if stem.endswith("ie") else re.sub(r"(?<=[^eoy])e$", "", stem)
    regular = {"third": third, "past": past, "participle": past, "gerund": gerund + "ing"}
    known = {} if lemma in _DOUBLED else _KNOWN.get(lemma, {})
    found = regular | {kind: word for kind, word in known.items() if kind in regular}
    if lemma in _IRREGULAR:
        found["past"], found["participle"] = _IRREGULAR[lemma]
    return Forms(lemma, **found)


# --- verbs by frame -----------------------------------------------------------------------------------------

MOVE = (
    "walk run jog sprint march stroll wander stride step hop skip jump leap crawl climb creep sneak tiptoe "
    "trot "
    "gallop amble limp hobble stagger stumble shuffle waddle dash dart race rush hurry scurry scramble charge "
    "lunge bound move go come travel proceed advance retreat return head turn spin twirl pivot swivel whirl "
    "rotate roll tumble somersault cartwheel slide slip glide skid drift float swim dive plunge wade paddle "
    "surf "
    "skate ski sled row sail cycle pedal ride drive steer fly soar hover circle orbit zigzag weave meander "
    "veer "
    "swerve dodge duck sidestep backpedal back accelerate decelerate slow speed stop halt pause start enter "
    "exit "
    "leave arrive depart emerge appear disappear vanish land bounce fall drop trip collapse sink rise ascend "
    "descend loiter lope canter prance strut swagger saunter parade pace patrol prowl lurch lumber plod trudge "
    "traipse toddle scuttle scamper skitter slither slink squirm wriggle worm inch edge sidle pirouette waltz "
    "vault hurdle catapult rocket zoom cruise coast taxi reverse brake stall loop swoop swing spiral curve "
    "bank "
    "roam range detour backflip frontflip flip handspring moonwalk rappel hike trek flee escape retire rebound "
    "pop jolt jerk barrel bolt tear storm streak whizz whip blaze"
).split()
"""Locomotion and whole-body motion of anybody, without an object."""
POSTURE = (
    "crouch squat kneel bend bow lean stoop curtsy hunch slouch slump stretch stand sit lie recline sprawl "
    "curl "
    "straighten flex twist sway wobble totter teeter balance rock bob shiver shake tremble shudder wince "
    "flinch "
    "recoil cower nod shrug wave gesture point clap applaud cheer dance pose salute breathe exhale inhale yawn "
    "sneeze cough laugh smile grin frown blink wink glance gaze stare peek peer look squint grimace sniff "
    "swallow "
    "chew type write read sing talk speak shout whistle kick punch jab box spar strike swing throw lunge "
    "squeeze "
    "warm practice exercise train rest relax wait play work fish shadowbox breakdance twerk headbang jive "
    "squirm fidget fumble grope rummage ramble struggle strain wrestle grapple scuffle tussle spit drool "
    "sob weep "
    "plank crunch pedal paddle juggle dribble serve volley putt bat bunt pitch tackle defend attack block parry"
).split()
"""What a body does in its place, without an object."""
LIMB = (
    "bend straighten rise lift fall drop swing sway extend stretch flex rotate turn twist tilt tip move shift "
    "lower raise curl uncurl open close spread cross lock relax tense contract tighten loosen shake tremble "
    "twitch flap flail dangle hang flutter wave kick push press pump arch round hunch slump sag lean circle "
    "sweep slide rest point flick snap jerk bounce bob dip dive drive pull retract hinge pivot roll trace "
    "trail "
    "follow reach land strike pass hover float pulse wiggle waggle wag clench unclench grip squeeze fold "
    "unfold "
    "flare fan part meet touch brush graze tuck splay cup crook brace buckle bow swivel nod angle align level "
    "straddle scissor pedal paddle step stomp tap stamp plant drag scrape shuffle whip windmill pinch clasp "
    "quiver vibrate pitch yaw"
).split()
"""What a part of a body does by itself."""
THING = (
    "fall drop roll bounce spin slide rise sink float drift fly swing tip topple tilt rotate turn shake rattle "
    "vibrate wobble sway flutter flap wave billow ripple flow pour drip leak splash spill spray squirt gush "
    "trickle bubble boil steam burn flicker flash glow explode burst crack break snap shatter crumble collapse "
    "crash collide smash land skid stop start move scatter spread open close unfold unroll fold bend stretch "
    "shrink grow melt freeze dissolve swirl churn tumble cascade plunge plummet hurtle whirl twirl orbit "
    "revolve "
    "hover descend ascend climb dive bob drag trail dangle hang arc curve veer swerve bank accelerate "
    "decelerate "
    "slow speed rebound ricochet deflect skip whiz zip zoom streak shoot launch lift settle rest rock pivot "
    "hinge "
    "swivel retract extend expand contract inflate deflate deform crumple split separate detach merge click "
    "clatter "
    "bang smoke smoulder blaze rain snow pop fizz foam surge recede crest peel flake"
).split()
"""What things, vehicles and stuff do."""
PART = (
    "raise lower lift drop bend straighten extend stretch flex swing wave move turn rotate twist tilt shake "
    "cross "
    "uncross open close clench unclench spread fold unfold tuck curl arch round roll circle shift lean push "
    "pull "
    "press pump kick snap flick flap clap clasp rub scratch touch tap pat wipe wash warm cup wring interlock "
    "interlace join place put rest plant set hold grab grip pinch lock relax tense tighten thrust jerk nod bow "
    "hunch shrug drag slide sweep whip drive point reach throw toss fling pass cock wiggle wag waggle shuffle "
    "bounce bob lunge hug cradle slap strike stomp stamp retract withdraw level align angle square swivel "
    "pivot "
    "brace massage steady flare splay draw bring return switch alternate scissor windmill"
).split()
"""With a part of one's own body as object."""
OBJECT = (
    "lift raise lower carry hold grab grasp grip catch throw toss hurl fling lob pitch pass hand give take "
    "bring "
    "fetch push pull drag shove tug tow haul heave hoist yank jerk kick punch hit strike slap smack swat "
    "bat whack "
    "knock tap pat poke prod nudge roll bounce dribble spin turn rotate twist swing wave shake tilt tip "
    "flip toss "
    "juggle balance place put set lay drop release stack pile load unload pack unpack open close shut slam "
    "lock "
    "unlock slide move shift rearrange adjust fix attach detach connect disconnect fasten unfasten tie untie "
    "buckle unbuckle button zip unzip clip hook hang plug unplug screw unscrew insert remove extract pick "
    "pluck "
    "peel cut chop slice dice carve saw drill hammer nail sand polish paint draw sketch write erase scrub "
    "wipe wash "
    "rinse dry clean dust sweep mop vacuum brush comb fold unfold crumple crease tear rip break crack smash "
    "crush "
    "squeeze squash press flatten stretch bend stir mix whisk beat pour fill empty drain sprinkle spread "
    "scatter "
    "spray scoop ladle serve feed bite chew lick sip drink eat swallow taste smell sniff touch feel rub stroke "
    "caress scratch scrape dig shovel rake plant water trim mow prune light ignite blow inflate deflate shoot "
    "aim fire launch steer drive ride park pedal row paddle strum bow drum tap click swipe scroll type scan "
    "inspect examine check measure weigh film record photograph raise wear don doff wrap unwrap cover uncover "
    "bury hide reveal retrieve recover collect gather sort swap exchange trade deal shuffle spike volley serve "
    "dunk shoot head trap block deflect parry intercept steal tackle catch field putt tee bowl clean jerk "
    "snatch "
    "deadlift curl bench squat brandish wield flourish twirl sheathe unsheathe draw load cock reload trigger "
    "insert thread knit sew weave iron press staple glue tape seal stamp label sharpen grind grate knead roll "
    "bake fry flip toss season butter smear dip dunk soak strain sift mash blend crack hatch operate crank "
    "winch "
    "pump lever wedge prop support steady stabilise guide direct point swivel pivot position mount dismantle "
    "assemble repair replace test use handle grope clutch cradle hug squeeze pinch tickle"
).split()
"""With a thing as object."""
PERSONAL = (
    "push pull hug kiss embrace lift carry throw tackle grab hold chase follow lead guide escort help assist "
    "support catch trip kick punch hit slap strike block pin wrestle drag shove nudge poke tickle pat "
    "stroke feed "
    "bathe dress comb pass overtake approach face greet meet watch touch spin twirl dip swing flip hoist elbow "
    "knee shoulder headbutt uppercut jab stab shoot attack defend fight grapple choke strangle restrain arrest "
    "handcuff free release rescue carry cradle rock bounce lower drop accompany join leave circle surround "
    "shadow mirror imitate copy instruct teach coach spot shield dodge evade sidestep outrun dribble nutmeg"
).split()
"""With somebody as object."""
PATH = (
    "cross enter exit leave approach pass reach climb circle round descend ascend jump hurdle leap clear "
    "follow "
    "traverse mount dismount board skirt navigate vault scale overtake turn descend tour orbit straddle rim "
    "hug "
    "near hit touch strike roam patrol wander walk ride skip ford bypass vacate pace"
).split()
"""With a place as object."""
EVERYDAY = (
    "sit stand lie sleep smile laugh eat drink yawn cough talk speak look wave nod clap dance write read type cook "
    "enter exit leave gesture bow turn bend crouch kneel squat sing cry chew sneeze stretch rest"
).split()
HANDLING = (
    "place put take hold raise lower lift pick open close grab throw move carry eat drink use shake push pull turn "
    "adjust wipe discard wash copy review cut pour drop touch organize tidy lock read write play fiddle clean swing "
    "hit catch kick wave"
).split()
GESTURING = (
    "raise lower lift extend bend shake move turn place rub cross swing wave put stretch spread lean tilt clap open "
    "straighten rotate step drop"
).split()
"""What captions say most, by itself, with a thing and with a part of the body."""
STATES = "hold wear watch face carry remain stay keep wait support grip occupy block fill line cover".split()

TRANSITIVE_PARTICLE = tuple(
    tuple(pair.split("+"))
    for pair in (
        "pick+up put+down put+on put+away take+off take+out lift+up set+down lay+down pull+up pull+out "
        "pull+down pull+off "
        "push+down push+up push+over push+aside throw+away throw+out throw+up toss+aside toss+up hand+over "
        "give+back "
        "bring+down bring+up bring+back turn+over turn+around turn+on turn+off flip+over knock+over "
        "knock+down tip+over "
        "kick+away kick+up cut+off cut+up break+off break+open tear+off tear+up rip+off pop+open zip+up "
        "button+up "
        "hold+up hold+out stick+out stretch+out reach+out spread+out fold+up roll+up roll+out wrap+up "
        "tie+up clean+up "
        "wipe+off wipe+down dust+off brush+off shake+off shake+out peel+off scrape+off scoop+up dig+up "
        "hang+up plug+in "
        "fill+up pour+out empty+out squeeze+out spit+out blow+out blow+up light+up let+out let+down "
        "move+aside drag+away "
        "carry+away carry+off sweep+up sweep+away swing+around slide+open slide+back put+back pull+back "
        "draw+back draw+up "
        "wind+up screw+on screw+in strap+on slip+on slip+off switch+on switch+off raise+up send+out "
        "drop+off pass+around "
        "fling+open slam+shut press+down hammer+in stack+up line+up set+up tuck+in flick+up spin+around "
        "punch+out chop+up"
    ).split()
)
"""Verb and particle around or before an object."""
EVERYDAY_PARTICLE = tuple(
    tuple(pair.split("+"))
    for pair in (
        "pick+up put+down put+on take+off take+out lift+up lay+down pull+up pull+out push+down push+up "
        "throw+away hold+up hold+out turn+on turn+off pour+out put+away set+down wipe+down zip+up button+up "
        "hang+up fold+up clean+up set+up"
    ).split()
)
"""The most frequent of them; dealt more often."""
INTRANSITIVE_PARTICLE = tuple(
    tuple(pair.split("+"))
    for pair in (
        "stand+up sit+down sit+up lie+down lie+back get+up get+down get+in get+out get+off get+on "
        "kneel+down bend+down "
        "bend+over lean+back lean+over lean+in crouch+down squat+down stoop+down look+up look+down "
        "look+around look+back "
        "look+over look+away turn+around turn+away turn+back turn+over roll+over fall+over fall+down "
        "fall+off fall+back "
        "fall+in climb+up climb+down climb+off climb+over jump+up jump+down jump+off jump+over jump+in "
        "hop+off hop+on "
        "speed+up slow+down back+up back+away back+off walk+away walk+off walk+up walk+over walk+in "
        "walk+out run+off "
        "run+away run+up come+in come+out come+over come+back come+down go+up go+down go+out go+back go+off "
        "set+off "
        "take+off pull+over pull+away pull+up pull+out move+in move+away move+over step+back step+in "
        "step+out step+up "
        "step+down step+aside reach+out reach+up reach+down reach+over stretch+out curl+up double+over "
        "keel+over "
        "topple+over tip+over drop+down drop+off swing+around spin+around wake+up rise+up straighten+up "
        "hunch+over "
        "start+off break+away break+down break+off calm+down hang+on hold+on line+up squat+down swoop+in "
        "dive+in "
        "fly+off fly+away fly+up drive+off drive+away drive+by ride+off ride+past float+away float+up "
        "drift+off drift+away "
        "sink+down warm+up wind+up push+off peel+off touch+down pass+by squeeze+through warm+up flip+over"
    ).split()
)
"""Verb and particle or adverb alone."""
PARTICLES = frozenset("up down off on out over in".split())
"""After a verb these are particles; away, back, around and the like are adverbs."""

LIGHT_NOUNS = {
    "take": (
        "step stride turn swing bow sip bite look breath leap jump drink walk run seat dive spin puff lap "
        "nap"
    ).split(),
    "make": (
        "turn jump gesture leap move pass throw circle loop motion fist dash save shot catch cut lunge"
    ).split(),
    "give": (
        "kick push wave nod hug kiss smile shove pat twirl tap bow thumbs-up pull squeeze shrug twist"
    ).split(),
    "do": (
        "flip backflip cartwheel somersault handstand squat lunge spin jump push-up pull-up sit-up twirl "
        "roll split"
    ).split(),
    "perform": "flip backflip cartwheel somersault kick spin jump roll turn handstand squat trick dance twist "
    "pirouette "
                "lunge leap dive stunt swing routine deadlift curl row press rotation".split(),
    "execute": "kick flip turn spin jump throw roll punch dive combo swing lift move landing".split(),
    "throw": "punch kick jab hook uppercut".split(),
    "land": "jump kick flip trick punch".split(),
    "have": "sip drink look rest swim walk".split(),
    "complete": "lap turn rotation flip circle jump repetition squat loop spin".split(),
    "deliver": "kick punch blow slap strike".split(),
    "attempt": "kick flip jump shot throw tackle catch".split(),
    "start": "run sprint swing dance spin walk climb".split(),
    "finish": "jump turn lap spin dance set swing".split(),
    "hold": "pose stance handstand plank stretch balance".split(),
}  # fmt: skip
"""Light verbs with the motion nouns that they take."""
LIGHT_INTO = (
    ("come", "to", "halt stop standstill rest"),
    ("go", "into", "spin crouch roll dive squat lunge handstand slide"),
    ("break", "into", "run sprint dance trot smile jog"),
    ("drop", "into", "squat crouch lunge roll plank split"),
    ("sink", "into", "squat lunge crouch chair"),
    ("move", "into", "plank lunge squat position"),
    ("end", "in", "split handstand crouch bow spin"),
    ("go", "for", "walk run swim ride jog"),
)
"""Verb, preposition and motion noun."""
MOTION_NOUNS = (
    "jump kick spin turn step dive roll swing punch push pull squat flip lunge throw dance walk run climb "
    "wave nod bow "
    "leap fall slide twist lift drop catch hop march trot stretch bend rise landing movement motion stroke "
    "pass shot "
    "serve pitch dash sprint crawl pause stop start stride move drift tilt sway shake curl press row reach "
    "hold "
    "exchange chase fight attack strike block tackle race ride flight launch descent ascent rotation sequence"
).split()
"""Nouns that look like verbs: what a model must not take for verbs after an article, an adjective or a preposition."""

INFINITIVE_CONTROL = (
    "begin start continue try attempt proceed prepare seem appear manage pretend want refuse struggle".split()
)
GERUND_CONTROL = "begin start continue keep stop finish avoid practice resume quit".split()
PERCEPTION = "watch see film catch notice spot find hear".split()
CAUSATIVE = "make let help have".split()
TO_CAUSATIVE = "cause force allow lead prompt enable push".split()
DITRANSITIVE = "hand give pass throw show toss offer lend serve feed send bring".split()

EXCLUDED = frozenset(
    "be have do can may need use let get seem appear become say tell think know mean want like love own belong "
    "contain consist suggest depict include involve resemble wear remain stay moor absorb intend prepare".split()
)
"""Verbs that are no motions, or have uses of their own in the grammar."""

LISTED = frozenset(
    [
        *(*MOVE, *POSTURE, *LIMB, *THING, *PART, *OBJECT, *PERSONAL, *PATH, *STATES),
        *(*EVERYDAY, *HANDLING, *GESTURING, *INFINITIVE_CONTROL, *GERUND_CONTROL),
        *(verb for verb, _ in (*TRANSITIVE_PARTICLE, *INTRANSITIVE_PARTICLE)),
    ]
)
"""Verbs of the lists above."""
UNLISTED = tuple(sorted({*_KNOWN, *(verb.lemma for verb in VERBS)} - LISTED - EXCLUDED))
"""Verbs that the product knows and no list above has."""

_SELF_MOVING = (
    "move stop pause enter leave accelerate decelerate jump turn lean roll start stay bend straighten".split()
)
FREQUENT = tuple(verb.lemma for verb in VERBS if verb.predicate in _SELF_MOVING)
"""What the product says most; dealt more often than the rest."""

# --- nouns --------------------------------------------------------------------------------------------------

MEN = (
    "man boy guy gentleman father waiter fisherman cowboy monk groom priest brother son fireman actor".split()
)
WOMEN = "woman girl lady mother ballerina bride actress waitress sister daughter nurse nun queen".split()
PEOPLE = (
    "person human individual figure child kid toddler baby teenager adult dancer player athlete skater gymnast "
    "goalkeeper climber worker chef cyclist swimmer runner boxer instructor student driver performer passenger "
    "pedestrian rider soldier character coach referee teacher batter pitcher fighter surfer skier wrestler "
    "acrobat drummer clown subject hiker jogger racer presenter singer musician guitarist conductor magician "
    "juggler farmer gardener mechanic carpenter barber doctor patient policeman officer guard firefighter "
    "diver "
    "snowboarder skateboarder rollerblader fencer archer golfer bowler striker defender midfielder opponent "
    "partner trainer cheerleader model speaker host reporter customer cashier guest tourist friend neighbor "
    "spectator volunteer cook barista painter sculptor robot humanoid twin mannequin avatar puppet astronaut "
    "warrior knight ninja samurai villain hero wizard zombie pilot captain sailor kayaker rower referee umpire "
    "contestant competitor demonstrator practitioner yogi lifter weightlifter powerlifter bodybuilder hurdler "
    "sprinter vaulter thrower catcher keeper server receiver defender stranger crowd team couple pair group"
).split()
ANIMALS = (
    "dog cat horse bird monkey elephant bear rabbit duck goat cow fox puppy kitten squirrel lion tiger "
    "pigeon eagle "
    "gull parrot chicken rooster sheep pig deer zebra giraffe camel donkey wolf seal dolphin whale shark "
    "fish octopus "
    "crab turtle frog snake lizard crocodile spider ant bee butterfly panda koala kangaroo otter penguin "
    "owl hawk "
    "swan goose bull calf lamb foal hamster mouse rat raccoon creature dinosaur dragon"
).split()
VEHICLES = (
    "car truck bus van motorcycle bicycle bike drone train plane boat ship SUV taxi tram scooter helicopter "
    "tractor "
    "bulldozer excavator crane forklift ambulance jeep sedan minivan trailer kayak canoe raft sailboat "
    "yacht rocket "
    "wheelchair cart sled skateboard snowboard surfboard hovercraft lorry minibus hatchback convertible vehicle"
).split()
THINGS = (
    "ball box cup rope bag stick chair book phone bottle door hat towel racket sword basket bat plate knife "
    "glass "
    "umbrella suitcase frisbee pen card cloth drawer lid lever cube block spoon bowl shirt jacket guitar "
    "weapon "
    "dumbbell barbell kettlebell puck arrow ladder hammer broom bucket brush paddle oar hose pipe wheel "
    "coin key "
    "candle flag balloon kite net tray pan pot kettle pillow blanket sheet curtain helmet glove shoe sock belt "
    "backpack camera microphone laptop keyboard screen remote switch button handle crate barrel log branch "
    "leaf "
    "stone brick plank board tire cone hoop ring ribbon scarf necklace apple banana orange egg loaf pizza "
    "burger "
    "sandwich cake carrot tomato onion fish bone toy doll puzzle dice domino spear shield bow gun rifle "
    "saber staff "
    "javelin discus hurdle gripper piston pendulum gear belt fan blade propeller needle thread letter envelope "
    "newspaper tablet notebook pencil marker chalk sponge mop shovel rake axe saw drill wrench screwdriver"
).split()
MASS = (
    "water sand snow dust smoke dirt mud paint flour dough sugar oil milk coffee tea juice soup rice grass hay "
    "foam steam lava confetti hair fabric paper clothing equipment "
    "bread food meat noodles salt cheese fruit medicine".split()
)
PLACES = (
    "chair floor table wall door ground bench stage street road grass sofa bed staircase window gate tree "
    "fence pool "
    "river mat bridge crosswalk platform ramp field beach track room corridor doorway counter shelf corner "
    "net line "
    "court intersection lane frame hill rock cliff slope mountain forest path sidewalk driveway tunnel "
    "parking_lot "
    "roundabout garage kitchen bathroom hallway balcony roof stairs railing ledge pole post hoop goal "
    "basket rim "
    "ring cage rink arena stadium gym studio desk couch carpet rug bar beam vault trampoline lake pond sea "
    "ocean "
    "shore dock pier island garden yard lawn park playground swing slide sandbox building house tower shop "
    "market "
    "entrance exit opening edge surface side end middle center top bottom rear crowd box screen background "
    "foreground distance horizon sky air elevator escalator cabin car truck bus boat"
).split()
SINGLE_PARTS = (
    "head torso body back chest waist trunk gaze chin neck spine pelvis core face stomach nose mouth tail"
).split()
PAIRED_PARTS = (
    "arm leg hand foot knee elbow shoulder wrist ankle thigh forearm fist palm hip calf heel toe finger thumb "
    "fingertip eye ear shin bicep hamstring glute quad knuckle lip eyelid eyebrow paw wing hoof claw fin".split()
)
CLOTHES = (
    "shirt dress hat jacket coat suit uniform sweater skirt scarf helmet cap robe vest hoodie leotard "
    "t-shirt apron"
).split()
PLURAL_CLOTHES = (
    "pants shorts jeans shoes gloves glasses sunglasses boots sneakers leggings trousers sandals socks clothes pajamas"
).split()
SCENES = "video clip scene footage sequence animation film recording camera shot view frame image".split()
COMPOUNDS = (
    "tennis soccer basketball baseball football police delivery cardboard metal plastic wooden paper "
    "kitchen garden "
    "sports street circus hip_hop rock race cargo toy computer coffee tea water wine leather cotton steel "
    "rubber "
    "roller ice beach mountain traffic movie cartoon".split()
)
CONCEPTS = (
    "direction speed pace pattern rhythm position control balance form posture height angle level place"
).split()

_PLURALS = {
    "man": "men", "woman": "women", "gentleman": "gentlemen", "fisherman": "fishermen", "fireman": "firemen",
    "policeman": "policemen", "child": "children", "person": "people", "foot": "feet", "knife": "knives",
    "loaf": "loaves",
    "leaf": "leaves", "calf": "calves", "goose": "geese", "mouse": "mice", "fish": "fish", "sheep": "sheep",
    "deer": "deer",
    "hoof": "hooves", "stomach": "stomachs", "shelf": "shelves", "wolf": "wolves", "dice": "dice",
    "die": "dice", "octopus": "octopuses",
    "stairs": "stairs", "hero": "heroes", "tomato": "tomatoes", "potato": "potatoes", "shrimp": "shrimp",
    "gymnast": "gymnasts",
}  # fmt: skip


def plural(noun: str) -> str:
    """Return the plural of a noun."""
    if noun in _PLURALS:
        return _PLURALS[noun]
    if re.search(r"(s|sh|ch|x|z)$", noun):
        return noun + "es"
    return noun[:-1] + "ies" if re.search(r"[^aeiou]y$", noun) else noun + "s"


PERSON_ADJECTIVES = (
    "young old tall bearded blond smiling little short bald muscular older younger barefoot shirtless "
    "blonde elderly "
    "masked male female first second third other same Asian pregnant injured small large slim armed hooded".split()
)
THING_ADJECTIVES = (
    "red blue white black green small large heavy wooden yellow round metal empty brown silver long short "
    "gray pink "
    "purple orange big little open closed thin thick broken colorful transparent flat square golden shiny "
    "new old "
    "soft hard wet dry glass plastic other second".split()
)
PART_ADJECTIVES = (
    "raised bent outstretched extended front rear lead back other straight opposite free supporting upper "
    "lower trailing clenched dominant"
).split()
COLORS = "black white red blue green yellow gray pink purple brown orange dark light".split()
HYPHENATED = (
    ("short", "sleeved"), ("long", "sleeved"), ("gray", "white"), ("dark", "colored"), ("light", "colored"),
    ("red", "white"), ("blue", "green"), ("multi", "colored"), ("short", "haired"), ("loose", "fitting"),
)  # fmt: skip
HAIR = "long short curly blond brown dark gray red".split()
MOTION_ADJECTIVES = (
    "quick small high slow full left right backward forward sharp sudden low fast single double powerful "
    "smooth "
    "big deep wide final second first graceful slight tight sideways spinning flying perfect brief hard".split()
)

# --- adverbs and prepositions -------------------------------------------------------------------------------

DIRECTIONS = (
    "forward forward backward backward left right up down upward upwards downward downwards inward outward "
    "sideways "
    "forwards backwards ahead back around away aside over overhead clockwise counterclockwise anticlockwise "
    "diagonally horizontally vertically laterally straight apart together across along past off out in "
    "outwards "
    "inwards leftward rightward skyward uphill downhill nearby upstairs downstairs alongside through by"
).split()
MANNERS = (
    "slowly quickly slightly gently smoothly rapidly suddenly carefully steadily repeatedly gracefully "
    "briefly fully "
    "sharply gradually deeply forcefully swiftly vigorously lightly firmly simultaneously continuously "
    "abruptly "
    "playfully energetically calmly cautiously nervously awkwardly wildly violently softly loosely tightly "
    "partially "
    "completely alternately rhythmically dramatically immediately casually confidently clumsily quietly "
    "happily "
    "angrily eagerly directly"
).split()
"""How something is done; they stand before or after the verb."""
LATE_MANNERS = (
    "hard fast high low far close wide again twice outright somewhat halfway still open straight".split()
)
"""The same, only after the verb."""
LEADS = (
    "then next finally first suddenly meanwhile afterwards afterward initially eventually subsequently "
    "simultaneously "
    "later now again slowly quickly immediately soon lastly second gradually overall here there throughout".split()
)
PREPOSITIONS = (
    "to toward towards on onto over into in across from past through along under behind against around near "
    "at off "
    "above below beneath beside between by inside outside with within without for of about before "
    "after "
    "underneath atop beyond via opposite alongside".split()
)
GOALS = (
    "to toward towards onto into over across past through along around under behind against near at on in "
    "from"
).split()
SLOPES = (
    "stair hill ladder street road slope ramp staircase mountain river tree rope wall path slide escalator corridor "
    "hallway pole cliff"
).split()
"""What one goes up or down: before anything else these two are particles ("picks up the cup")."""
COMPLEX_PREPOSITIONS = (("out", "of"), ("next", "to"), ("in", "between"), ("up", "to"))
"""Two words that are one marker of the noun (both ``case``)."""
LOCATED = (
    ("in", "front"), ("on", "top"), ("on", "side"), ("at", "end"), ("in", "middle"), ("at", "edge"),
    ("in", "center"),
    ("to", "side"), ("on", "edge"), ("at", "bottom"), ("to", "top"), ("from", "side"), ("toward", "end"),
    ("in", "direction"),
)  # fmt: skip
"""Preposition and noun that carry an ``of``-phrase."""
NUMBERS = "two three four five six seven eight ten 2 3 4 5 10 12".split()
NAMES = "Tom Jerry Anna Mark Jack Sarah Lee Kim Carlos Maria Batman Mickey Elsa".split()
