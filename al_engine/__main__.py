"""Sextant from a terminal: ``python -m al_engine import FILE --project FOLDER``.

Owns arguments, exit statuses and what goes to which stream; the work is done elsewhere.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from al_engine.errors import AlEngineError, SettingsError
from al_engine.exchange.applying import apply_model, parse_renamed
from al_engine.exchange.saved import WARNING, open_saved
from al_engine.extensions.loading import load_extensions
from al_engine.files import whole_file
from al_engine.home import home_folder
from al_engine.starting import import_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 where it worked, 2 where it refused with a sentence on stderr.

    130 says that it was stopped by Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    for fault in load_extensions(home_folder()).faults:
        sys.stderr.write(f"Left out: {fault}\n")
    try:
        return int(options.run(options))
    except AlEngineError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; nothing was written.\n")
        return 130


def _import(options: argparse.Namespace) -> int:
    folder = Path(options.project).resolve()
    _, imported = import_file(
        folder.parent,
        Path(options.file),
        part=options.hdu,
        name=folder.name,
        folder_name=folder.name,
        id_column=options.id,
        label_column=options.label,
    )
    line = {
        "rows": imported.n_rows,
        "columns": imported.n_columns,
        "set_aside": list(imported.set_aside),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    return 0


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def _score(options: argparse.Namespace) -> int:
    saved = open_saved(Path(options.model))
    n_rows = apply_model(
        saved,
        Path(options.catalogue),
        Path(options.out),
        renamed=parse_renamed(options.map, saved.columns),
        keep=options.keep.split(",") if options.keep else None,
        part=options.hdu,
        say=_say,
    )
    line = {"rows": n_rows, "out": options.out, "probability_of": saved.name}
    sys.stdout.write(json.dumps(line) + "\n")
    return 0


def _embed(options: argparse.Namespace) -> int:
    # Here, for they bring scikit-learn along, which an import does not wait for.
    from al_engine.embedding import embed_file
    from al_engine.exchange.encoders import open_encoder

    file, folder = Path(options.catalogue), Path(options.model)
    out = Path(options.out) if options.out else file.with_name(f"{file.stem}_embedding.parquet")
    made = embed_file(
        file,
        out,
        open_encoder(folder),
        text=options.text,
        id_column=options.id,
        part=options.hdu,
        model_name=folder.resolve().name,
        say=_say,
    )
    if made.n_empty:
        _say(f"{made.n_empty:,} of {made.n_rows:,} texts have no numbers: empty, or not known.")
    line = {
        "rows": made.n_rows,
        "dimensions": made.n_dimensions,
        "without_numbers": made.n_empty,
        "out": str(out),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    return 0


def _simulate(options: argparse.Namespace) -> int:
    # Here, for it brings scikit-learn along, which an import does not wait for.
    from al_engine.simulating.command import run

    if options.out is None:
        sys.stdout.write(run(vars(options), _say))
        return 0
    out = Path(options.out)
    if out.is_dir():
        raise SettingsError(f"'{out}' is a folder.", "Name a file to write with --out.")
    with whole_file(out) as file:
        file.touch()  # what cannot be written is said before hours are spent
        file.write_text(run(vars(options), _say), encoding="utf-8")
    return 0


class _Parser(argparse.ArgumentParser):
    """A parser that refuses in a sentence: a page of usage hides what is wrong."""

    def error(self, message: str) -> NoReturn:
        said = message[:1].upper() + message[1:].removesuffix(".")
        self.exit(2, f"{said}. See {self.prog} --help.\n")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is no whole number") from error


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m al_engine", description="Sextant's engine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("import", help="make a project of a catalogue file")
    command.add_argument("file", metavar="FILE")
    command.add_argument("--project", metavar="FOLDER", required=True, help="made; must not exist")
    command.add_argument("--id", metavar="COLUMN", help="tells objects apart; guessed if left out")
    command.add_argument("--label", metavar="COLUMN", help="what is known; guessed if left out")
    command.add_argument("--hdu", metavar="N", help="which HDU or table of the file")
    command.set_defaults(run=_import)
    command = commands.add_parser(
        "score", help="apply a saved model to a catalogue", description=WARNING
    )
    command.add_argument("model", metavar="MODEL", help="a .joblib file, a folder, or a .zip")
    command.add_argument("--catalogue", metavar="FILE", required=True, help="what to score")
    command.add_argument(
        "--out", metavar="FILE", required=True,
        help="its suffix is the format; a file of that name is replaced once the new one is whole",
    )  # fmt: skip
    command.add_argument(
        "--map", metavar="OURS=THEIRS,...", default="", help="which columns serve as the model's"
    )
    command.add_argument(
        "--keep", metavar="COLUMN,...", help="columns of the catalogue to write; all if left out"
    )
    command.add_argument("--hdu", metavar="N", help="which HDU or table of the catalogue")
    command.set_defaults(run=_score)
    _add_simulate(commands)
    _add_embed(commands)
    return parser


def _add_embed(commands: Any) -> None:
    command = commands.add_parser(
        "embed", help="texts as numbers by a sentence model on this disk, as a table to join by id"
    )
    command.add_argument("--catalogue", metavar="FILE", required=True)
    command.add_argument("--text", metavar="COLUMN", required=True, help="what is embedded")
    command.add_argument("--id", metavar="COLUMN", help="tells objects apart; guessed if left out")
    command.add_argument(
        "--model", metavar="FOLDER", required=True,
        help="of model2vec or sentence-transformers; nothing is downloaded",
    )  # fmt: skip
    command.add_argument(
        "--out", metavar="FILE",
        help="its suffix is the format; FILE_embedding.parquet beside the catalogue if left out; "
        "a file of that name is replaced once the new one is whole",
    )  # fmt: skip
    command.add_argument("--hdu", metavar="N", help="which HDU or table of the catalogue")
    command.set_defaults(run=_embed)


def _add_simulate(commands: Any) -> None:
    command = commands.add_parser(
        "simulate",
        help="how many labels a query strategy would have saved, on a catalogue with known ones",
    )
    command.add_argument("--catalogue", metavar="FILE", required=True)
    command.add_argument("--label", metavar="COLUMN", required=True, help="what is known")
    command.add_argument("--id", metavar="COLUMN", help="tells objects apart; guessed if left out")
    command.add_argument("--hdu", metavar="N", help="which HDU or table of the file")
    seen = command.add_mutually_exclusive_group()
    seen.add_argument("--features", metavar="A,B,C", help="columns of numbers; guessed if left out")
    seen.add_argument("--text", metavar="COLUMN", help="a column whose words are the features")
    command.add_argument("--positive", metavar="VALUE", help="one label against all others")
    command.add_argument(
        "--model", metavar="NAME,...",
        help="random_forest, or logistic_regression for texts; names with + vote as a committee",
    )  # fmt: skip
    command.add_argument(
        "--param", metavar="NAME=VALUE", action="append", default=[],
        help="a setting of every model and strategy that has it; may be given again",
    )  # fmt: skip
    command.add_argument(
        "--strategy", metavar="NAME,...", default="margin", help="random is always run beside them"
    )
    command.add_argument("--batch-size", metavar="N", type=_whole, default=10)
    command.add_argument(
        "--initial",
        metavar="N",
        type=_whole,
        help="labelled at the start; two a class, at least 10",
    )
    command.add_argument(
        "--start", metavar="HOW", default="random", help="random, balanced, kmeans or first"
    )
    command.add_argument(
        "--budget", metavar="N", type=_whole, default=200, help="asked beyond the initial ones"
    )
    command.add_argument("--seeds", metavar="N", type=_whole, default=5)
    command.add_argument(
        "--split", metavar="TRAIN,VALIDATION,TEST", default="60,20,20",
        help="shares in percent or of 1, or numbers of objects where they add up to more than 100; "
        "without a test set scores are over what is not labelled yet",
    )  # fmt: skip
    command.add_argument("--balanced", action="store_true", help="as many of each label")
    command.add_argument("--metric", metavar="NAME", help="what area and labels are counted by")
    command.add_argument("--target", metavar="METRIC=VALUE", help="a score that is wanted")
    command.add_argument("--stop-at-target", action="store_true", help="once it is held")
    command.add_argument("--keep-best", action="store_true", help="score the best by validation")
    command.add_argument(
        "--patience", metavar="N", type=_whole, default=0,
        help="stop after so many rounds that are not better by validation",
    )  # fmt: skip
    command.add_argument(
        "--carry-weights", action="store_true",
        help="models that learn in steps go on from the weights of the round before",
    )  # fmt: skip
    command.add_argument("--no-scale", action="store_true", help="leave features as they are")
    command.add_argument("--out", metavar="FILE", help="written whole; else to standard output")
    command.set_defaults(run=_simulate)


if __name__ == "__main__":
    sys.exit(main())
