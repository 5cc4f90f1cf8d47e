"""What each of the 36 real files under loader_files is, written down by hand.

The figures were read off with astropy, pyarrow and pandas, or off the bytes themselves, and not
with the readers under test.  ``n_missing`` counts masked and blank values and NaN over all
usable columns.  Where a file holds several tables it is the first with rows.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """A file that opens: its reader, its size, and what is set aside."""

    reader: str
    n_rows: int
    n_columns: int
    n_missing: int
    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A file that is refused, and a piece of the sentence."""

    fragment: str


_SUBTYPES_ASIDE = (
    *("f_byte", "f_short", "f_int", "f_long", "f_float", "f_double", "f_string", "f_boolean"),
    *("v_byte", "v_short", "v_int", "v_long", "v_float", "v_double", "v_string", "v_boolean"),
    *("m_int", "m_double"),
)
_REGRESSION_ASIDE = (
    *("array", "bitarray", "bitvararray", "bitvararray2", "floatComplex", "doubleComplex"),
    *("doubleComplexArray", "doubleComplexArrayFixed", "booleanArray", "nulls_array"),
    *("doublearray", "bitarray2"),
)

MANIFEST: dict[str, Expected | Refused] = {
    "astropy/io_ascii__cds2.dat": Expected("cds", 215, 29, 2258),
    "astropy/io_ascii__ipac.dat": Expected("ipac", 2, 5, 3),
    # Its first row ends after one value; astropy's "ascii.csv" gives the other two as masked.
    "astropy/io_ascii__simple_csv_missing.csv": Expected("csv", 2, 3, 2),
    "astropy/io_ascii__subtypes.ecsv": Expected("ecsv", 16, 9, 18, _SUBTYPES_ASIDE),
    # Row four holds "*", which TNULL declares as missing, in both columns.
    "astropy/io_fits__ascii.fits": Expected("fits", 5, 2, 2),
    "astropy/io_fits__btable.fits": Expected("fits", 3, 4, 0),
    "astropy/io_fits__chandra_time.fits": Expected("fits", 2, 18, 0, ("status",)),
    "astropy/io_fits__tb.fits": Expected("fits", 2, 4, 0),
    "astropy/io_fits__tdim.fits": Expected("fits", 3, 1, 0, ("V_mag",)),
    "astropy/io_fits__test0.fits": Refused("holds no table"),
    "astropy/io_fits__variable_length_table.fits": Refused("no column with one value a row"),
    "astropy/io_fits__zerowidth.fits": Expected("fits", 1, 5, 0),
    "astropy/io_misc__gaia_source_dr3_select_1_result.vot": Expected("votable", 1, 4, 0),
    "astropy/io_votable__binary2_masked_strings.xml": Expected("votable", 3, 6, 6),
    "astropy/io_votable__empty_table.xml": Refused("has no rows"),
    "astropy/io_votable__irsa-nph-error.xml": Refused(
        "'Either wrong or missing coordinate/object name'"
    ),
    "astropy/io_votable__names.xml": Expected("votable", 1, 17, 5),
    "astropy/io_votable__no_resource.xml": Refused("without any table"),
    "astropy/io_votable__parquet_binary.xml": Refused("'file:parquet_binary.xml.parquet'"),
    "astropy/io_votable__regression.xml": Expected("votable", 5, 17, 25, _REGRESSION_ASIDE),
    "astroquery/esa_hubble__cone_search.vot": Expected("votable", 317, 37, 1669),
    "astroquery/gaia__1712337806100O-result.ecsv": Expected("ecsv", 5, 153, 376),
    # Inside the gzip there is a tar archive, whatever the name says.
    "astroquery/gaia__job_2.vot.gz": Refused("is a tar archive"),
    "astroquery/ipac_ned__query_near_position.xml": Expected("votable", 475, 17, 1655),
    "astroquery/vizier__viz.xml": Expected("votable", 5, 2, 0),
    "astroquery/xmatch__posList_duplicates.csv": Expected("csv", 6, 6, 0),
    "hats/Npix=185.parquet": Expected("parquet", 2942, 10, 0),
    "hats/catalog.csv.gz": Expected("csv", 131, 5, 0),
    "hats/lightcurve.parquet": Expected("parquet", 5, 5, 0, ("lightcurve",)),
    "hats/multi_row_group.parquet": Expected("parquet", 131, 6, 0),
    "hats/pipe_delimited.csv": Expected("csv", 3, 4, 3),
    "hats/small_sky.fits": Expected("fits", 131, 6, 0),
    "hats/small_sky_source.csv": Expected("csv", 17161, 9, 0),
    "hats/zall-pix-iron_10rows.fits": Expected("fits", 10, 135, 18, ("COEFF",)),
    "legacysurvey_imagine/bright.fits": Expected("fits", 9096, 7, 13472),
    "legacysurvey_imagine/ngcic.fits": Expected("fits", 13226, 4, 0),
}
