"""``python -m parser``: makes and measures the language model of ``kinescribe/language/model/``.

python -m parser generate --count 100 --seed 5   # read some generated sentences
python -m parser prepare                         # ../shared/ud and generated sentences -> .parser/
python -m parser train                           # .parser/ -> .parser/model/, many minutes of one core
python -m parser ship                            # the best checkpoint -> the package
python -m parser evaluate [--model DIR]          # figures of the model card, as Markdown

Needs spaCy 3.8 and the treebanks; see parser/README.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from parser import grammar, treebanks
from parser.trees import text

FOLDER = Path(__file__).parents[1] / ".parser"


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser("python -m parser", description="Make and measure the language model.")
    commands = parser.add_subparsers(dest="command", required=True)
    shown = commands.add_parser("generate", help="print generated sentences")
    shown.add_argument("--count", type=int, default=100)
    shown.add_argument("--seed", type=int, default=5)
    prepared = commands.add_parser("prepare", help="write the training files")
    trained = commands.add_parser("train", help="train the model")
    trained.add_argument("--steps", type=int, help="fewer steps, to try")
    shipped = commands.add_parser("ship", help="put the best checkpoint into the package")
    measured = commands.add_parser("evaluate", help="measure a model")
    measured.add_argument("--model", type=Path)
    for command in (prepared, trained, shipped):
        command.add_argument("--folder", type=Path, default=FOLDER)
    for command in (prepared, measured):
        command.add_argument("--ud", type=Path, default=treebanks.FOLDER)
    args = parser.parse_args()
    if args.command == "generate":
        for sentence in grammar.sentences(args.count, args.seed):
            print(text(sentence))
        return
    from parser import evaluate, train  # spaCy takes a second to load

    if args.command == "prepare":
        for name, count in train.prepare(args.folder, args.ud).items():
            print(f"{args.folder / name}.spacy: {count} words")
    elif args.command == "train":
        print(train.train(args.folder, args.steps))
    elif args.command == "ship":
        print(f"{train.SHIPPED}: {train.ship(args.folder / 'model' / 'model-best')}")
    else:
        print(evaluate.report(args.model or train.SHIPPED, args.ud))


if __name__ == "__main__":
    main()
