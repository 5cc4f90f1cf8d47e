"""Sextant from a terminal: ``python -m al_engine import FILE --project FOLDER``.

Owns arguments, exit statuses and what goes to which stream; the work is done elsewhere.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from al_engine.errors import AlEngineError
from al_engine.extensions.loading import load_extensions
from al_engine.home import home_folder
from al_engine.starting import import_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 where it worked, 2 where it refused with a sentence on stderr."""
    options = _parser().parse_args(arguments)
    for fault in load_extensions(home_folder()).faults:
        sys.stderr.write(f"Left out: {fault}\n")
    try:
        return int(options.run(options))
    except AlEngineError as error:
        sys.stderr.write(f"{error}\n")
        return 2


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m al_engine", description="Sextant's engine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("import", help="make a project of a catalogue file")
    command.add_argument("file", metavar="FILE")
    command.add_argument("--project", metavar="FOLDER", required=True, help="made; must not exist")
    command.add_argument("--id", metavar="COLUMN", help="tells objects apart; guessed if left out")
    command.add_argument("--label", metavar="COLUMN", help="what is known; guessed if left out")
    command.add_argument("--hdu", metavar="N", help="which HDU or table of the file")
    command.set_defaults(run=_import)
    return parser


if __name__ == "__main__":
    sys.exit(main())
