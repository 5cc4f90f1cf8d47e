"""The pictures of an object, side by side: those that its catalogue names, and the sky around it.

Owns which pictures an object has and what there is of them by now; it never waits for one.  Must
not know pages; how a picture is had is ``services.gallery``'s.
"""

import contextlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from al_engine.background import BACKGROUND
from al_engine.data.nearby import Neighbour, SkyOrder, neighbours
from al_engine.errors import AlEngineError, ServiceError
from al_engine.loop.recording import change_layout
from al_engine.origin import in_words, named_instead
from al_engine.services.cutouts import CUTOUTS, SPECOBJID, SURVEY, CutoutService, judge_picture
from al_engine.services.fetching import Network, Request, network
from al_engine.services.gallery import Look, Shown, Wanted
from al_engine.services.images import grey_picture
from al_engine.session import LabellingSession
from al_engine.settings.sky import Cutout, Sky, check_sky, next_field
from al_engine.showing.curves import fetch_curves_ahead
from al_engine.showing.galleries import gallery_of
from al_engine.showing.objects import Picture, columns_shown, pictures, specobjid_column
from al_engine.showing.places import Position, position_of

SIDE_PX, SMALL_PX = 400, 160
ROWS_KEPT = 256  # as many as a batch has, and some more
AHEAD_AFTER_S = 0.1
HIPS = "hips2fits"  # whose surveys may be typed


@dataclass(frozen=True)
class Frame:
    """A picture in its place: what it is called, and what there is of it.

    ``cutout`` is its number among the cutouts chosen, None for a picture of the catalogue.
    ``field_arcsec`` is the side of the sky on it, None where it shows no sky.
    """

    title: str
    shown: Shown
    cutout: int | None = None
    field_arcsec: float | None = None
    can_zoom_in: bool = False
    can_zoom_out: bool = False
    neighbours: tuple[Neighbour, ...] = ()
    help: str = ""


@dataclass(frozen=True)
class Offer:
    """A picture of the sky that may be chosen."""

    title: str
    is_chosen: bool


@dataclass(frozen=True)
class _Place:
    """What the catalogue says of where an object's pictures are."""

    position: Position | None
    pictures: tuple[Picture, ...]
    specobjid: Any


class Album:
    """The pictures that one session looks at."""

    def __init__(self, session: LabellingSession) -> None:
        self._session = session
        self._gallery = gallery_of(session.project)
        self._lock = threading.Lock()
        self._places: OrderedDict[Any, _Place] = OrderedDict()
        self._near: OrderedDict[Any, tuple[Neighbour, ...]] = OrderedDict()
        self._skies: dict[tuple[str, ...], SkyOrder] = {}
        session.project.at_forget(self._forget_places)

    @property
    def has_pictures(self) -> bool:
        """Have objects of this project pictures?"""
        columns = self._session.config.columns
        return bool(columns.images or columns.pixels or self.has_sky)

    @property
    def sky(self) -> Sky:
        """Which pictures of the sky are shown, and how."""
        return self._session.layout.sky

    @property
    def has_sky(self) -> bool:
        """Are there places on the sky, and are pictures of it wanted?"""
        config = self._session.config
        return bool(config.pictures and config.columns.ra and config.columns.dec)

    def frames(self, row: int) -> tuple[Frame, ...]:
        """The pictures of an object; what is not there yet is begun to be fetched."""
        sky, look = self.sky, self._look()
        place = self._place(row)
        listed = [
            Frame(picture.name, self._shown(_of_column(picture), look))
            for picture in place.pictures
            if picture.pixels is None
        ]
        if place.position is None or not self.has_sky:
            return tuple(listed)
        for i, cutout in enumerate(sky.cutouts):
            service = CUTOUTS.get(cutout.service)
            if service is None:
                instead = named_instead(cutout.service, CUTOUTS)
                sentence = f"No service '{cutout.service}' is there. {instead}"
                listed.append(Frame(cutout.service, Shown(sentence=sentence), i))
            elif self._has_it(service):
                listed.append(self._cutout(i, cutout, service, place, row))
        return tuple(listed)

    def network(self) -> Network:
        """What may be asked for now, by the word of the server's owner alone."""
        return network()

    def zoom(self, step: int, cutout: int | None = None) -> None:
        """Show more of the sky (1) or less (-1), on one picture or on all."""
        sky = self.sky
        zoomed = list(sky.cutouts)
        for i, each in enumerate(sky.cutouts):
            service = CUTOUTS.get(each.service)
            if service is not None and cutout in (None, i):
                field = next_field(_field(each, service), step, service.within_arcsec)
                zoomed[i] = replace(each, field_arcsec=field)
        self.change(replace(sky, cutouts=tuple(zoomed)))

    def change(self, sky: Sky) -> None:
        """Show other pictures, or show them otherwise; what waits and is not wanted is dropped."""
        check_sky(sky)
        if sky != self.sky:
            change_layout(self._session.project, sky=sky)
            self._gallery.drop_waiting()

    def switch_network(self, is_online: bool) -> None:
        """Let other servers be asked, or nobody."""
        self._session.project.switch_network(is_online)
        self._gallery.drop_waiting()

    # -- which ones --

    def offered(self) -> dict[str, Offer]:
        """The pictures of the sky to choose from, by name, those chosen in their order."""
        found = {}
        for cutout in self.sky.cutouts:
            service = CUTOUTS.get(cutout.service)
            if service is None or self._has_it(service):
                found[_name(cutout)] = Offer(_title(cutout, service), True)
        for service in filter(self._has_it, CUTOUTS.values()):
            for survey in service.surveys or ("",):
                cutout = Cutout(service.name, service.field_arcsec, survey)
                found.setdefault(_name(cutout), Offer(_title(cutout, service), False))
        return found

    def chosen(self, names: Sequence[str]) -> Sky:
        """The settings with these pictures; a name that is not offered is the id of a HiPS."""
        sky = self.sky
        held = {_name(cutout): cutout for cutout in sky.cutouts}
        offered = self.offered()
        made = []
        for name in names:
            known = name if name in offered else f"{HIPS} {name.strip()}"
            service, _, survey = known.partition(" ")
            of = CUTOUTS.get(service)
            field = of.field_arcsec if of else 60.0
            made.append(held.get(known, Cutout(service, field, survey)))
        # What has no column now is not offered, and not lost either.
        made += [cutout for name, cutout in held.items() if name not in offered]
        return replace(sky, cutouts=tuple(dict.fromkeys(made)))

    def _has_it(self, service: CutoutService) -> bool:
        """Have objects of this catalogue what the service needs of them?"""
        return not service.needs or specobjid_column(self._session) is not None

    # -- ahead --

    def fetch_ahead(self, row: int) -> None:
        """Have the pictures and curves of an object fetched that may come next."""
        with contextlib.suppress(AlEngineError):  # which would cost the round made ahead
            fetch_curves_ahead(self._session, row)
            self._fetch(row)

    def fetch_soon(self, rows: Iterable[int]) -> None:
        """Have the pictures of objects fetched that are one key away."""
        wanted = tuple(rows)
        if wanted and (self.has_pictures or self._session.config.columns.curves):
            album = weakref.ref(self)

            def work() -> None:
                for row in wanted:
                    if (there := album()) is not None:
                        there.fetch_ahead(row)

            BACKGROUND.do(self._session.project, ("pictures", id(self)), work, AHEAD_AFTER_S)

    def _fetch(self, row: int) -> None:
        if not self.has_pictures:
            return
        place, sky = self._place(row), self.sky
        found = [_of_column(picture) for picture in place.pictures if picture.pixels is None]
        if place.position is not None and self.has_sky:
            for cutout in sky.cutouts:
                service = CUTOUTS.get(cutout.service)
                if service is not None and self._has_it(service):
                    found.append(self._wanted(cutout, service, place))
                    self._neighbours(place.position, 0.0)
        self._gallery.fetch_ahead(
            [each for each in found if isinstance(each, Wanted)], self._look()
        )

    # -- small, of objects to compare with --

    def small(self, rows: Iterable[int]) -> dict[int, Shown]:
        """One picture of each card, small; what is not there yet is fetched behind all else."""
        look = replace(self._look(), side_px=SMALL_PX)
        return {row: self._small(row, look) for row in rows} if self.has_pictures else {}

    def _small(self, row: int, look: Look) -> Shown:
        """The first that can be had of the catalogue's pictures, else that of the sky."""
        shown = Shown(sentence="It has no picture.")
        for each in self._first_ones(self._place(row)):
            shown = each if isinstance(each, Shown) else self._gallery.show(each, look, "beside")
            if not shown.sentence:
                break
        return shown

    def _first_ones(self, place: _Place) -> Iterator[Wanted | Shown]:
        for picture in place.pictures:
            wanted = _of_column(picture)
            if picture.pixels is not None:
                yield Shown(grey_picture(picture.pixels))
            else:
                yield Shown(sentence=wanted) if isinstance(wanted, str) else wanted
        # Of the sky one alone: what is compared should be of the same survey.
        known = ((each, CUTOUTS.get(each.service)) for each in self.sky.cutouts)
        for cutout, service in known if place.position is not None and self.has_sky else ():
            if service is not None and service.is_sky and self._has_it(service):
                wanted = self._wanted(cutout, service, place)
                yield Shown(sentence=wanted) if isinstance(wanted, str) else wanted
                return

    # -- one picture --

    def _look(self) -> Look:
        sky = self.sky
        return Look(sky.stretch, sky.percent, sky.inverted)

    def _shown(self, wanted: Wanted | str, look: Look) -> Shown:
        if isinstance(wanted, str):
            return Shown(sentence=wanted)
        return self._gallery.show(wanted, look)

    def _cutout(
        self, number: int, cutout: Cutout, service: CutoutService, place: _Place, row: int
    ) -> Frame:
        shown = self._shown(self._wanted(cutout, service, place), self._look())
        title = _title(cutout, service)
        if not service.is_sky or place.position is None:
            return Frame(title, shown, number, help=service.help)
        field, within = _field(cutout, service), service.within_arcsec
        return Frame(
            title,
            shown,
            number,
            field,
            next_field(field, -1, within) != field,
            next_field(field, 1, within) != field,
            tuple(each for each in self._neighbours(place.position, field) if each.row != row),
            service.help,
        )

    def _wanted(self, cutout: Cutout, service: CutoutService, place: _Place) -> Wanted | str:
        """What to ask for, or why there is nothing to ask for."""
        assert place.position is not None, "the sky is asked for at a position"
        if service.needs and isinstance(place.specobjid, float):
            return f"Its {SPECOBJID} has lost digits: the column must hold whole numbers or text."
        options = {SPECOBJID: _as_text(place.specobjid)} if service.needs else {}
        if survey := _survey(cutout, service):
            options[SURVEY] = survey
        ra, dec = place.position.ra_deg % 360, place.position.dec_deg
        try:
            asked = service.ask(ra, dec, _field(cutout, service), SIDE_PX, options)
        except ServiceError as error:
            return error.message
        except Exception as error:  # an extension's; no label may be lost for it
            return f"{service.title} cannot be asked: {in_words(error)}."
        return Wanted(service.judge, asked)

    def _place(self, row: int) -> _Place:
        """What the catalogue says, asked once for each object."""
        columns, catalogue = self._session.config.columns, self._session.project.catalogue
        key = (
            row, *self._sky_columns(), columns.images, columns.pixels, columns.image_width_px,
        )  # fmt: skip
        with self._lock:
            held = self._places.get(key)
            if held is not None:
                self._places.move_to_end(key)
        if held is None:
            number = specobjid_column(self._session)
            found = catalogue.values(row, columns_shown(self._session))
            held = _Place(
                position_of(columns, found),
                pictures(self._session, found),
                found.get(number or ""),
            )
            with self._lock:
                self._places[key] = held
                while len(self._places) > ROWS_KEPT:
                    self._places.popitem(last=False)
        return held

    def _sky_columns(self) -> tuple[Any, ...]:
        """The columns of positions, and what stands for missing in them."""
        columns = self._session.config.columns
        names = (columns.ra, columns.dec)
        return (*names, *(columns.missing.get(name or "") for name in names))

    def _forget_places(self) -> None:
        """Ask the catalogue again: a column of the same name may be another one by now."""
        with self._lock:
            self._places.clear()
            self._near.clear()
            self._skies.clear()

    def _neighbours(self, position: Position, field_arcsec: float) -> tuple[Neighbour, ...]:
        """The objects of the catalogue in a field; asked once for the widest there is."""
        config = self._session.config
        ra, dec, sky = config.columns.ra, config.columns.dec, self.sky
        if not (sky.marks and ra and dec):
            return ()
        known = [(each, CUTOUTS.get(each.service)) for each in sky.cutouts]
        fields = [_field(each, of) for each, of in known if of is not None and of.is_sky]
        if not fields:
            return ()
        widest = max(fields)
        key = (*self._sky_columns(), position, widest)
        with self._lock:
            held = self._near.get(key)
        if held is None:
            held = self._look_for_neighbours(ra, dec, position, widest / 2)
            with self._lock:
                self._near[key] = held
                while len(self._near) > ROWS_KEPT:
                    self._near.popitem(last=False)
        half = field_arcsec / 2
        return tuple(
            each for each in held if max(abs(each.east_arcsec), abs(each.north_arcsec)) <= half
        )

    def _look_for_neighbours(
        self, ra: str, dec: str, position: Position, half_arcsec: float
    ) -> tuple[Neighbour, ...]:
        """By the order of the sky; until that is made behind the page, in the whole catalogue."""
        project, place = self._session.project, (position.ra_deg, position.dec_deg)
        missing = self._session.config.columns.missing
        key = tuple(project.catalogue.number_sql(name, missing) for name in (ra, dec))
        if key in self._skies:
            return self._skies[key].neighbours(place, half_arcsec)
        skies = self._skies

        def work() -> None:
            with contextlib.suppress(AlEngineError):  # no room: then without
                skies[key] = project.sky_order(ra, dec)

        BACKGROUND.do(project, ("sky order", id(self)), work, AHEAD_AFTER_S)
        return neighbours(project.catalogue, ra, dec, missing, place, half_arcsec)


def _of_column(picture: Picture) -> Wanted | str:
    """The picture that a value of the catalogue names; never one of this machine's network."""
    if picture.address:
        return Wanted(judge_picture, Request((picture.address,)))
    if picture.path is not None:
        return Wanted(judge_picture, path=picture.path)
    return picture.sentence


def _as_text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _name(cutout: Cutout) -> str:
    """What tells a picture from the others of an object, whatever its field."""
    return f"{cutout.service} {_survey(cutout, CUTOUTS.get(cutout.service))}".strip()


def _title(cutout: Cutout, service: CutoutService | None) -> str:
    if service is None:
        return cutout.service
    survey = _survey(cutout, service)
    said = service.surveys.get(survey, survey)
    return said if service.takes_any else f"{service.title} {said}".strip()


def _survey(cutout: Cutout, service: CutoutService | None) -> str:
    return cutout.survey or next(iter(service.surveys if service else ()), "")


def _field(cutout: Cutout, service: CutoutService) -> float:
    least, most = service.within_arcsec
    return min(max(cutout.field_arcsec, least), most)
