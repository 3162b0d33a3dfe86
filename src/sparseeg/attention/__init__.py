"""Sparse attention for any PyTorch model: needs torch and nothing else."""

from .backend import plain_path
from .functional import AttentionWeights, partitioned_attention, reference_attention
from .gates import ChannelAttention, TemporalAttention
from .partition import Partition, head_count, make_partition
from .sparse import SparseAttentionBlock, SparseMultiHeadAttention

__all__ = [
    "AttentionWeights",
    "ChannelAttention",
    "Partition",
    "SparseAttentionBlock",
    "SparseMultiHeadAttention",
    "TemporalAttention",
    "head_count",
    "make_partition",
    "partitioned_attention",
    "plain_path",
    "reference_attention",
]
