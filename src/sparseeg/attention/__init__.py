"""How is sparse attention computed, as layers for any PyTorch model that need only torch?

Modules import those before them: backend - partition - functional (reference) - linear, chunked, triton_* -
dispatch - sparse.
"""

from .backend import plain_path
from .dispatch import partitioned_attention
from .functional import AttentionWeights, reference_attention
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
