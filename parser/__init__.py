"""Our own small spaCy pipeline: its data, its training and its figures. ``python -m parser`` says how to make it."""

import os

# Read by the numerical libraries when they load: sums over several threads differ from run to run.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
