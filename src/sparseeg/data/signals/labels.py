"""Types of channels by their labels, for files that don't state the types."""

import re
from functools import lru_cache

# Searched in the label in lower case; the first match counts. `\b` keeps names of electrodes out.
_KINDS = (
    (
        "EOG",
        r"eog|\b[hv]eo[ulr]?\b|\b[lr]oc\b|\be[12][-:/ ]?[am][12]\b|\b[ils]o[12]\b|\bblink"
        r"|\b(l|r|left|right)?[ -]?eye",
    ),
    ("ECG", r"ecg|ekg|\bcardi"),
    (
        "EMG",
        r"emg|\bchin|\btib|\b[lr]?legs?\b|\b[lr]?arms?\b|\b(fdi|apb|edc|fcr|ecr)\b|masseter|zygomat"
        r"|corrugator|orbicularis|trapez|deltoid|biceps|triceps",
    ),
    ("TEMP", r"\btemp ?\d*\b|temperature"),
    (
        "RESP",
        r"\bresp|\bair ?flow|\bflow|\babd|\bthor|\bchest|\beffort|\bnasal|\bsnor|cannula|therm|\b(et)?co2"
        r"|\bbreath|\bbelt|\bcpap|\bpres\b|\bpressure",
    ),
    (
        "BIO",
        r"\bs[ap]o2|\bo2 ?sat|\bosat|\bplet|\bpulse|\bheart|\bhr\b|\bpr\b|\bbpm\b|\bibi\b|\bgsr|\beda\b"
        r"|\bsc[rl]?\b|\bskin|\bsweat|\bppg|\bbvp|\berg ?\d",
    ),
    (
        "TRIG",
        r"\bstatus|\btrig|\bsti\b|\bsti ?\d|\bstim|\bmark(er|\d|s?\b)|\bmkr?\b|\bevents?\b|annotations"
        r"|\bcounter|\bdin ?\d*\b|\bdigi|\bttl|\bsync|\bparallel|\bbuttons?\b",
    ),
    (
        "MISC",
        r"\bacc|gyro|accel|magnet|\bmag ?[xyz]?\b|\b[xyz] dir\b|\bimu\b|\bquat|\bphot[io]|\blight|\baux"
        r"|\bexg ?\d|\bbip ?\d*\b|\bdc ?\d+\b|\banalog|\bvolt|\bmisc|\bbat(tery)?\b|\bmic\b|\bmicroph"
        r"|\baudio|\bsound|\bvoice|\bspeech|pupil|gaze|\bbody|\bposition|\b(gnd|ground)\b|time ?stamp"
        r"|\bsample ?(number|index|count|no\b)|\bpacket|\b[ce]q\b|\bquality|\binterpolated|\bimpedance",
    ),
)
_EEG = re.compile(r"^eeg[ -]*")
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)


@lru_cache(maxsize=4096)  # recordings of a data set share their labels
def label_type(label: str) -> str:
    """Return the type that the label of a channel suggests, as in BIDS: "EEG" unless it names another one.

    Parameters
    ----------
    label : as `EEG Fpz-Cz`, `E12`, `EMG submental` or `SaO2`.
    """
    plain = _EEG.sub("", label.strip().lower().replace("_", " "))  # some amplifiers call all channels EEG
    return next((kind for kind, pattern in _PATTERNS if pattern.search(plain)), "EEG")
