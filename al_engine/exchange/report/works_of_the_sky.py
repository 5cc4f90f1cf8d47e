"""Works that are cited on diagrams, colours and pictures of the sky."""

from al_engine.exchange.report.reference import Reference

OF_THE_SKY: tuple[Reference, ...] = (
    # -- diagrams, magnitudes and colours --
    Reference(
        "kewley2001", "Kewley et al. 2001", "Kewley, L. J. and others", 2001,
        "Theoretical Modeling of Starburst Galaxies", "The Astrophysical Journal", "556",
        "121–140", doi="10.1086/321545",
    ),
    Reference(
        "kewley2006", "Kewley et al. 2006", "Kewley, L. J. and others", 2006,
        "The host galaxies and classification of active galactic nuclei",
        "Monthly Notices of the Royal Astronomical Society", "372", "961–976",
        doi="10.1111/j.1365-2966.2006.10859.x",
    ),
    Reference(
        "kauffmann2003", "Kauffmann et al. 2003", "Kauffmann, G. and others", 2003,
        "The host galaxies of active galactic nuclei",
        "Monthly Notices of the Royal Astronomical Society", "346", "1055–1077",
        doi="10.1111/j.1365-2966.2003.07154.x",
    ),
    Reference(
        "mateos2012", "Mateos et al. 2012", "Mateos, S. and others", 2012,
        "Using the Bright Ultrahard XMM-Newton survey to define an IR selection of luminous "
        "AGN based on WISE colours", "Monthly Notices of the Royal Astronomical Society",
        "426", "3271–3281", doi="10.1111/j.1365-2966.2012.21843.x",
    ),
    Reference(
        "oke1983", "Oke & Gunn 1983", "Oke, J. B. and Gunn, J. E.", 1983,
        "Secondary standard stars for absolute spectrophotometry", "The Astrophysical Journal",
        "266", "713–717", doi="10.1086/160817",
    ),
    Reference(
        "okabe2008", "Okabe & Ito 2008", "Okabe, M. and Ito, K.", 2008,
        "Color Universal Design (CUD): How to make figures and presentations that are "
        "friendly to colorblind people", "J*Fly Data Depository for Drosophila Researchers",
        url="https://jfly.uni-koeln.de/color/", kind="misc",
    ),
    Reference(
        "baldwin1981", "Baldwin et al. 1981",
        "Baldwin, J. A. and Phillips, M. M. and Terlevich, R.", 1981,
        "Classification parameters for the emission-line spectra of extragalactic objects",
        "Publications of the Astronomical Society of the Pacific", "93", "5–19",
        doi="10.1086/130766",
    ),
    # -- of what the simulated survey is like --
    Reference(
        "covey2007", "Covey et al. 2007", "Covey, K. R. and others", 2007,
        "Stellar SEDs from 0.3 to 2.5 micron: Tracing the Stellar Locus and Searching for Color "
        "Outliers in the SDSS and 2MASS", "The Astronomical Journal", "134", "2398–2417",
        doi="10.1086/522052",
    ),
    Reference(
        "eisenstein2006", "Eisenstein et al. 2006", "Eisenstein, D. J. and others", 2006,
        "A Catalog of Spectroscopically Confirmed White Dwarfs from the Sloan Digital Sky Survey "
        "Data Release 4", "The Astrophysical Journal Supplement Series", "167", "40–58",
        doi="10.1086/507110",
    ),
    Reference(
        "richards2001", "Richards et al. 2001", "Richards, G. T. and others", 2001,
        "Colors of 2625 Quasars at 0 < z < 5 Measured in the Sloan Digital Sky Survey Photometric "
        "System", "The Astronomical Journal", "121", "2308–2330", doi="10.1086/320392",
    ),
    Reference(
        "peth2011", "Peth et al. 2011", "Peth, M. A. and Ross, N. P. and Schneider, D. P.", 2011,
        "Near-infrared Photometric Properties of 130,000 Quasars: An SDSS-UKIDSS-matched Catalog",
        "The Astronomical Journal", "141", "105", doi="10.1088/0004-6256/141/4/105",
    ),
    Reference(
        "wu2012", "Wu et al. 2012", "Wu, X.-B. and others", 2012,
        "SDSS Quasars in the WISE Preliminary Data Release and Quasar Candidate Selection with "
        "Optical/Infrared Colors", "The Astronomical Journal", "144", "49",
        doi="10.1088/0004-6256/144/2/49",
    ),
    Reference(
        "fukugita1995", "Fukugita et al. 1995",
        "Fukugita, M. and Shimasaku, K. and Ichikawa, T.", 1995,
        "Galaxy Colors in Various Photometric Band Systems",
        "Publications of the Astronomical Society of the Pacific", "107", "945–958",
        doi="10.1086/133643",
    ),
    Reference(
        "wright2010", "Wright et al. 2010", "Wright, E. L. and others", 2010,
        "The Wide-field Infrared Survey Explorer (WISE): Mission Description and Initial On-orbit "
        "Performance", "The Astronomical Journal", "140", "1868–1881",
        doi="10.1088/0004-6256/140/6/1868",
    ),
    Reference(
        "jarrett2011", "Jarrett et al. 2011", "Jarrett, T. H. and others", 2011,
        "The Spitzer-WISE Survey of the Ecliptic Poles", "The Astrophysical Journal", "735", "112",
        doi="10.1088/0004-637X/735/2/112",
    ),
    Reference(
        "vandenberk2001", "Vanden Berk et al. 2001", "Vanden Berk, D. E. and others", 2001,
        "Composite Quasar Spectra from the Sloan Digital Sky Survey", "The Astronomical Journal",
        "122", "549–564", doi="10.1086/321167",
    ),
    # -- pictures of the sky --
    Reference(
        "york2000", "York et al. 2000", "York, D. G. and others", 2000,
        "The Sloan Digital Sky Survey: Technical Summary", "The Astronomical Journal", "120",
        "1579–1587", doi="10.1086/301513",
    ),
    Reference(
        "becker1995", "Becker et al. 1995",
        "Becker, R. H. and White, R. L. and Helfand, D. J.", 1995,
        "The FIRST Survey: Faint Images of the Radio Sky at Twenty Centimeters",
        "The Astrophysical Journal", "450", "559", doi="10.1086/176166",
    ),
    Reference(
        "fernique2015", "Fernique et al. 2015", "Fernique, P. and others", 2015,
        "Hierarchical progressive surveys", "Astronomy & Astrophysics", "578", "A114",
        doi="10.1051/0004-6361/201526075",
    ),
    Reference(
        "dey2019", "Dey et al. 2019", "Dey, A. and others", 2019,
        "Overview of the DESI Legacy Imaging Surveys", "The Astronomical Journal", "157",
        "168", doi="10.3847/1538-3881/ab089d",
    ),
)  # fmt: skip
