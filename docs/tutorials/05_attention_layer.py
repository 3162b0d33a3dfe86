"""
Only the attention layer
========================

``SparseMultiHeadAttention`` needs only torch. It takes and returns ``(batch, token, feature)``, as
``torch.nn.MultiheadAttention`` with ``batch_first=True``, and can stand in its place.
"""

import time

import matplotlib.pyplot as plt
import pandas as pd
import torch
from shell import ROOT
from torch import nn

from sparseeg.attention import SparseMultiHeadAttention

# %%
# In place of dense attention
# ---------------------------
#
# The tokens are dealt among heads of ``tokens_per_head``. Each token is in exactly one head, at full width,
# and the order of tokens is restored, so that the cost grows linearly with their number.

x = torch.randn(2, 1000, 64)
dense = nn.MultiheadAttention(64, 1, batch_first=True)
sparse = SparseMultiHeadAttention(64, tokens_per_head=8)
print(dense(x, x, x, need_weights=False)[0].shape, sparse(x).shape)

# %%
# Padding is masked in the same way: ``True`` means ignore.

mask = torch.zeros(2, 1000, dtype=torch.bool)
mask[1, 700:] = True
sparse.eval()
changed = x.masked_fill(mask.unsqueeze(-1), 100.0)
print(torch.equal(sparse(x, key_padding_mask=mask)[1, :700], sparse(changed, key_padding_mask=mask)[1, :700]))

# %%
# In training, each forward pass draws a new partition. In evaluation, the partition depends on the number
# of tokens only: the same input gives the same output, alone or in a batch.

print(torch.equal(sparse(x[:1]), sparse(x)[:1]))

# %%
# When it helps
# -------------
#
# Where there are many tokens. The table was measured on two cores of one processor with d = 256; every row
# says how many times longer the fastest dense attention of PyTorch takes, and the fastest package of linear
# attention.

results = ROOT.parents[2] / "benchmarks" / "results"
summary = pd.read_csv(results / "attention-summary.tsv", sep="\t")
rows = summary[(summary["pass"] == "forward") & (summary["tokens per head"] == 2)]
figure, axes = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
axes.loglog(rows["N"], rows["dense / ours"], "o-", color="#0072B2", label="dense attention of PyTorch")
axes.loglog(
    rows["N"],
    rows["fastest package / ours"],
    "s--",
    color="#D55E00",
    label="fastest package of linear attention",
)
axes.axhline(1, color="#333333", linewidth=0.8)
axes.set_xlabel("tokens")
axes.set_ylabel("time relative to ours")
legend = axes.legend(frameon=False)

# %%
# When it doesn't
# ---------------
#
# Where every token must see every other one at once. Small heads are a poor approximation of full
# attention: the result of one layer differs from it by more than its own size. The table has the relative
# error of the output, for signals that are smooth over tokens.

quality = pd.read_csv(results / "attention-quality.tsv", sep="\t")
ours = quality[(quality["layer"] == "sparseeg") & (quality["N"] == 200) & (quality["d"] == 256)]
columns = ["signal", "tokens per head", "rounds", "correction", "partition", "relative error"]
print(
    ours[columns].drop_duplicates(columns[:-1]).sort_values("relative error").head(8).to_string(index=False)
)

# %%
# Layers in a stack pass on what they have heard: with ``partition="strided"`` and heads of about the square
# root of the number of tokens, two layers connect every token with every other one. A measurement takes one
# line:

for count in (256, 1024, 4096):
    x = torch.randn(1, count, 64)
    spent = {}
    with torch.inference_mode():
        for name, layer in (("dense", lambda x: dense(x, x, x, need_weights=False)), ("sparse", sparse)):
            layer(x)
            start = time.perf_counter()
            layer(x)
            spent[name] = time.perf_counter() - start
    print(f"{count} tokens: dense {1e3 * spent['dense']:.1f} ms, sparse {1e3 * spent['sparse']:.1f} ms")
