"""Forward model: MNE's four-shell sphere with the GSN-HydroCel-129 net, referenced to Cz."""

from dataclasses import dataclass
from functools import lru_cache

import mne
import numpy as np

from sparseeg.data.bids.hbn import CH_NAMES, MONTAGE

from .random_streams import random_stream
from .settings import SimulatorSettings

CORTEX = (0.050, 0.078)
"""Smallest and largest radius of cortical dipoles in metres; the inner skull is at 0.085."""

# Berg-Scherg parameters of the four shells (Berg and Scherg 1994). MNE's optimiser stops within 1e-4 of the
# best ones, at values that depend on the processor.
MU = (0.9448371460468897, 0.667745300262057, -0.2920116174497071)
LAMBDA = (0.4147418970735669, 2.0718007608829447, -0.03087719532555153)

# Directions from the centre of the head: x right, y forward, z up.
CPP_AT = (0.0, -0.45, 0.89)
MOTOR_AT = {"left": (0.62, 0.02, 0.78), "right": (-0.62, 0.02, 0.78)}  # contralateral to the hand
ALPHA_AT = ((-0.35, -0.85, 0.40), (0.35, -0.85, 0.40), (0.05, -0.75, 0.66))
VISUAL_AT = (0.0, -0.98, 0.15)
SELECTION_AT = (0.35, -0.90, 0.25)
FEEDBACK_AT = (0.0, 0.35, 0.93)
EYES_AT = ((-0.34, 0.88, -0.32), (0.34, 0.88, -0.32))
MUSCLES_AT = ((-0.92, 0.30, -0.22), (0.92, 0.30, -0.22), (-0.75, -0.62, -0.22), (0.75, -0.62, -0.22))


@dataclass(frozen=True)
class Anatomy:
    """Topographies of one subject in microvolts at the electrodes per microvolt of source, (129,) each.

    Topographies are scaled to a largest magnitude of one. `background` is a factor (129, 128) of the spatial
    covariance with mean variance one. `noise_uv` and `drift_uv` are the amplitudes of white noise and slow
    drift at each electrode.
    """

    cpp: np.ndarray
    motor: dict[str, np.ndarray]
    rhythm: dict[str, np.ndarray]
    alpha: np.ndarray
    visual: np.ndarray
    selection: np.ndarray
    feedback: np.ndarray
    eyes: np.ndarray
    muscles: np.ndarray
    background: np.ndarray
    noise_uv: np.ndarray
    drift_uv: np.ndarray


@lru_cache(maxsize=1)
def lead_field() -> tuple[np.ndarray, np.ndarray]:
    """Return dipole positions (source, 3) in metres from the centre and their fields (129, source, 3)."""
    montage = mne.channels.make_standard_montage(MONTAGE)
    info = mne.create_info(list(CH_NAMES), 100.0, "eeg", verbose="error").set_montage(
        montage, verbose="error"
    )
    sphere = mne.make_sphere_model("auto", "auto", info, verbose="error")
    sphere["mu"], sphere["lambda"] = np.array(MU), np.array(LAMBDA)
    axis = np.arange(-0.080, 0.081, 0.008)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    radius = np.linalg.norm(grid, axis=1)
    grid = grid[(radius > CORTEX[0]) & (radius < 0.0815) & (grid[:, 2] > -0.045)]
    normals = np.tile([0.0, 0.0, 1.0], (len(grid), 1))
    source = mne.setup_volume_source_space(pos={"rr": grid + sphere["r0"], "nn": normals}, verbose="error")
    forward = mne.make_forward_solution(info, None, source, sphere, meg=False, eeg=True, verbose="error")
    fields = forward["sol"]["data"].reshape(len(CH_NAMES), -1, 3)
    if fields.shape[1] != len(grid):
        raise RuntimeError(f"MNE kept {fields.shape[1]} of {len(grid)} dipoles")
    return grid, fields - fields[-1]


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def _topography(
    rng: np.random.Generator,
    direction: tuple[float, float, float],
    radius: float = 0.070,
    orientation: np.ndarray | None = None,
    spread: float = 0.006,
    tilt: float = 0.2,
) -> np.ndarray:
    """Return the field (129,) of a dipole near `direction`, displaced by about `spread` metres and tilted."""
    grid, fields = lead_field()
    position = radius * _unit(np.asarray(direction)) + spread * rng.standard_normal(3)
    nearest = int(np.argmin(np.sum((grid - position) ** 2, axis=1)))
    outward = _unit(position) if orientation is None else _unit(orientation)
    return _scaled(fields[:, nearest] @ _unit(outward + tilt * rng.standard_normal(3)))


def _patch(
    rng: np.random.Generator, direction: tuple[float, float, float], extent: float = 0.02
) -> np.ndarray:
    """Return the field (129,) of a patch of radial dipoles, Gaussian with SD `extent` metres."""
    grid, fields = lead_field()
    centre = 0.068 * _unit(np.asarray(direction)) + 0.006 * rng.standard_normal(3)
    turn = _unit(_unit(grid) + 0.2 * rng.standard_normal(3))
    weights = np.exp(-0.5 * np.sum((grid - centre) ** 2, axis=1) / extent**2)
    return _scaled(np.einsum("csk,sk,s->c", fields, turn, weights))


def _scaled(field: np.ndarray) -> np.ndarray:
    return field / np.abs(field).max()


def _background(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return a factor (129, 128) of the covariance of `count` scattered sources, with mean variance one."""
    grid, fields = lead_field()
    cortex = np.flatnonzero(np.linalg.norm(grid, axis=1) < CORTEX[1])
    chosen = rng.choice(cortex, size=count, replace=False)
    orientation = _unit(_unit(grid[chosen]) + 0.7 * rng.standard_normal((count, 3)))
    mixing = np.einsum("csk,sk->cs", fields[:-1, chosen], orientation) * rng.lognormal(0, 0.5, count)
    covariance = mixing @ mixing.T
    covariance /= np.trace(covariance) / len(covariance)
    factor = np.linalg.cholesky(covariance + 1e-6 * np.eye(len(covariance)))
    return np.vstack([factor, np.zeros((1, factor.shape[1]))])


def make_anatomy(seed: int, subject: int, settings: SimulatorSettings) -> Anatomy:
    """Draw the anatomy of a subject: positions and orientations of sources, and bad electrodes."""
    rng = random_stream(seed, subject, "anatomy")
    up = np.array([0.0, 0.3, 1.0])
    motor = {side: _topography(rng, at) for side, at in MOTOR_AT.items()}
    rhythm = {side: _topography(rng, at, tilt=0.5) for side, at in MOTOR_AT.items()}
    noise = settings.noise.sensor_uv * rng.lognormal(0, 0.25, len(CH_NAMES))
    noise[rng.random(len(CH_NAMES)) < settings.noise.bad_electrode_rate] *= 8.0
    drift = settings.noise.drift_uv * rng.lognormal(0, 0.3, len(CH_NAMES))
    noise[-1] = drift[-1] = 0.0
    return Anatomy(
        cpp=_patch(rng, CPP_AT),
        motor={side: -field for side, field in motor.items()},
        rhythm=rhythm,
        alpha=np.stack([_topography(rng, at, spread=0.012, tilt=0.5) for at in ALPHA_AT], axis=1),
        visual=_topography(rng, VISUAL_AT),
        selection=_topography(rng, SELECTION_AT),
        feedback=_topography(rng, FEEDBACK_AT),
        eyes=np.mean([_topography(rng, at, 0.080, up, 0.003, 0.1) for at in EYES_AT], axis=0),
        muscles=np.stack([_topography(rng, at, 0.081) for at in MUSCLES_AT], axis=1),
        background=_background(rng, settings.noise.background_sources),
        noise_uv=noise,
        drift_uv=drift,
    )
