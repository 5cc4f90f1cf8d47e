"""The one tree of errors that Sextant raises on purpose.

Every message is one sentence a person can act on: what is wrong with which value and what
is allowed; ``hint`` says what to do.  This module knows nothing of the rest of the package.
"""

import os
import re

_MOST_CHARACTERS = 400


def disk_said(error: OSError) -> str:
    """What the disk says, without the path beside it, which strangers are not told.

    >>> disk_said(FileNotFoundError(2, "No such file or directory", "/srv/secret"))
    'No such file or directory'
    """
    return os.strerror(error.errno) if error.errno else "no reason given"


class AlEngineError(Exception):
    """Something the person can mend.

    Parameters
    ----------
    message : str, one sentence: the value, and what is wrong with it
    hint : str, what to do about it
    """

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = _readable(message)
        self.hint = _readable(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


def _readable(text: str) -> str:
    """One line that a person reads, whatever a value quoted in it holds.

    >>> len(_readable("'" + "x" * 5000 + "' is no label."))
    400
    """
    text = re.sub(r"\s*[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]\s*", " ", text)
    if len(text) <= _MOST_CHARACTERS:
        return text
    # What is wrong with the value stands behind it.
    end = _MOST_CHARACTERS // 3
    return f"{text[: _MOST_CHARACTERS - end - 1]}…{text[-end:]}"


class WorkCancelled(AlEngineError):
    """The person stopped what was under way; nothing of it is left."""


class UnreadableFileError(AlEngineError):
    """A file cannot be read as a table."""


class UnusableModelError(AlEngineError):
    """A saved model that is not what its JSON says, or does not fit what it is applied to."""


class ServiceError(AlEngineError):
    """Another program or a server does not answer, or not as it should."""


class NotThereError(ServiceError):
    """A server has looked: what was asked for is not there, nor will it be tomorrow."""


class UnknownColumnError(AlEngineError):
    """A column that the catalogue does not have."""


class UnsuitableColumnError(AlEngineError):
    """A column cannot play the part it was given."""


class SettingsError(AlEngineError):
    """A setting outside what is allowed."""


class ConfigurationError(AlEngineError):
    """A configuration file that cannot be read, or does not fit the project."""


class ProjectError(AlEngineError):
    """A project folder is missing, damaged or in use."""


class ProjectInUseError(ProjectError):
    """Another process holds the project's files."""


class ContractError(AlEngineError):
    """A model, query strategy or feature that does not do what every one of its kind must do."""


class NotEnoughLabelsError(AlEngineError):
    """Too few labels for what was asked."""


class EmptyPoolError(AlEngineError):
    """There is no object left to ask about."""


class AnswerRefusedError(AlEngineError):
    """An answer that does not fit the object or the question it came with."""


class PublicServerError(AlEngineError):
    """More than a public server lends to a visitor, or what it does for nobody."""


class ClusterError(AlEngineError):
    """A Dask cluster cannot be reached, or does not finish what it was given."""
