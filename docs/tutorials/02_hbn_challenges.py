"""
The HBN challenges, from fetch to submission
============================================

Challenge 1 of the EEG Foundation Challenge asks for the response time of each trial, challenge 2 for the
externalizing factor of each child. One zip answers both.

With the real data, the first two commands are::

    pip install 'sparseeg[hbn]'
    sparseeg fetch R2,R3,R4,R5 --to HBN

Here, simulated recordings stand in for them.
"""

from shell import new_folder, shell

new_folder("challenges")
shell("sparseeg simulate HBN --subjects 28 --trials 12 --seed 2 --passive 0")

# %%
# Two stores
# ----------
#
# ``prepare`` reads the recordings once and keeps the windows. Response times need the windows after each
# stimulus, the factor needs windows all over the recording.

shell("sparseeg prepare HBN --out TIMES")
shell("sparseeg prepare HBN --out FACTOR --task externalizing", last=8)

# %%
# Two networks
# ------------

shell(
    "sparseeg train --data TIMES --valid R4 --test R5 --epochs 2 --no-control --no-boosting --out run1",
    last=14,
)
shell(
    "sparseeg train --data FACTOR --task externalizing --valid R4 --test R5 --epochs 2 --no-control "
    "--no-boosting --model response-time-cnn --out run2",
    last=14,
)

# %%
# One zip
# -------
#
# The zip doesn't need this package. Before it is written, it is tried out in a process of its own, without
# network access: there, it must predict what the runs predict, one window at a time and in batches.

shell("sparseeg submit --response-time run1 --externalizing run2 --out submission.zip")

# %%
# The score of a zip
# ------------------
#
# ``score`` does what the challenge's script does, with any zip. It also says what the script does not: the
# interval over people, and whether predictions change with the order of the windows.

shell("sparseeg score submission.zip --data HBN", last=16)
