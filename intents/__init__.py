"""From words to meaning."""

import os

# Nothing here is large enough for numpy to share out: more threads than one would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
