"""Statistical tests and bounds, one file each. Pure.

`TESTS` lists them all; adding one is a file and a line here.
"""

TESTS = {
    "binomial": "exact bounds of one proportion; fair split; exact McNemar",
    "cochran": "is a change the same in every window (Cochran's Q)",
    "delong": "two areas under the ROC curve on the same rows",
    "mcnemar": "paired yes/no answers, mid-p",
    "multiplicity": "Holm's and Benjamini-Hochberg's adjusted p-values",
    "sign_flip": "paired differences in clusters of dependent rows",
    "student": "limits and p-values of an estimate with a standard error",
    "tango": "interval of a difference of paired proportions",
}
