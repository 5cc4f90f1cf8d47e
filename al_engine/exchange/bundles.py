"""Model bundles: a saved model, its JSON and how to use them, as one zip file.

Owns what stands in the bundle.  Must not know projects; the files are handed in.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from al_engine.errors import UnusableModelError
from al_engine.exchange.models import find_models, is_intact
from al_engine.exchange.saved import FORMAT_OF_MANY
from al_engine.files import whole_file

_README = """# {stem}

A classifier {name}, saved by Sextant: {n} labels, scikit-learn {version}.

- `{stem}.json` says what it is: features and their formulas, values read as missing, the labels it
  learned from, scores, versions, and the SHA-256 of each file.
- {files}

Apply it to any catalogue that has the columns {columns}:

    python -m al_engine score {stem}.zip --catalogue FILE --out FILE

or with joblib alone: see docs/using_a_model.md of Sextant.
{extensions}
Loading a model runs code from that file: load only models from people you trust.
"""


# What the probabilities of a model come from; a query strategy only chose what was asked.
_NEEDED = ("model", "operation")


def write_bundle(path: Path, folder: Path, stem: str) -> Path:
    """Put the model of that stem in ``folder`` into one zip file.

    Raises
    ------
    UnusableModelError : there is none, or it is damaged
    ProjectError : the disk is full, or may not be written to
    """
    found = find_models(folder, stem)
    if found is None or not is_intact(*found):
        raise UnusableModelError(
            f"The model '{stem}' is not there or is damaged.", "Answer a question to save it again."
        )
    model, about = found
    files = sorted(model.iterdir()) if model.is_dir() else [model]
    beside = folder / f"{stem}.json"
    with whole_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("README.md", _readme(stem, about, files))
        for file in (beside, *(file for file in files if file.name in about["sha256"])):
            bundle.write(file, file.relative_to(folder).as_posix())
    return path


def _readme(stem: str, about: Mapping[str, Any], files: list[Path]) -> str:
    columns = dict.fromkeys(name for f in about["features"] for name in f["columns"])
    named = ", ".join(f"`{file.name}`" for file in files)
    kind = (
        "is the model" if len(files) == 1 else "are its members, whose probabilities are averaged"
    )
    return _README.format(
        stem=stem,
        name=_what_for(about),
        n=about["n_labelled"],
        version=about["versions"]["scikit-learn"],
        files=f"{named} {kind}.",
        columns=", ".join(f"`{name}`" for name in columns),
        extensions=_extensions(about),
    )


def _what_for(about: Mapping[str, Any]) -> str:
    names = about["classes"]
    if about["format"] != FORMAT_OF_MANY:
        return f"for {names['1']}"
    return f"over {len(names)} labels ({', '.join(names.values())})"


def _extensions(about: Mapping[str, Any]) -> str:
    """Which files of the maker's own it does not go without, and where they belong."""
    needed = [each for each in about.get("extensions", ()) if each["kind"] in _NEEDED]
    if not needed:
        return ""
    listed = "".join(
        f"- `{each['file']}` (SHA-256 {each['sha256']}), for the {each['kind']} `{each['name']}`\n"
        for each in needed
    )
    return f"""
Either way it needs what its maker added to Sextant, which is not in this bundle: ask for

{listed}
The command finds it in the folder `extensions` beside Sextant's projects, with
`SEXTANT_EXTENSIONS=1`. With joblib alone, add the function of an operation to `operations` there,
and load the file of a model before the model.
"""
