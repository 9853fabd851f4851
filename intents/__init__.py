"""From words to meaning."""

import os

# Reading multiplies small matrices: more threads than one only wait for each other, at four times the processor time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
