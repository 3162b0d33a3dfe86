"""Engines that carry joblib's work to other machines: dask and ray, where they are installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from sparseeg.errors import SparseEEGError, not_installed


@contextmanager
def engine(backend: str, scheduler: str | None = None) -> Iterator[None]:
    """Connect joblib's backend to its cluster for a while; "loky" and the like need nothing.

    Parameters
    ----------
    backend : joblib's name of it.
    scheduler : address of a dask scheduler; without one, dask starts a cluster on this machine.

    Raises
    ------
    SparseEEGError : the engine is not installed, or its scheduler doesn't answer.
    """
    if scheduler is not None and backend != "dask":
        raise SparseEEGError("a scheduler's address is for the backend dask")
    if backend == "dask":
        with _dask(scheduler):
            yield
        return
    if backend == "ray":
        _ray()
    yield


@contextmanager
def _dask(scheduler: str | None) -> Iterator[None]:
    try:
        from distributed import Client
    except ImportError as error:
        raise not_installed("distributed", "sparseeg[dask]", error) from error
    try:
        client = Client(scheduler, timeout=20)
    except (OSError, ValueError) as error:
        raise SparseEEGError(f"no dask scheduler answers at {scheduler}") from error
    with client:
        yield


def _ray() -> None:
    try:
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise not_installed("ray", "ray", error) from error
    register_ray()
