"""Statistical tests and bounds, one file each. Pure.

`TESTS` lists them all; adding one is a file and a line here.
"""

TESTS = {
    "average_precision": "average precision, and what each row adds to it",
    "binomial": "exact bounds of one proportion; fair split; exact McNemar",
    "cochran": "is a change the same in every window (Cochran's Q)",
    "delong": "two areas under the ROC curve on the same rows",
    "logistic": "slope of a logistic regression, and what each row adds to it",
    "mcnemar": "paired yes/no answers, mid-p",
    "multiplicity": "Holm's and Benjamini-Hochberg's adjusted p-values",
    "quantile": "a quantile, and what each row adds to it",
    "sign_flip": "paired differences in clusters of dependent rows",
    "stretch": "since when, and until when, a loss stands in a series (epidemic alternative)",
    "student": "limits and p-values of an estimate with a standard error",
    "symmetry": "are changes between classes as frequent one way as the other (Stuart-Maxwell)",
    "tango": "interval of a difference of paired proportions",
}
