"""
Many machines
=============

Recordings can be read by several processes, and on several machines. A comparison is one command that may
be interrupted.
"""

from shell import new_folder, shell

new_folder("machines")
shell("sparseeg simulate data --subjects 28 --trials 12 --seed 6")

# %%
# Prepare in parallel
# -------------------
#
# ``--jobs`` reads recordings in several processes; the store is the same for any number of them. On several
# machines with a shared disk, a dask cluster does it (``pip install 'sparseeg[dask]'``)::
#
#     sparseeg prepare HBN --out STORE --backend dask --scheduler tcp://HOST:8786

shell("sparseeg prepare data --out store --jobs 2", last=8)

# %%
# Compare, and go on
# ------------------
#
# All models get the same splits and seeds. What is finished is kept: the same command goes on after an
# interruption.

shell(
    "sparseeg compare --data store --valid R4 --test R5 --seeds 1 --models ridge,training-mean,"
    "gradient-boosting --out comparison",
    last=20,
)

# %%
# One training uses one device: ``--device cuda`` where there is a GPU. A training or comparison that was
# interrupted goes on with ``--resume``, or with the same command.
