"""`python -m ghmlops` is the same as the console script."""

import sys

from ghmlops.cli import main

sys.exit(main())
