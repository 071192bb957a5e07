"""Writes docs/backends.md from the cards of the backends: ``python -m tools.backends``."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from kinescribe import checkpoints, plugins, weights
from kinescribe.backends.card import Card
from kinescribe.cli.doctor import EXTRAS

PAGE = Path(__file__).parents[1] / "docs" / "backends.md"
WORDS = {
    "cameras": ("How the camera moves", "camera.backend"),
    "captioners": ("Writers of captions", "caption.writers"),
    "depths": ("How far things are", "depth.backend"),
    "detectors": ("What is seen in single pictures", "detect.objects, detect.named, detect.people"),
    "hands": ("Hands and what they touch", "hands.backend, hands.touch"),
    "llms": ("Language models", "NAME:MODEL wherever a model is named"),
    "namers": ("Which things to look for", "detect.namer"),
    "parsers": ("Reading sentences", "--parser NAME"),
    "poses": ("Skeletons", "pose.backend"),
    "trackers": ("Who is who over time, and masks", "track.backend"),
}
"""What each kind is for, and the setting that names one."""
HEAD = """\
<!-- Written by `python -m tools.backends` from the backends themselves (`card`); change them, not this page. -->

# Backends

Every backend is one file in `kinescribe/backends`, chosen by its name in a recipe. What needs no weights works at once;
for the others `kinescribe doctor` says what is missing on this machine.

```
pip install "kinescribe[hf]"                                    # the extra, where one is named; see install.md
kinescribe models pull hf:PekingU/rtdetr_v2_r50vd               # any id under "weights"
kinescribe annotate VIDEO... --out RUN --set detect.named=hf --set detect.named_options.model=PekingU/rtdetr_v2_r50vd
```

A checkpoint is named by its id or by its folder. Of several weights any one will do; of the default nets all are needed
(`kinescribe models pull`). Licences are the weights', as their makers state them: read them before use. "Run here" says
what was run where Kinescribe was made. **No published weights of the extras `hf` and `vggt` could be had there**: those
backends were tested with tiny random checkpoints of the same classes, saved and loaded as published ones are.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *(part for kind in plugins.kinds() for part in section(kind)), *extras()])


def section(kind: str) -> Iterator[str]:
    """Yield a kind's heading, the backends that need no weights, and what the others are made of."""
    title, setting = WORDS.get(kind, (kind.capitalize(), ""))
    yield f"## {title}\n"
    yield f"In `backends/{kind}`" + (f"; named by {setting}\n" if setting else "\n")
    cards = {name: getattr(plugins.load(kind, name), "card", None) for name in plugins.names(kind)}
    for name, card in cards.items():
        yield f"- **`{name}`**: {card.model if card else first_sentence(kind, name)}"
        yield from facts(card) if card else ()
    yield ""


def facts(card: Card) -> Iterator[str]:
    """Yield what there is to know about a model, a line each."""
    needs = [f"`kinescribe[{card.extra}]`"] if card.extra else []
    needs += ["torchvision"] if card.torchvision else []
    needs += ["a GPU"] if card.gpu else []
    told = {
        "weights": ", ".join(map(linked, card.weights)),
        "licence": card.licence,
        "memory": card.memory,
        "needs": ", ".join(needs),
        "paper": card.paper,
        "run here": card.run_here,
    }
    yield from (f"  - {key}: {one_line(value)}" for key, value in told.items() if value)


def linked(name: str) -> str:
    """Return weights as what `kinescribe models pull` takes, or the words as they are."""
    pulled = checkpoints.is_checkpoint(name) or name in weights.NETS or name in weights.PUBLISHED
    return f"`{name}`" if pulled else name


def first_sentence(kind: str, name: str) -> str:
    """Return the first paragraph of a backend's file, in one line."""
    file = Path(sys.modules[plugins.load(kind, name).__module__].__file__ or "")
    told = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(told.split("\n\n")[0].replace("``", "`").split())


def extras() -> Iterator[str]:
    """Yield the table of extras."""
    yield "## Extras\n"
    yield row(("extra", "packages", "for"))
    yield row(("---", "---", "---"))
    for name, (packages, purpose) in EXTRAS.items():
        yield row((f"`{name}`", ", ".join(packages), purpose))
    yield ""


def row(values: Iterable[str]) -> str:
    """Return a row of a table; a bar in a cell would end it."""
    return f"| {' | '.join(one_line(value).replace('|', '/') for value in values)} |"


def one_line(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
