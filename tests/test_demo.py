"""The demos: what they hold, and that they are as hard to learn as what is real."""

import io
import itertools
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from al_engine.data.demo import DEMOS
from al_engine.data.demo_reviews import words
from al_engine.data.demo_survey import BANDS, LINES, simulate_survey
from al_engine.data.features import TEXT_AXES
from al_engine.errors import SettingsError
from al_engine.views.demo_pictures import PICTURES, texts_picture, thumbnail
from al_engine.views.palette import NEUTRAL, label_colours, rgb


def read(name: str) -> pa.Table:
    return pa.Table.from_batches(DEMOS[name].open().batches())


def numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


@pytest.fixture(scope="module")
def survey() -> pa.Table:
    return read("sky_survey")


@pytest.fixture(scope="module")
def halves(survey: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows with a known label: 60% to fit on, 40% to score on."""
    known = np.flatnonzero(survey["class"].to_numpy() != "Unknown")
    shuffled = np.random.default_rng(1).permutation(known)
    n_fit = int(0.6 * len(known))
    return shuffled[:n_fit], shuffled[n_fit:]


def forest_predictions(
    survey: pa.Table,
    bands: tuple[str, ...],
    differences: bool,
    halves: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> NDArray[np.str_]:
    """Predict the second half, missing values set to the median."""
    columns = [numbers(survey, band) for band in bands]
    if differences:
        columns += [a - b for a, b in itertools.combinations(columns, 2)]
    X = np.column_stack(columns)
    X = np.where(np.isnan(X), np.nanmedian(X, axis=0), X)
    y = survey["class"].to_numpy().astype(str)
    fit, score = halves
    forest = RandomForestClassifier(100, n_jobs=2, random_state=0).fit(X[fit], y[fit])
    return np.asarray(forest.predict(X[score]))


@pytest.fixture(scope="module")
def predicted(
    survey: pa.Table, halves: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> NDArray[np.str_]:
    return forest_predictions(survey, ("u", "g", "r", "i", "z"), True, halves)


@pytest.mark.parametrize("name", DEMOS)
def test_every_demo_opens_with_settings_that_fit_its_columns(name: str) -> None:
    demo = DEMOS[name]
    table = demo.open()
    whole = read(name)
    settings = demo.settings

    assert demo.name == name
    assert whole.num_rows == table.n_rows
    assert whole.schema == table.schema
    assert all(column.description for column in table.columns)
    ids = whole[settings["id"]]
    assert len(ids.unique()) == whole.num_rows
    assert ids.null_count == 0

    generated = set(TEXT_AXES) if settings["texts"] else set()
    generated |= {"-".join(pair) for pair in itertools.combinations(settings["features"], 2)}
    named = [settings["id"], settings["label"], settings["x_axis"], settings["y_axis"]]
    named += [*settings["features"], *settings["info"], *settings["texts"], *settings["pixels"]]
    named += [settings[key] for key in ("ra", "dec") if settings[key]]
    assert set(named) <= set(whole.column_names) | generated
    assert not set(settings["features"]) & {"redshift", "log_lx", settings["label"]}

    labels = {str(value) for value in whole[settings["label"]].unique().to_pylist()}
    assert labels - set(settings["unknown"]) == set(settings["label_names"])
    assert set(settings["labels_to_train"]) <= set(settings["label_names"])
    assert settings["pictures"] is False


@pytest.mark.parametrize("name", DEMOS)
def test_a_demo_is_the_same_at_every_opening_and_in_every_reading(name: str) -> None:
    table = DEMOS[name].open()
    first = pa.Table.from_batches(table.batches())
    assert first.equals(pa.Table.from_batches(table.batches()))
    assert first.equals(read(name))


@pytest.mark.parametrize("name", DEMOS)
def test_every_demo_has_a_picture_on_transparent_ground(name: str) -> None:
    picture = Image.open(io.BytesIO(thumbnail(name, DEMOS[name].picture())))
    assert picture.format == "PNG"
    assert picture.size == (320, 180)
    assert picture.getchannel("A").getextrema() == (0, 255)


def test_a_picture_of_an_unknown_demo_is_refused_by_name() -> None:
    assert set(PICTURES) == set(DEMOS)
    with pytest.raises(SettingsError, match=r"'stars'.*sky_survey"):
        thumbnail("stars", {})


def test_the_survey_says_that_it_is_simulated() -> None:
    assert "simulated" in DEMOS["sky_survey"].sentence
    assert any("simulated" in note for note in DEMOS["sky_survey"].open().notes)


def test_the_survey_holds_20000_objects_in_the_stated_shares(survey: pa.Table) -> None:
    _, kind = simulate_survey()
    assert survey.num_rows == len(kind) == 20_000
    assert np.isin(kind, ["star", "white dwarf"]).sum() == 7_000
    assert np.isin(kind, ["passive", "star-forming", "active"]).sum() == 9_000
    assert (kind == "quasar").sum() == 4_000
    assert (survey["class"].to_numpy() == "Unknown").sum() == 2_000


def test_known_labels_are_the_truth(survey: pa.Table) -> None:
    _, kind = simulate_survey()
    truth = np.select(
        [kind == "quasar", np.isin(kind, ["star", "white dwarf"])], ["QSO", "STAR"], "GALAXY"
    )
    label = survey["class"].to_numpy()
    known = label != "Unknown"
    assert (label[known] == truth[known]).all()
    unknown_quasars = (truth[~known] == "QSO").mean()
    assert 0.15 < unknown_quasars < 0.25


def test_positions_lie_in_the_patch_and_names_repeat_them(survey: pa.Table) -> None:
    ra, dec = numbers(survey, "ra"), numbers(survey, "dec")
    assert 150 <= ra.min() < 151
    assert 209 < ra.max() < 210
    assert -5 <= dec.min() < -4.5
    assert 14.5 < dec.max() <= 15
    name = survey["object_id"][0].as_py()
    digits = name.removeprefix("SKY J")
    hours = int(digits[:2]) + int(digits[2:4]) / 60 + float(digits[4:9]) / 3600
    degrees = int(digits[10:12]) + int(digits[12:14]) / 60 + float(digits[14:]) / 3600
    assert 15 * hours == pytest.approx(ra[0], abs=2e-4)
    assert (-degrees if digits[9] == "-" else degrees) == pytest.approx(dec[0], abs=1e-4)


def test_redshifts_are_those_of_their_class(survey: pa.Table) -> None:
    z, label = numbers(survey, "redshift"), survey["class"].to_numpy()
    assert np.nanmax(np.abs(z[label == "STAR"])) < 0.01
    assert np.nanmin(z[label == "GALAXY"]) > 0
    assert np.nanmax(z[label == "GALAXY"]) < 1.01
    assert np.nanmin(z[label == "QSO"]) > 0.29
    assert 4 < np.nanmax(z[label == "QSO"]) < 5.01


@pytest.mark.parametrize("band", BANDS)
def test_errors_grow_with_magnitude(survey: pa.Table, band: str) -> None:
    mag, err = numbers(survey, band), numbers(survey, f"err_{band}")
    seen = ~np.isnan(mag)
    assert (seen == ~np.isnan(err)).all()
    quintiles = np.nanpercentile(mag, [20, 40, 60, 80])
    fifth = np.digitize(mag[seen], quintiles)
    medians = [np.median(err[seen][fifth == k]) for k in range(5)]
    assert (np.diff(medians) > 0).all()
    assert err[seen].max() <= 2.5 / np.log(10) / 2 + 1e-6  # two standard deviations


def test_what_is_faint_is_missing_where_a_real_survey_misses_it(survey: pa.Table) -> None:
    missing = {name: survey[name].null_count / 20_000 for name in survey.column_names}
    assert 0.05 < missing["u"] < 0.12
    assert max(missing[band] for band in "griz") < 0.005
    assert 0.5 < missing["W3"] < missing["W4"] < 0.95
    assert 0.01 < missing["redshift"] < 0.08
    assert missing["log_lx"] == 0.9
    assert all(0.5 < missing[line] < 0.95 for line in LINES)
    r = numbers(survey, "r")
    no_u = np.isnan(numbers(survey, "u"))
    assert np.median(r[no_u]) > np.median(r[~no_u]) + 1


def test_a_forest_on_optical_colours_is_good_and_not_perfect(
    survey: pa.Table,
    halves: tuple[NDArray[np.int64], NDArray[np.int64]],
    predicted: NDArray[np.str_],
) -> None:
    truth = survey["class"].to_numpy().astype(str)[halves[1]]
    assert 0.90 < (predicted == truth).mean() < 0.97
    assert 0.85 < f1_score(truth == "QSO", predicted == "QSO") < 0.96


def test_a_forest_on_all_magnitudes_is_good_and_not_perfect(
    survey: pa.Table, halves: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> None:
    truth = survey["class"].to_numpy().astype(str)[halves[1]]
    predicted = forest_predictions(survey, BANDS, False, halves)
    assert 0.90 < (predicted == truth).mean() < 0.97
    assert 0.85 < f1_score(truth == "QSO", predicted == "QSO") < 0.96


def test_quasars_pass_for_stars_near_redshift_2_7(
    survey: pa.Table,
    halves: tuple[NDArray[np.int64], NDArray[np.int64]],
    predicted: NDArray[np.str_],
) -> None:
    quasar = survey["class"].to_numpy()[halves[1]] == "QSO"
    z = numbers(survey, "redshift")[halves[1]]
    near = quasar & (z > 2.5) & (z < 3.0)
    below = quasar & (z <= 2.5)
    above = quasar & (z >= 3.0)
    assert near.sum() > 80
    as_star = predicted == "STAR"
    assert as_star[near].mean() > 4 * as_star[below].mean()
    assert as_star[near].mean() > as_star[above].mean()
    assert as_star[near].mean() < 0.6


def test_x_ray_luminosities_are_those_of_the_kind() -> None:
    values, kind = simulate_survey()
    log_lx = np.asarray(values["log_lx"], dtype=np.float64)
    median = {name: np.nanmedian(log_lx[kind == name]) for name in np.unique(kind).tolist()}
    assert median["quasar"] > 43.5 > median["active"] > 42 > median["star-forming"] > 39
    assert median["star"] < 31


def test_star_forming_galaxies_lie_below_the_kauffmann_line_and_active_ones_above() -> None:
    values, kind = simulate_survey()
    flux = {line: np.asarray(values[line], dtype=np.float64) for line in LINES}
    x = np.log10(flux["nii_6584"] / flux["h_alpha"])
    y = np.log10(flux["oiii_5007"] / flux["h_beta"])
    measured = np.isfinite(x) & np.isfinite(y)
    below = (x < 0.05) & (y < 0.61 / np.where(x < 0.05, x - 0.05, -1.0) + 1.3)
    forming, active = measured & (kind == "star-forming"), measured & (kind == "active")
    assert forming.sum() > 1000
    assert active.sum() > 300
    assert below[forming].mean() > 0.95
    assert below[active].mean() < 0.05
    # Both wings of the diagram are there: metal-poor star formation and strong Seyferts.
    assert np.percentile(x[forming], 5) < -0.8
    assert np.percentile(y[active], 95) > 0.7


def test_stars_have_no_emission_lines() -> None:
    values, kind = simulate_survey()
    is_star = np.isin(kind, ["star", "white dwarf"])
    assert all(np.isnan(np.asarray(values[line])[is_star]).all() for line in LINES)


def test_digits_are_those_of_scikit_learn() -> None:
    table = read("digits")
    images, digit = load_digits(return_X_y=True)
    pixels = np.column_stack([numbers(table, name) for name in DEMOS["digits"].settings["pixels"]])
    assert table.num_rows == 1797
    assert np.array_equal(pixels, images)
    assert np.array_equal(table["digit"].to_numpy(), digit)
    assert np.array_equal(pixels.reshape(-1, 8, 8)[:, 2, 5], numbers(table, "p25"))


def test_digit_axes_are_uncorrelated_and_the_first_spreads_wider() -> None:
    table = read("digits")
    first, second = numbers(table, "pca_1"), numbers(table, "pca_2")
    assert abs(np.corrcoef(first, second)[0, 1]) < 1e-4
    assert first.var() > second.var() > 100


def reviews() -> tuple[list[str], list[str]]:
    """The texts and their sentiments."""
    table = read("reviews")
    return table["review"].to_pylist(), table["sentiment"].to_pylist()


def test_there_are_reviews_enough_of_both_sentiments() -> None:
    texts, sentiments = reviews()
    assert len(texts) >= 600
    assert set(sentiments) == {"negative", "positive"}
    assert 0.5 < np.mean([sentiment == "positive" for sentiment in sentiments]) < 0.6
    assert f"{len(texts)} short reviews" in DEMOS["reviews"].sentence


def test_every_subject_is_praised_and_blamed() -> None:
    table = read("reviews")
    subject, sentiment = table["subject"].to_numpy(), table["sentiment"].to_numpy()
    for each in np.unique(subject):
        praised = sentiment[subject == each] == "positive"
        assert len(praised) > 40
        assert 0.4 < praised.mean() < 0.7


def test_reviews_are_plain_text_with_little_html() -> None:
    texts, _ = reviews()
    assert {tag for text in texts for tag in re.findall("<[^>]*>", text)} == {"<br />"}
    assert {mark for text in texts for mark in re.findall(r"&\w+;", text)} == {"&amp;"}
    assert any("\n" in text for text in texts)
    assert all(line.isprintable() for text in texts for line in text.split("\n"))
    assert all(text == text.strip() for text in texts)


def test_no_review_is_nearly_another() -> None:
    texts, _ = reviews()
    spoken = [[word.lower() for word in words(text)] for text in texts]
    assert all(12 <= len(each) <= 60 for each in spoken)
    runs = [{tuple(each[k : k + 5]) for k in range(len(each) - 4)} for each in spoken]
    assert max(len(one & other) for one, other in itertools.combinations(runs, 2)) <= 1


def test_numbers_of_a_review_are_those_of_its_words_alone() -> None:
    table = read("reviews")
    (k,) = (k for k, text in enumerate(table["review"].to_pylist()) if "named it Gerald" in text)
    text = table["review"][k].as_py()
    spoken = text.replace("<br />", " ").replace(",", "").replace(".", "").split()
    assert table["n_words"][k].as_py() == len(spoken)
    mean = sum(map(len, spoken)) / len(spoken)
    assert table["letters_per_word"][k].as_py() == pytest.approx(mean)


def test_the_sentiment_of_reviews_is_learned_from_their_words_but_not_by_rote() -> None:
    texts, sentiments = reviews()
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10)
    )
    assert 0.8 < cross_val_score(model, texts, sentiments, cv=5).mean() < 0.92


def test_the_reviews_are_found_wherever_sextant_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read("reviews").num_rows == DEMOS["reviews"].open().n_rows


def test_a_picture_of_texts_has_a_bar_for_each_word_in_the_colour_of_what_it_tells() -> None:
    image = texts_picture(
        review=np.array([0, 0, 1]),
        pile=np.array([0, 0, 1]),
        letters=np.array([6, 8, 9]),
        tells=np.array([-1, 0, 1]),
    )
    pixels = np.asarray(Image.open(io.BytesIO(image)))
    inked = pixels[pixels[..., 3].sum(axis=1).argmax()]
    starts = np.flatnonzero(np.diff((inked[:, 3] > 128).astype(int), prepend=0) == 1)
    ends = np.flatnonzero(np.diff((inked[:, 3] > 128).astype(int), append=0) == -1)
    assert len(starts) == 3
    assert ((ends - starts)[1:] > (ends - starts)[:-1]).all()
    assert (starts[:2] < pixels.shape[1] / 2).all()
    assert starts[2] > pixels.shape[1] / 2
    colours = [tuple(inked[(a + b) // 2, :3]) for a, b in zip(starts, ends, strict=True)]
    assert colours == [rgb(colour) for colour in (NEUTRAL, *label_colours(2))]
