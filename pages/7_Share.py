"""Share: what was worked out in a project, as files and in other programs."""

from pages.components.page import page
from pages.components.share import exports

with page("Share") as session:
    exports.draw(session)
