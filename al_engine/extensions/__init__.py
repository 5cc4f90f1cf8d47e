"""What an extension's file imports: a user's own models, query strategies, features, plots and
cutout services.

One call registers one thing; docs/extending.md has an example of each.  An extension runs with all
rights of the server: only whoever starts it can switch extensions on.
"""

from al_engine.extensions.registering import (
    Param,
    register_cutout,
    register_feature,
    register_model,
    register_plot,
    register_strategy,
)

__all__ = [
    "Param",
    "register_cutout",
    "register_feature",
    "register_model",
    "register_plot",
    "register_strategy",
]
