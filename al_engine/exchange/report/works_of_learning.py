"""Works that are cited on software, models, query strategies and statistics."""

from al_engine.exchange.report.reference import Reference

OF_LEARNING: tuple[Reference, ...] = (
    # -- software --
    Reference(
        "pedregosa2011", "Pedregosa et al. 2011", "Pedregosa, F. and others", 2011,
        "Scikit-learn: Machine Learning in Python", "Journal of Machine Learning Research",
        "12", "2825–2830", url="https://jmlr.org/papers/v12/pedregosa11a.html",
    ),
    Reference(
        "danka2018", "Danka & Horvath 2018", "Danka, T. and Horvath, P.", 2018,
        "modAL: A modular active learning framework for Python", "arXiv:1805.00979",
        doi="10.48550/arXiv.1805.00979", kind="misc",
    ),
    Reference(
        "harris2020", "Harris et al. 2020", "Harris, C. R. and others", 2020,
        "Array programming with NumPy", "Nature", "585", "357–362",
        doi="10.1038/s41586-020-2649-2",
    ),
    Reference(
        "raasveldt2019", "Raasveldt & Mühleisen 2019", "Raasveldt, M. and Mühleisen, H.", 2019,
        "DuckDB: an Embeddable Analytical Database",
        "Proceedings of the 2019 International Conference on Management of Data", "",
        "1981–1984", doi="10.1145/3299869.3320212", kind="inproceedings",
    ),
    Reference(
        "astropy2013", "Astropy Collaboration 2013", "{Astropy Collaboration}", 2013,
        "Astropy: A community Python package for astronomy", "Astronomy & Astrophysics",
        "558", "A33", doi="10.1051/0004-6361/201322068",
    ),
    Reference(
        "astropy2018", "2018", "{Astropy Collaboration}", 2018,
        "The Astropy Project: Building an Open-science Project and Status of the v2.0 Core "
        "Package", "The Astronomical Journal", "156", "123", doi="10.3847/1538-3881/aabc4f",
    ),
    Reference(
        "astropy2022", "2022", "{Astropy Collaboration}", 2022,
        "The Astropy Project: Sustaining and Growing a Community-oriented Open-source Project "
        "and the Latest Major Release (v5.0) of the Core Package",
        "The Astrophysical Journal", "935", "167", doi="10.3847/1538-4357/ac7c74",
    ),
    Reference(
        "stevens2021", "Stevens et al. 2021", "Stevens, G. and others", 2021,
        "AstronomicAL: an interactive dashboard for visualisation, integration and "
        "classification of data with Active Learning", "Journal of Open Source Software", "6",
        "3635", doi="10.21105/joss.03635",
    ),
    # -- models --
    Reference(
        "cover1967", "Cover & Hart 1967", "Cover, T. and Hart, P.", 1967,
        "Nearest neighbor pattern classification", "IEEE Transactions on Information Theory",
        "13", "21–27", doi="10.1109/TIT.1967.1053964",
    ),
    Reference(
        "breiman1984", "Breiman et al. 1984",
        "Breiman, L. and Friedman, J. H. and Olshen, R. A. and Stone, C. J.", 1984,
        "Classification and Regression Trees", "Wadsworth", doi="10.1201/9781315139470",
        kind="book",
    ),
    Reference(
        "breiman2001", "Breiman 2001", "Breiman, L.", 2001, "Random Forests",
        "Machine Learning", "45", "5–32", doi="10.1023/A:1010933404324",
    ),
    Reference(
        "geurts2006", "Geurts et al. 2006", "Geurts, P. and Ernst, D. and Wehenkel, L.", 2006,
        "Extremely randomized trees", "Machine Learning", "63", "3–42",
        doi="10.1007/s10994-006-6226-1",
    ),
    Reference(
        "freund1997", "Freund & Schapire 1997", "Freund, Y. and Schapire, R. E.", 1997,
        "A Decision-Theoretic Generalization of On-Line Learning and an Application to "
        "Boosting", "Journal of Computer and System Sciences", "55", "119–139",
        doi="10.1006/jcss.1997.1504",
    ),
    Reference(
        "friedman2001", "Friedman 2001", "Friedman, J. H.", 2001,
        "Greedy function approximation: A gradient boosting machine", "Annals of Statistics",
        "29", "1189–1232", doi="10.1214/aos/1013203451",
    ),
    Reference(
        "ke2017", "Ke et al. 2017", "Ke, G. and others", 2017,
        "LightGBM: A Highly Efficient Gradient Boosting Decision Tree",
        "Advances in Neural Information Processing Systems", "30", kind="inproceedings",
        url="https://papers.nips.cc/paper/6907-lightgbm-a-highly-efficient-gradient-boosting-"
        "decision-tree",
    ),
    Reference(
        "cox1958", "Cox 1958", "Cox, D. R.", 1958,
        "The Regression Analysis of Binary Sequences",
        "Journal of the Royal Statistical Society: Series B", "20", "215–242",
        doi="10.1111/j.2517-6161.1958.tb00292.x",
    ),
    Reference(
        "cortes1995", "Cortes & Vapnik 1995", "Cortes, C. and Vapnik, V.", 1995,
        "Support-vector networks", "Machine Learning", "20", "273–297",
        doi="10.1007/BF00994018",
    ),
    Reference(
        "fan2008", "Fan et al. 2008", "Fan, R.-E. and others", 2008,
        "LIBLINEAR: A Library for Large Linear Classification",
        "Journal of Machine Learning Research", "9", "1871–1874",
        url="https://jmlr.org/papers/v9/fan08a.html",
    ),
    Reference(
        "wang2012", "Wang & Manning 2012", "Wang, S. and Manning, C. D.", 2012,
        "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification",
        "Annual Meeting of the Association for Computational Linguistics",
        "2", "90–94", url="https://aclanthology.org/P12-2018/", kind="inproceedings",
    ),
    Reference(
        "rumelhart1986", "Rumelhart et al. 1986",
        "Rumelhart, D. E. and Hinton, G. E. and Williams, R. J.", 1986,
        "Learning representations by back-propagating errors", "Nature", "323", "533–536",
        doi="10.1038/323533a0",
    ),
    Reference(
        "bottou2010", "Bottou 2010", "Bottou, L.", 2010,
        "Large-Scale Machine Learning with Stochastic Gradient Descent",
        "Proceedings of COMPSTAT'2010", "", "177–186", doi="10.1007/978-3-7908-2604-3_16",
        kind="inproceedings",
    ),
    Reference(
        "kingma2014", "Kingma & Ba 2014", "Kingma, D. P. and Ba, J.", 2014,
        "Adam: A Method for Stochastic Optimization", "arXiv:1412.6980",
        doi="10.48550/arXiv.1412.6980", kind="misc",
    ),
    Reference(
        "hand2001", "Hand & Yu 2001", "Hand, D. J. and Yu, K.", 2001,
        "Idiot's Bayes: Not So Stupid after All?", "International Statistical Review", "69",
        "385–398", doi="10.1111/j.1751-5823.2001.tb00465.x",
    ),
    Reference(
        "zhu2002", "Zhu & Ghahramani 2002", "Zhu, X. and Ghahramani, Z.", 2002,
        "Learning from labeled and unlabeled data with label propagation",
        "Technical Report CMU-CALD-02-107, Carnegie Mellon University", kind="misc",
    ),
    Reference(
        "zhou2004", "Zhou et al. 2004", "Zhou, D. and others", 2004,
        "Learning with Local and Global Consistency",
        "Advances in Neural Information Processing Systems", "16", "321–328",
        url="https://papers.nips.cc/paper/2506-learning-with-local-and-global-consistency",
        kind="inproceedings",
    ),
    Reference(
        "yarowsky1995", "Yarowsky 1995", "Yarowsky, D.", 1995,
        "Unsupervised word sense disambiguation rivaling supervised methods",
        "Proceedings of the 33rd Annual Meeting of the Association for Computational "
        "Linguistics", "", "189–196", doi="10.3115/981658.981684", kind="inproceedings",
    ),
    Reference(
        "rennie2003", "Rennie et al. 2003", "Rennie, J. D. M. and others", 2003,
        "Tackling the Poor Assumptions of Naive Bayes Text Classifiers",
        "Proceedings of the 20th International Conference on Machine Learning", "",
        "616–623", kind="inproceedings",
    ),
    Reference(
        "salton1988", "Salton & Buckley 1988", "Salton, G. and Buckley, C.", 1988,
        "Term-weighting approaches in automatic text retrieval",
        "Information Processing & Management", "24", "513–523",
        doi="10.1016/0306-4573(88)90021-0",
    ),
    Reference(
        "nigam2000", "Nigam et al. 2000", "Nigam, K. and others", 2000,
        "Text Classification from Labeled and Unlabeled Documents using EM", "Machine Learning",
        "39", "103–134", doi="10.1023/A:1007692713085",
    ),
    # -- query strategies --
    Reference(
        "lewis1994", "Lewis & Gale 1994", "Lewis, D. D. and Gale, W. A.", 1994,
        "A Sequential Algorithm for Training Text Classifiers", "SIGIR '94", "", "3–12",
        doi="10.1007/978-1-4471-2099-5_1", kind="inproceedings",
    ),
    Reference(
        "scheffer2001", "Scheffer et al. 2001",
        "Scheffer, T. and Decomain, C. and Wrobel, S.", 2001,
        "Active Hidden Markov Models for Information Extraction",
        "Advances in Intelligent Data Analysis", "", "309–318",
        doi="10.1007/3-540-44816-0_31", kind="inproceedings",
    ),
    Reference(
        "settles2012", "Settles 2012", "Settles, B.", 2012, "Active Learning", "Springer",
        doi="10.1007/978-3-031-01560-1", kind="book",
    ),
    Reference(
        "seung1992", "Seung et al. 1992",
        "Seung, H. S. and Opper, M. and Sompolinsky, H.", 1992, "Query by committee",
        "Proceedings of the Fifth Annual Workshop on Computational Learning Theory", "",
        "287–294", doi="10.1145/130385.130417", kind="inproceedings",
    ),
    Reference(
        "dagan1995", "Dagan & Engelson 1995", "Dagan, I. and Engelson, S. P.", 1995,
        "Committee-Based Sampling For Training Probabilistic Classifiers",
        "Proceedings of the 12th International Conference on Machine Learning", "",
        "150–157", doi="10.1016/B978-1-55860-377-6.50027-X", kind="inproceedings",
    ),
    Reference(
        "mccallum1998", "McCallum & Nigam 1998", "McCallum, A. and Nigam, K.", 1998,
        "Employing EM and Pool-Based Active Learning for Text Classification",
        "Proceedings of the 15th International Conference on Machine Learning", "",
        "350–358", kind="inproceedings",
    ),
    Reference(
        "settles2008", "Settles & Craven 2008", "Settles, B. and Craven, M.", 2008,
        "An Analysis of Active Learning Strategies for Sequence Labeling Tasks",
        "Proceedings of the 2008 Conference on Empirical Methods in Natural Language "
        "Processing", "", "1070–1079", url="https://aclanthology.org/D08-1112/",
        kind="inproceedings",
    ),
    Reference(
        "cardoso2017", "Cardoso et al. 2017", "Cardoso, T. N. C. and others", 2017,
        "Ranked batch-mode active learning", "Information Sciences", "379", "313–337",
        doi="10.1016/j.ins.2016.10.037",
    ),
    Reference(
        "zhdanov2019", "Zhdanov 2019", "Zhdanov, F.", 2019,
        "Diverse mini-batch Active Learning", "arXiv:1901.05954",
        doi="10.48550/arXiv.1901.05954", kind="misc",
    ),
    Reference(
        "kirsch2023", "Kirsch et al. 2023", "Kirsch, A. and others", 2023,
        "Stochastic Batch Acquisition: A Simple Baseline for Deep Active Learning",
        "Transactions on Machine Learning Research", doi="10.48550/arXiv.2106.12059",
    ),
    Reference(
        "hacohen2022", "Hacohen et al. 2022",
        "Hacohen, G. and Dekel, A. and Weinshall, D.", 2022,
        "Active Learning on a Budget: Opposite Strategies Suit High and Low Budgets",
        "arXiv:2202.02794", doi="10.48550/arXiv.2202.02794", kind="misc",
    ),
    Reference(
        "kang2004", "Kang et al. 2004", "Kang, J. and Ryu, K. R. and Kwon, H.-C.", 2004,
        "Using Cluster-Based Sampling to Select Initial Training Set for Active Learning in "
        "Text Classification", "Advances in Knowledge Discovery and Data Mining", "",
        "384–388", doi="10.1007/978-3-540-24775-3_46", kind="inproceedings",
    ),
    Reference(
        "vandeschoot2021", "van de Schoot et al. 2021", "van de Schoot, R. and others", 2021,
        "An open source machine learning framework for efficient and transparent systematic "
        "reviews", "Nature Machine Intelligence", "3", "125–133",
        doi="10.1038/s42256-020-00287-7",
    ),
    Reference(
        "deshpande2021", "Deshpande 2021", "Deshpande, D.", 2021,
        "Review Classification using Active Learning", "Keras code examples",
        url="https://keras.io/examples/nlp/active_learning_review_classification/",
        kind="misc",
    ),
    Reference(
        "maas2011", "Maas et al. 2011", "Maas, A. L. and others", 2011,
        "Learning Word Vectors for Sentiment Analysis",
        "Proceedings of the 49th Annual Meeting of the Association for Computational Linguistics",
        "", "142–150", url="https://aclanthology.org/P11-1015/", kind="inproceedings",
    ),
    Reference(
        "lu2023", "Lu et al. 2023", "Lu, P.-Y. and Li, C.-L. and Lin, H.-T.", 2023,
        "Re-Benchmarking Pool-Based Active Learning for Binary Classification",
        "arXiv:2306.08954", doi="10.48550/arXiv.2306.08954", kind="misc",
    ),
    # -- when to stop, labels to look at again, and where nothing was learned --
    Reference(
        "bloodgood2009", "Bloodgood & Vijay-Shanker 2009",
        "Bloodgood, M. and Vijay-Shanker, K.", 2009,
        "A Method for Stopping Active Learning Based on Stabilizing Predictions and the Need "
        "for User-Adjustable Stopping",
        "Proceedings of the Thirteenth Conference on Computational Natural Language Learning",
        "", "39–47", url="https://aclanthology.org/W09-1107/", kind="inproceedings",
    ),
    Reference(
        "zhu2010", "Zhu et al. 2010", "Zhu, J. and Wang, H. and Hovy, E. and Ma, M.", 2010,
        "Confidence-based stopping criteria for active learning for data annotation",
        "ACM Transactions on Speech and Language Processing", "6", "3",
        doi="10.1145/1753783.1753784",
    ),
    Reference(
        "bartlett1935", "Bartlett 1935", "Bartlett, M. S.", 1935,
        "Some Aspects of the Time-Correlation Problem in Regard to Tests of Significance",
        "Journal of the Royal Statistical Society", "98", "536–543", doi="10.2307/2342284",
    ),
    Reference(
        "viering2023", "Viering & Loog 2023", "Viering, T. and Loog, M.", 2023,
        "The Shape of Learning Curves: A Review",
        "IEEE Transactions on Pattern Analysis and Machine Intelligence", "45", "7799–7819",
        doi="10.1109/TPAMI.2022.3220744",
    ),
    Reference(
        "northcutt2021", "Northcutt et al. 2021",
        "Northcutt, C. and Jiang, L. and Chuang, I.", 2021,
        "Confident Learning: Estimating Uncertainty in Dataset Labels",
        "Journal of Artificial Intelligence Research", "70", "1373–1411",
        doi="10.1613/jair.1.12125",
    ),
    Reference(
        "laxhammar2010", "Laxhammar & Falkman 2010", "Laxhammar, R. and Falkman, G.", 2010,
        "Conformal prediction for distribution-independent anomaly detection in streaming "
        "vessel data", "Proceedings of the First International Workshop on Novel Data Stream "
        "Pattern Mining Techniques", "", "47–55", doi="10.1145/1833280.1833287",
        kind="inproceedings",
    ),
    # -- statistics --
    Reference(
        "wilson1927", "Wilson 1927", "Wilson, E. B.", 1927,
        "Probable Inference, the Law of Succession, and Statistical Inference",
        "Journal of the American Statistical Association", "22", "209–212",
        doi="10.1080/01621459.1927.10502953",
    ),
    Reference(
        "zou2008", "Zou & Donner 2008", "Zou, G. Y. and Donner, A.", 2008,
        "Construction of confidence limits about effect measures: A general approach",
        "Statistics in Medicine", "27", "1693–1702", doi="10.1002/sim.3095",
    ),
    Reference(
        "platt1999", "Platt 1999", "Platt, J.", 1999,
        "Probabilistic Outputs for Support Vector Machines and Comparisons to Regularized "
        "Likelihood Methods", "Advances in Large Margin Classifiers", "", "61–74",
        kind="inproceedings",
    ),
    Reference(
        "lin2007", "Lin et al. 2007", "Lin, H.-T. and Lin, C.-J. and Weng, R. C.", 2007,
        "A note on Platt's probabilistic outputs for support vector machines",
        "Machine Learning", "68", "267–276", doi="10.1007/s10994-007-5018-6",
    ),
    Reference(
        "zadrozny2002", "Zadrozny & Elkan 2002", "Zadrozny, B. and Elkan, C.", 2002,
        "Transforming classifier scores into accurate multiclass probability estimates",
        "Proceedings of the Eighth ACM SIGKDD International Conference on Knowledge Discovery "
        "and Data Mining", "", "694–699", doi="10.1145/775047.775151", kind="inproceedings",
    ),
    Reference(
        "guo2017", "Guo et al. 2017",
        "Guo, C. and Pleiss, G. and Sun, Y. and Weinberger, K. Q.", 2017,
        "On Calibration of Modern Neural Networks",
        "Proceedings of the 34th International Conference on Machine Learning", "70",
        "1321–1330", url="https://proceedings.mlr.press/v70/guo17a.html", kind="inproceedings",
    ),
    Reference(
        "broecker2007", "Broecker & Smith 2007", "Broecker, J. and Smith, L. A.", 2007,
        "Increasing the Reliability of Reliability Diagrams", "Weather and Forecasting", "22",
        "651–661", doi="10.1175/WAF993.1",
    ),
    Reference(
        "naeini2015", "Naeini et al. 2015",
        "Naeini, M. P. and Cooper, G. F. and Hauskrecht, M.", 2015,
        "Obtaining Well Calibrated Probabilities Using Bayesian Binning",
        "Proceedings of the AAAI Conference on Artificial Intelligence", "29", "2901–2907",
        doi="10.1609/aaai.v29i1.9602", kind="inproceedings",
    ),
    Reference(
        "efron1979", "Efron 1979", "Efron, B.", 1979,
        "Bootstrap Methods: Another Look at the Jackknife", "Annals of Statistics", "7", "1–26",
        doi="10.1214/aos/1176344552",
    ),
    Reference(
        "steele2014", "Steele et al. 2014", "Steele, G. L. and Lea, D. and Flood, C. H.", 2014,
        "Fast splittable pseudorandom number generators",
        "Proceedings of the 2014 ACM International Conference on Object Oriented Programming "
        "Systems Languages & Applications", "", "453–472", doi="10.1145/2660193.2660195",
        kind="inproceedings",
    ),
    Reference(
        "cohen1960", "Cohen 1960", "Cohen, J.", 1960,
        "A Coefficient of Agreement for Nominal Scales",
        "Educational and Psychological Measurement", "20", "37–46",
        doi="10.1177/001316446002000104",
    ),
    Reference(
        "fleiss1969", "Fleiss et al. 1969",
        "Fleiss, J. L. and Cohen, J. and Everitt, B. S.", 1969,
        "Large sample standard errors of kappa and weighted kappa", "Psychological Bulletin",
        "72", "323–327", doi="10.1037/h0028106",
    ),
    Reference(
        "light1971", "Light 1971", "Light, R. J.", 1971,
        "Measures of response agreement for qualitative data: Some generalizations and "
        "alternatives", "Psychological Bulletin", "76", "365–377", doi="10.1037/h0031643",
    ),
)  # fmt: skip
