"""The settings of a model: what each may be, and the sentence for what it may not.

Takes plain values; knows no model and no scikit-learn.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from al_engine.errors import SettingsError

Value: TypeAlias = int | float | str
Params: TypeAlias = Mapping[str, Value]


LARGEST = 1e300


@dataclass(frozen=True)
class Param:
    """A setting of a model; the type of ``default`` is the type of the value.

    ``name_of`` says what a choice is called.
    """

    name: str
    title: str
    default: Value
    minimum: float | None = None
    maximum: float | None = None
    choices: Sequence[Value] = ()
    help: str = ""
    name_of: Callable[[Value], str] = str

    @property
    def allowed(self) -> str:
        """What may stand here, in words."""
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        if self.minimum is not None and self.maximum is not None:
            return f"{kind} from {self.minimum:g} to {self.maximum:g}"
        return kind if self.minimum is None else f"{kind} of at least {self.minimum:g}"


def complete(title: str, known: Sequence[Param], params: Params) -> dict[str, Value]:
    """Complete and check the settings of a model of that title.

    Raises
    ------
    SettingsError : an unknown setting, or a value outside what is allowed
    """
    by_name = {param.name: param for param in known}
    for name in params:
        if name not in by_name:
            allowed = ", ".join(by_name) or "none"
            raise SettingsError(f"{title} has no setting '{name}'.", f"Its settings: {allowed}.")
    return {
        name: _checked(param, params.get(name, param.default)) for name, param in by_name.items()
    }


def _checked(param: Param, value: Any) -> Value:
    shown = repr(value) if len(repr(value)) <= 40 else repr(value)[:39] + "…"
    wrong = SettingsError(
        f"{param.title} ({param.name}) is {shown}, but must be {param.allowed}.",
        f"The default is {param.default}.",
    )
    if param.choices:
        if value not in param.choices:
            raise wrong
        return param.choices[param.choices.index(value)]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong
    # Written so that NaN, which compares false with everything, is refused as well.
    if not abs(value) <= LARGEST:
        raise wrong
    if param.minimum is not None and value < param.minimum:
        raise wrong
    if param.maximum is not None and value > param.maximum:
        raise wrong
    if isinstance(param.default, int):
        if value != int(value):
            raise wrong
        return int(value)
    return float(value)
