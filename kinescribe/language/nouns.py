"""What nouns mean for pronouns: people, animals, groups, he or she, and what nothing ever refers back to."""

from __future__ import annotations

import re
from functools import lru_cache

PEOPLE = frozenset(
    (
        "person man woman boy girl child kid toddler adult human guy lady gentleman individual someone somebody anyone "
        "everybody everyone figure player athlete dancer gymnast skater skier runner walker climber performer "
        "instructor trainer trainee coach worker chef cook baker butcher barber barista student pupil teacher professor "
        "actor actress pedestrian passerby bystander swimmer diver boxer wrestler fencer archer goalkeeper goalie "
        "striker defender midfielder winger forward attacker keeper referee umpire judge ballerina cheerleader character "
        "surfer presenter speaker driver teenager kayaker rower sailor paddler partner opponent rival motorcyclist "
        "cyclist biker rider jockey baby infant newborn member friend buddy mother father mom dad mum mama papa parent "
        "brother sister sibling twin son daughter wife husband spouse bride groom uncle aunt cousin nephew niece "
        "grandmother grandfather grandma grandpa officer soldier policeman policewoman cop guard firefighter fireman "
        "sheriff captain singer musician drummer guitarist pianist violinist conductor batter pitcher catcher hitter "
        "bowler batsman skateboarder snowboarder jumper thrower sprinter hurdler vaulter tumbler lifter weightlifter "
        "golfer server receiver quarterback jogger hiker acrobat juggler magician clown waiter waitress bartender "
        "server customer client guest visitor shopper cashier clerk seller vendor doctor nurse surgeon dentist patient "
        "therapist vet scientist technician engineer mechanic operator builder carpenter plumber painter electrician "
        "welder mason gardener farmer fisherman hunter apprentice assistant colleague coworker boss manager secretary "
        "potter sculptor artist tailor weaver smith blacksmith artisan craftsman reporter journalist host hostess anchor "
        "announcer interviewer photographer cameraman model king queen prince princess knight warrior wizard witch hero "
        "heroine villain thief robber victim prisoner pilot astronaut sailor passenger commuter tourist traveler "
        "neighbor stranger youngster elder senior youth teen maid butler nanny monk nun priest angel ninja samurai "
        "pirate cowboy zombie mermaid fairy dwarf signer demonstrator subject performer protagonist participant "
        "competitor contestant champion winner loser leader follower companion mate teammate classmate playmate "
        "crossing-guard landlady landlord tenant chambermaid calligrapher juror usher violist cellist harpist flautist libero "
        "setter blocker spiker judoka defenseman goalie rookie caddie plasterer bather examiner sitter masseur volunteer vendor "
        "pickpocket roofer chairman owner tackler scrum-half fly-half skipper steward stewardess conscript toddler eldest "
        "youngest elder calligrapher patroller trooper attendant courier messenger mailman postman porter cleaner janitor lifeguard lumberjack"
    ).split()
)
FEMALE = frozenset(
    (
        "woman girl lady mother mom mum mama ballerina actress sister daughter wife bride aunt niece grandmother grandma "
        "waitress queen princess witch heroine hostess maid nun mermaid policewoman mare cow hen lioness ewe doe goddess"
    ).split()
)
MALE = frozenset(
    (
        "man boy guy gentleman father dad papa brother son husband groom uncle nephew grandfather grandpa king prince "
        "monk priest policeman fireman fisherman cameraman craftsman mailman postman cowboy batsman stallion bull rooster "
        "ram waiter"
    ).split()
)
ANIMALS = frozenset(
    (
        "animal dog puppy cat kitten horse pony foal mare stallion cow calf bull ox sheep lamb goat pig piglet donkey "
        "camel llama rabbit bunny hare squirrel chipmunk hamster mouse rat hedgehog fox wolf coyote bear cub panda koala "
        "kangaroo monkey ape gorilla chimpanzee orangutan lion lioness tiger leopard cheetah panther elephant hippo "
        "hippopotamus rhino rhinoceros giraffe zebra deer fawn doe stag moose elk antelope gazelle buffalo bison bird "
        "chick hen rooster chicken duck duckling goose swan turkey pigeon dove crow raven magpie sparrow parrot eagle hawk "
        "falcon owl gull seagull pelican egret heron flamingo penguin ostrich peacock fish shark whale dolphin seal otter "
        "beaver walrus turtle tortoise frog toad snake lizard gecko crocodile alligator octopus squid crab lobster jellyfish "
        "starfish seahorse bee wasp butterfly moth fly ant spider beetle dragonfly grasshopper caterpillar worm snail "
        "creature monster dragon dinosaur beast ram ewe mole bat raccoon skunk badger sloth lemur meerkat"
    ).split()
)
GROUPS = frozenset(
    (
        "couple pair crowd team group family class crew band audience trio quartet flock herd pack swarm squad people "
        "duo police orchestra choir party line-up troop"
    ).split()
)
"""Singular words for several."""
HOLLOW = frozenset(
    (
        "image video clip scene shot footage frame picture screen background foreground atmosphere camera view region "
        "segment sequence moment time second minute way while bit lot side front back top bottom end middle center "
        "centre left right direction distance degree step place position speed pace signal beat exhale inhale breath "
        "balance motion movement action gesture angle height air manner order cycle point part rest process arc circle "
        "row turn half edge corner lane street road room stage floor ground"
    ).split()
)
"""Places, times and words about the picture: no pronoun of a caption means them."""

SCENERY = frozenset(
    (
        "road path trail lane street track ramp stairs stair staircase river stream line crack wall fence alley bridge bank "
        "corridor hallway slope hill mountain coast shore light sunlight moonlight shadow darkness night ray beam pattern "
        "row string branch hedge pier rail railing cable wire sky ground floor field"
    ).split()
)
"""What lies where it is, however it is said to run or climb."""
VIEWS = frozenset(("camera video clip footage scene shot image picture lens frame view sequence").split())
"""What shows, and does nothing else."""
MOBILE = frozenset(
    (
        "car vehicle bus truck lorry tram train van bike bicycle motorcycle motorbike scooter boat ship plane airplane "
        "helicopter drone robot taxi sedan tractor rocket"
    ).split()
)
"""Things that move by themselves or are the ones that move."""
_PERSONAL = re.compile(r"(?:er|or|ist|ian|man|woman|ess|eer|ee|lady|lord|maid|mate|keeper|smith|herd)$")


@lru_cache(maxsize=100_000)
def kind(word: str) -> str:
    """Return what a noun in the singular means: person, animal, group, thing; maybe (a person) if only its end tells."""
    lists = (("person", PEOPLE | ORDINAL), ("animal", ANIMALS), ("group", GROUPS))
    for name, words in lists:
        if word in words:
            return name
    if word.endswith(("man", "woman")) and word not in MOBILE:
        return "person"
    return "maybe" if _PERSONAL.search(word) and word not in MOBILE else "thing"


ORDINAL = frozenset(["one", "former", "latter", "third", "second", "first", "other"])
"""Words that stand for people: "the latter shakes his head"."""


@lru_cache(maxsize=100_000)
def singular(word: str) -> str:
    """Return a noun's singular, by lemminflect's dictionary and rules (Jascob 2019)."""
    if word in _KNOWN:
        return word
    from lemminflect import getLemma

    return next(iter(getLemma(word, upos="NOUN")), word)


_KNOWN = PEOPLE | ANIMALS | GROUPS | HOLLOW
