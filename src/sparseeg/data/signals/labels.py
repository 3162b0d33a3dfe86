"""Types of channels by their labels, for files that don't state the types."""

import re

# Searched in the label in lower case; the first match counts. `\b` keeps names of electrodes out.
_KINDS = (
    ("EOG", r"eog|\b[hv]eo[ulr]\b|\b[lr]oc\b|\be[12][-:/ ]?[am][12]\b|\b[ils]o[12]\b"),
    ("ECG", r"ecg|ekg|\bcardi"),
    ("EMG", r"emg|\bchin|\btib|\bleg\b|masseter"),
    ("TEMP", r"\btemp\b|temperature"),
    (
        "RESP",
        r"\bresp|\bair ?flow|\bflow|\babd|\bthor|\bchest|\beffort|\bnasal|\bsnor|cannula|therm|\b(et)?co2",
    ),
    (
        "BIO",
        r"\bs[ap]o2|\bo2 ?sat|\bosat|\bplet|\bpulse|\bheart|\bhr\b|\bbpm\b|\bibi\b|\bgsr|\beda\b|\bsc[rl]?\b"
        r"|\bskin|\bppg",
    ),
    ("TRIG", r"\bstatus|\btrig|\bsti\b|\bsti ?\d|\bstim|\bmarker|\bevents?\b|annotations|\bcounter"),
    (
        "MISC",
        r"\bacc|gyro|accel|\b[xyz] dir\b|\bphot[io]|\blight|\baux|\bexg ?\d|\bdc ?\d+\b|\bmisc|\bbattery"
        r"|\bmic\b|\baudio|\bpupil|\bgaze|\bbody|\bposition",
    ),
)
_EEG = re.compile(r"^eeg[ -]*")
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)


def label_type(label: str) -> str:
    """Return the type that the label of a channel suggests, as in BIDS: "EEG" unless it names another one.

    Parameters
    ----------
    label : as `EEG Fpz-Cz`, `E12`, `EMG submental` or `SaO2`.
    """
    plain = _EEG.sub("", label.strip().lower().replace("_", " "))  # some amplifiers call all channels EEG
    return next((kind for kind, pattern in _PATTERNS if pattern.search(plain)), "EEG")
