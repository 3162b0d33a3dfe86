"""Metadata of a simulated set: tables and sidecars as in HBN-EEG, marked as simulated."""

from collections.abc import Collection, Sequence

import sparseeg
from sparseeg.data.bids.hbn import CH_NAMES

from .settings import SFREQ, SimulatorSettings
from .subjects import Subject, releases

FACTORS = ("p_factor", "attention", "internalizing", "externalizing")
PASSIVE = ("RestingState", "DespicableMe", "FunwithFractals", "ThePresent", "DiaryOfAWimpyKid")
BLOCKS = ("contrastChangeDetection_1", "contrastChangeDetection_2", "contrastChangeDetection_3")
OTHER = ("surroundSupp_1", "surroundSupp_2", "seqLearning6target", "seqLearning8target", "symbolSearch")
COLUMNS = (
    "participant_id", "release_number", "sex", "age", "ehq_total", "commercial_use", "full_pheno",
    *FACTORS, *PASSIVE, *BLOCKS, *OTHER,
)  # fmt: skip
"""Columns of participants.tsv in HBN-EEG, in order."""

CHANNELS_TSV = "name\ttype\tunits\n" + "".join(f"{name}\tEEG\tuV\n" for name in CH_NAMES)

README = """\
This data set is SIMULATED by `sparseeg simulate`. Nobody was recorded.

It has the form of the contrast-change-detection task of HBN-EEG as distributed for the EEG Foundation
Challenge (100 Hz, 24-bit BDF, 0.5-50 Hz, Cz reference), so that software for the real data reads it as it is.
What is simulated, how it was calibrated and what it must not be used for: docs/simulator.md of sparseeg.
"""
README_PASSIVE = "Passive recordings, a resting state and a film, are part of it; they are not calibrated.\n"

PARTICIPANTS_JSON = {
    "participant_id": {"Description": "Simulated participant"},
    "release_number": {"Description": "R1 for training, R4 for validation, R5 for testing"},
    "sex": {"Description": "Sex", "Levels": {"F": "Female", "M": "Male"}},
    "age": {"Description": "Age", "Units": "years"},
    "ehq_total": {
        "Description": "Edinburgh Handedness Questionnaire, +100 fully right-handed, -100 fully left"
    },
    **{name: {"Description": f"Simulated psychopathology factor: {name}"} for name in FACTORS},
    **{name: {"Description": f"Availability of {name}"} for name in (*PASSIVE, *BLOCKS, *OTHER)},
}


def events_json(levels: dict[str, str]) -> dict[str, dict[str, object]]:
    """Return the events.json of a task, with a description of each value."""
    return {
        "onset": {"Description": "Seconds from the start of the recording", "Units": "s"},
        "duration": {"Description": "Always n/a: an event lasts until the next one", "Units": "s"},
        "value": {"Description": "What happened", "Levels": levels},
        "event_code": {"Description": "The code of the event in the recording; may be text"},
    }


EVENTS_JSON = events_json(
    {
        "contrastChangeB1_start": "Start of block (run) 1",
        "contrastChangeB2_start": "Start of block (run) 2",
        "contrastChangeB3_start": "Start of block (run) 3",
        "contrastTrial_start": "Start of a trial; the target follows 2.8, 4.4 or 6.0 s later",
        "left_target": "The left-tilted grating (20 Hz) begins to gain contrast",
        "right_target": "The right-tilted grating (25 Hz) begins to gain contrast",
        "left_buttonPress": "The left button was pressed",
        "right_buttonPress": "The right button was pressed",
    }
)
EVENTS_JSON["feedback"] = {
    "Description": "What the press earned",
    "Levels": {"smiley_face": "Correct", "sad_face": "Wrong side", "non_target": "No answer to a target"},
}


TASK_DESCRIPTIONS = {
    "contrastChangeDetection": "Simulated: detect a change of contrast in one of two flickering gratings.",
    "RestingState": "Simulated: rest, eyes open for 20 s and closed for 40 s in turn.",
    "DespicableMe": "Simulated: watch a film, of which nothing but the moments of its cuts is simulated.",
}


def eeg_sidecar(task: str, seconds: float) -> dict[str, object]:
    """Return the eeg.json of a recording of `seconds`."""
    return {
        "TaskName": task,
        "TaskDescription": TASK_DESCRIPTIONS[task],
        "SamplingFrequency": SFREQ,
        "PowerLineFrequency": 60,
        "EEGReference": "Cz",
        "EEGPlacementScheme": "GSN-HydroCel-129",
        "EEGChannelCount": len(CH_NAMES),
        "RecordingType": "continuous",
        "RecordingDuration": seconds,
        "SoftwareFilters": {"Band-pass": {"low cutoff (Hz)": 0.5, "high cutoff (Hz)": 50}},
        "Manufacturer": "sparseeg simulate",
    }


def description(
    subjects: int, trials: int, seed: int, settings: SimulatorSettings, passive_seconds: int = 0
) -> dict[str, object]:
    """Return dataset_description.json: `Simulated` is true, and `GeneratedBy` has all options."""
    passive = {"PassiveSeconds": passive_seconds} if passive_seconds else {}
    return {
        "Name": "Simulated contrast-change detection in the form of HBN-EEG",
        "BIDSVersion": "1.9.0",
        "DatasetType": "raw",
        "License": "CC0",
        "Authors": ["sparseeg simulate"],
        "Simulated": True,
        "GeneratedBy": [
            {
                "Name": "sparseeg simulate",
                "Version": sparseeg.__version__,
                "Subjects": subjects,
                "Trials": trials,
                "Seed": seed,
                **passive,
                "SettingsVersion": settings.version,
                "SettingsFingerprint": settings.fingerprint(),
            }
        ],
    }


def participants_tsv(people: Sequence[Subject], runs: int, passive: Collection[str] = ()) -> str:
    """Return participants.tsv with all columns of HBN-EEG; tasks that are not simulated are unavailable.

    Parameters
    ----------
    people : the subjects.
    runs : simulated runs of the contrast change detection task.
    passive : names of the simulated passive tasks.
    """
    simulated = {*BLOCKS[:runs], *passive}
    tasks = ["available" if name in simulated else "unavailable" for name in (*PASSIVE, *BLOCKS, *OTHER)]
    lines = ["\t".join(COLUMNS)]
    for person, release in zip(people, releases(len(people)), strict=True):
        known = [
            person.participant_id,
            release,
            person.sex,
            f"{person.age:.4f}",
            f"{person.ehq_total:.2f}",
            "Yes",
            "Yes",
        ]
        factors = [f"{getattr(person, name):.3f}" for name in FACTORS]
        lines.append("\t".join([*known, *factors, *tasks]))
    return "\n".join(lines) + "\n"
