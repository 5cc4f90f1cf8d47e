"""What a file of an extension calls, each call one thing that it offers.

Owns the step from a plain function or estimator to an entry of a registry, held to the contract of
its kind.  Must not know files but by their names, nor projects.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from al_engine.data.operations import OPERATIONS, Operation, check_operation
from al_engine.errors import ContractError
from al_engine.learning.contracts import check_committee_strategy, check_model, check_strategy
from al_engine.learning.foreign import QueryFunction
from al_engine.learning.models import MODELS, Model, seeded
from al_engine.learning.params import Param, Params
from al_engine.learning.strategies import (
    COMMITTEE_STRATEGIES,
    STRATEGIES,
    CommitteeStrategy,
    FromProba,
    Strategy,
    for_committee,
    for_one_model,
)
from al_engine.origin import Origin, in_words
from al_engine.services.cutouts import (
    CUTOUTS,
    CutoutService,
    Options,
    check_cutout,
    judge_sky,
)
from al_engine.services.fetching import Request
from al_engine.settings.config import MAX_COMBINED, REGISTERED_NAME
from al_engine.views.plots import PLOTS, Plot, check_plot

__all__ = [
    "Param",
    "Registering",
    "register_cutout",
    "register_feature",
    "register_model",
    "register_plot",
    "register_strategy",
]

MAX_TITLE = 60
# What to do about a strategy that fails while somebody works with it.
MEND = "Mend it and start Sextant again, or choose another strategy; no label is lost."

# Two strategies of one name could not be told apart in a project's settings, whichever asks.
_REGISTRIES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "model": (MODELS,),
    "query strategy": (STRATEGIES, COMMITTEE_STRATEGIES),
    "operation": (OPERATIONS,),
    "plot": (PLOTS,),
    "cutout service": (CUTOUTS,),
}


@dataclass
class Registering:
    """A file that is being run, and what it has offered so far: registry and entry of each.

    ``kinds`` are those of all that it came to offer, what is refused included.
    """

    origin: Origin
    made: list[tuple[str, dict[str, Any], Any]] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)

    def __enter__(self) -> "Registering":
        _running.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _running.remove(self)

    def keep(self) -> None:
        """Put all of it into the registries."""
        for _, registry, made in self.made:
            registry[made.name] = made


_running: list[Registering] = []


def register_model(
    name: str,
    estimator: Any,
    *,
    title: str = "",
    params: Sequence[Param] = (),
    takes_missing: bool | None = None,
    takes_sparse: bool = False,
    help: str = "",
) -> None:
    """Offer a classifier.

    Parameters
    ----------
    name : stands in settings and, in capitals, in file names; small letters, digits, underscores
    estimator : unfitted scikit-learn classifier, copied for each fit and its ``random_state``
        set; or a function of ``params`` (a dict) and a seed that makes one
    params : settings that a person may change, handed to such a function
    takes_missing : whether it takes NaN; else it is given medians.  None: as the estimator says
    takes_sparse : whether it learns from texts too, which come as CSR matrices of words, after
        numbers where there are some
    """
    origin = _file().origin
    is_estimator = hasattr(estimator, "fit") and not isinstance(estimator, type)
    if not is_estimator and not callable(estimator):
        raise ContractError(
            f"The model '{name}' is of the type {type(estimator).__name__}.",
            "Give an unfitted classifier, or a function of params and a seed that makes one.",
        )
    if is_estimator and params:
        raise ContractError(
            f"The model '{name}' has settings that nothing takes.",
            "Give a function of params and a seed in place of an estimator.",
        )
    if not all(isinstance(param, Param) for param in params):
        raise ContractError(f"The settings of the model '{name}' are not all of the kind Param.")
    name, title = _named(name, title)

    def build(given: Params, seed: int) -> Any:
        return seeded(estimator, seed) if is_estimator else estimator(dict(given), seed)

    if takes_missing is None:
        takes_missing = is_estimator and _takes_missing(estimator)
    _keep(
        "model",
        MODELS,
        Model(
            name,
            title,
            _file_name(name, MODELS),
            build,
            tuple(params),
            takes_missing=bool(takes_missing),
            takes_sparse=bool(takes_sparse),
            help=_one_line(help),
            origin=origin,
        ),
        check_model,
    )


def register_strategy(
    name: str,
    function: QueryFunction | None = None,
    *,
    from_proba: FromProba | None = None,
    committee: bool = False,
    title: str = "",
    help: str = "",
) -> None:
    """Offer a query strategy, in one of two forms.

    Parameters
    ----------
    function : f(classifier, X, n_instances=1) -> rows of X, as modAL has it
    from_proba : probabilities of shape (n, n_classes) to utilities (n,), higher is asked sooner;
        the quicker form, each row by itself
    committee : for several models; ``from_proba`` then takes (n_members, n, n_classes)
    """
    origin = _file().origin
    if (function is None) == (from_proba is None) or not callable(function or from_proba):
        raise ContractError(
            f"The query strategy '{name}' is not one function.",
            "Give either a function of classifier and pool, or from_proba=.",
        )
    name, title = _named(name, title)
    registry: dict[str, Any] = COMMITTEE_STRATEGIES if committee else STRATEGIES
    tried = None
    if from_proba is not None:
        tried = _utilities(title, from_proba, origin)
        called = (for_committee if committee else for_one_model)(tried)
    else:
        assert function is not None, "one of the two is given"
        called = _choice(title, function, origin)
    file_name = _file_name(name, registry)
    strategy = (CommitteeStrategy if committee else Strategy)(
        name, title, file_name, tried, called, _one_line(help), origin
    )
    check: Any = check_committee_strategy if committee else check_strategy
    _keep("query strategy", registry, strategy, check)


def register_feature(
    name: str, function: Callable[..., Any], *, title: str = "", help: str = ""
) -> None:
    """Offer an operation that makes a feature of others, as subtract and divide do.

    Parameters
    ----------
    name : as a project's features are called: ``name(g,r)``
    function : takes as many arrays as it has arguments (1 to 5; with ``*columns``, as many as are
        chosen), float64 of shape (n,) with NaN where missing, and returns one such array
    """
    name, title = _named(name, title)
    fewest, most = _arity(name, function)
    _keep(
        "operation",
        OPERATIONS,
        Operation(
            name,
            title,
            function=function,
            fewest=fewest,
            most=most,
            help=_one_line(help),
            origin=_file().origin,
        ),
        check_operation,
    )


def register_plot(
    name: str,
    function: Callable[..., Any],
    *,
    columns: Sequence[str],
    title: str = "",
    help: str = "",
) -> None:
    """Offer a plot beside the map of the object on the screen.

    Parameters
    ----------
    function : f(columns, labels, selected) -> plotly Figure; what it is given stands in ``Plot``
    columns : names of the catalogue's numeric columns or the project's features that it is given
    """
    name, title = _named(name, title)
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    plot = Plot(name, title, names, function, _file().origin, _one_line(help))
    _keep("plot", PLOTS, plot, check_plot)


def register_cutout(
    name: str,
    function: Callable[..., str],
    *,
    title: str = "",
    surveys: Mapping[str, str] | None = None,
    field_arcsec: float = 60.0,
    within_arcsec: tuple[float, float] = (6.0, 3600.0),
    help: str = "",
) -> None:
    """Offer a service that sends pictures of the sky, north up and east left.

    Parameters
    ----------
    function : f(ra, dec, field_arcsec, size_px, options) -> address of http or https, where RA and
        Dec are in degrees and ``options["survey"]`` is the survey chosen
    surveys : those to choose from, by what the address calls them, and their titles
    field_arcsec, within_arcsec : the side of the field to begin with, and its limits
    """
    origin = _file().origin
    name, title = _named(name, title)

    def ask(ra: float, dec: float, arcsec: float, px: int, options: Options) -> Request:
        with origin.blamed(f"The cutout service {title}", "Mend it and start Sextant again."):
            address = function(ra, dec, arcsec, px, dict(options))
            if not isinstance(address, str):
                raise TypeError(f"it returned a {type(address).__name__} for an address")
        return Request((address,), is_trusted=True)

    service = CutoutService(
        name,
        title,
        ask,
        judge_sky,
        float(field_arcsec),
        (float(within_arcsec[0]), float(within_arcsec[1])),
        {str(key): _one_line(of) for key, of in (surveys or {}).items()},
        help=_one_line(help),
        origin=origin,
    )
    _keep("cutout service", CUTOUTS, service, check_cutout)


def _file() -> Registering:
    """The file that is being run; ContractError where none is."""
    if not _running:
        raise ContractError(
            "Extensions are registered while Sextant starts.",
            "Put the file into the folder extensions beside the projects, and start Sextant with "
            "SEXTANT_EXTENSIONS=1.",
        )
    return _running[-1]


def _keep(kind: str, registry: dict[str, Any], made: Any, check: Callable[[Any], None]) -> None:
    """Hold something to the contract of its kind; it is there once the whole file is."""
    file = _file()
    file.kinds.add(kind)
    there = [entry for known in _REGISTRIES[kind] for entry in known.values()]
    there += [entry for of_kind, _, entry in file.made if of_kind == kind]
    for entry in there:
        if entry.name == made.name:
            whose = "this file" if entry.origin == file.origin else _whose(entry.origin)
            raise ContractError(
                f"The {kind} '{made.name}' is there already, from {whose}.", "Give it another name."
            )
    check(made)
    file.made.append((kind, registry, made))


def _whose(origin: Origin | None) -> str:
    return "Sextant itself" if origin is None else origin.file


def _named(name: Any, title: Any) -> tuple[str, str]:
    """The name and the title, which is made of the name where there is none."""
    if not isinstance(name, str) or not REGISTERED_NAME.fullmatch(name):
        raise ContractError(
            f"{str(name)[:60]!r} names nothing.",
            "A name has 1 to 40 small letters, digits and underscores, a letter first.",
        )
    title = title or name.replace("_", " ").capitalize()
    if not isinstance(title, str) or len(title) > MAX_TITLE or not title.isprintable():
        raise ContractError(
            f"The title of '{name}' is {str(title)[:40]!r}.", f"Use up to {MAX_TITLE} characters."
        )
    return name, title


def _file_name(name: str, registry: Mapping[str, Any]) -> str:
    """As others: ``my_forest`` saves under ``MyForest``, unless another does."""
    taken = {entry.file_name.lower() for entry in registry.values()}
    taken |= {made.file_name.lower() for _, of, made in _file().made if of is registry}
    file_name = "".join(part.capitalize() for part in name.split("_"))
    return f"{file_name}+{name}" if file_name.lower() in taken else file_name


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())[:400]


def _takes_missing(estimator: Any) -> bool:
    try:
        return bool(get_tags(estimator).input_tags.allow_nan)
    except Exception as error:
        raise ContractError(
            f"{type(estimator).__name__} is no classifier of scikit-learn's kind: "
            f"{in_words(error)}.",
            "Derive it from ClassifierMixin and BaseEstimator.",
        ) from error


def _arity(name: str, function: Any) -> tuple[int, int]:
    """How few and how many columns a function takes."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise ContractError(
            f"The operation '{name}' is no function whose arguments can be counted.",
            "Write one with def.",
        ) from error
    given = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    fewest = sum(p.default is p.empty for p in given)
    more = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    # Arguments with a default are the author's own.
    return max(1, fewest), MAX_COMBINED if more else max(1, fewest)


def _utilities(title: str, from_proba: FromProba, origin: Origin) -> FromProba:
    """The same function, which names its file and line where it fails."""

    @functools.wraps(from_proba)
    def utilities(proba: Any) -> Any:
        with origin.blamed(f"The query strategy {title}", MEND):
            made = np.asarray(from_proba(proba))
            if made.shape != proba.shape[-2:-1] or made.dtype.kind not in "fiub":
                raise ValueError(
                    f"it returned {made.dtype} of the shape {made.shape} for {proba.shape[-2]} rows"
                )
            return made

    return utilities


def _choice(title: str, function: QueryFunction, origin: Origin) -> QueryFunction:
    @functools.wraps(function)
    def choose(*given: Any, **named: Any) -> Any:
        with origin.blamed(f"The query strategy {title}", MEND):
            return function(*given, **named)

    return choose
