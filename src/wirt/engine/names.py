"""Names: what is a good one, and one for a guest that got none."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from wirt.errors import InvalidInput

__all__ = ["check_name", "invent_name"]

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")

_QUALITIES = (  # noqa: SIM905 - easier to read and to extend than a list
    "amber bold brave brisk calm clear clever cosy crisp deft eager early fair fleet fond free fresh gentle glad "
    "golden green handy happy hardy honest jolly keen kind light lively loyal lucky mellow merry mild neat nimble "
    "noble patient plain proud quick quiet ready rosy round sharp silver sleek snug solid sound spry steady still "
    "stout sunny sure swift tidy tame trusty upbeat vivid warm wise witty young"
).split()
_ANIMALS = (  # noqa: SIM905
    "adder auk badger bat bear beaver bee bison bittern boar buzzard carp cat chamois chough cod coot cormorant crane "
    "cricket crow cuckoo curlew deer dormouse dove dunlin eagle eel egret eider elk falcon ferret finch fox frog "
    "gannet goat goose grebe grouse gull hare hawk hedgehog heron hoopoe hornet ibex ibis jackdaw jay kestrel kite "
    "lapwing lark linnet lizard lynx magpie mallard marmot marten merlin mole moose moth mouse newt nightjar ortolan "
    "osprey otter owl perch petrel pike pipit plover pony puffin quail rabbit raven robin rook ruff salmon seal "
    "shrew shrike siskin snipe sparrow stoat stork swallow swan swift tern thrush tit toad trout viper vole wagtail "
    "weasel wigeon wolf wren"
).split()


def check_name(name: str, what: str = "guest") -> str:
    """``name`` itself, if it may name something; ``InvalidInput`` otherwise."""
    name = name.removeprefix("/")
    if not _NAME.fullmatch(name) or len(name) > 200:
        raise InvalidInput(
            f"{name!r} cannot name a {what}", hint="use letters, digits, '_', '.' and '-', a letter or digit first"
        )
    return name


def invent_name(taken: Callable[[str], bool]) -> str:
    """A free name that is easy to read and to type."""
    choose = random.SystemRandom().choice
    for _ in range(20):
        name = f"{choose(_QUALITIES)}_{choose(_ANIMALS)}"
        if not taken(name):
            return name
    number = 2
    while taken(f"{name}_{number}"):
        number += 1
    return f"{name}_{number}"
