"""Which networks are there, and how are they built, saved and loaded, without files of recordings?"""

from .files import load, save
from .light_sparse_attention_cnn import LightSparseAttentionCNN
from .registry import build, names
from .response_time_cnn import ResponseTimeCNN
from .sparse_attention_cnn import SparseAttentionCNN
from .sparse_attention_locator import SparseAttentionLocator
from .sparse_eeg_transformer import SparseEEGTransformer
from .spec import NetworkSpec

# The specification's names.
ImprovedResponseTimeCNN = ResponseTimeCNN
ImprovedResponseTimeCNNWithAttention = SparseAttentionCNN
LightweightResponseTimeCNNWithAttention = LightSparseAttentionCNN

__all__ = [
    "ImprovedResponseTimeCNN",
    "ImprovedResponseTimeCNNWithAttention",
    "LightSparseAttentionCNN",
    "LightweightResponseTimeCNNWithAttention",
    "NetworkSpec",
    "ResponseTimeCNN",
    "SparseAttentionCNN",
    "SparseAttentionLocator",
    "SparseEEGTransformer",
    "build",
    "load",
    "names",
    "save",
]
