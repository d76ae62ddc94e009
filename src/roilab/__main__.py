"""``python -m roilab VERB ...``, the same as ``roilab VERB ...``."""

import sys

from roilab.cli import main

if __name__ == "__main__":
    sys.exit(main())
