"""What of the settings a model depends on, as the key under which its round is found again.

A key that changes leaves every earlier round of a classifier without scores: what is set since
takes part only where it is used.
"""

import hashlib
import json
import types
from collections.abc import Mapping

from al_engine.settings.config import ALL_LABELS, ClassifierSetup, ProjectConfig
from al_engine.settings.typed import plain


def round_key(
    config: ProjectConfig,
    classifier: str,
    fingerprint: str,
    extensions: Mapping[str, str] = types.MappingProxyType({}),
) -> str:
    """Hash of every setting that can change a model or a score of one classifier, and of the data.

    Two configurations with the same key give the same models and scores for the same answers;
    names, colours, axes, extra columns and what is asked next are not in it.  Of labels, all that
    the catalogue has are, whatever they are merged into, and what is merged into the classifier's;
    over all labels, those in use in their order, each with what is merged into it.

    Parameters
    ----------
    extensions : by what the settings name of extensions, the hash of the file that brings it
    """
    columns = config.columns
    setup = config.setups.get(classifier, ClassifierSetup())
    features, splits = plain(config.features), plain(config.splits)
    if not config.features.texts:
        del features["texts"]  # rounds made before texts could be features keep their keys
    if not config.splits.curated:
        del splits["curated"]  # rounds made before there was such a switch keep their keys
    relevant = {
        "fingerprint": fingerprint,
        "id": columns.id,
        "label": columns.label,
        "missing": plain(columns.missing),
        "labels": sorted(value for value, _ in config.catalogue_values),
        "features": features,
        "splits": splits,
        "left_out": (
            sorted(v for label in config.labels_in_use for v in label.values)
            if config.leave_out_other_labels
            else None,
            config.leave_out_unknown,
        ),
        "models": [(member.model, plain(member.params)) for member in setup.members],
    }
    own = next((label.values for label in config.labels if label.value == classifier), ())
    if len(own) > 1:  # without, keys are those of before labels could be merged
        relevant["own"] = sorted(own)
    if classifier == ALL_LABELS:
        # One that was added stands last, and no model knows it before an answer gives it.
        told_apart = (label for label in config.labels_in_use if label.in_catalogue or label.merged)
        relevant["classes"] = [sorted(label.values) for label in told_apart]
    if extensions:  # without, keys are those of before there were any
        relevant["extensions"] = dict(extensions)
    text = json.dumps(relevant, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
