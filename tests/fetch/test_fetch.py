"""Fetching a release: whole and verified whatever the network does, and nothing twice."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from helpers.kills import kill_at_random
from helpers.patience import SAFETY_NET, wait_until
from helpers.s3_server import BUCKET, ROOT, Server, Trick, digest, fill
from sparseeg.errors import SparseEEGError
from sparseeg.fetch import Patience, Request, fetch, manifest, plan, release
from sparseeg.files import lock

boto3 = pytest.importorskip("boto3")
moto_server = pytest.importorskip("moto.server")

BDF = "sub-NDARA/eeg/sub-NDARA_task-contrastChangeDetection_run-1_eeg.bdf"
IN_PARTS = "sub-NDARA/eeg/sub-NDARA_task-ThePresent_eeg.bdf"
PATIENCE = Patience(retries=2, pause=0.01, silence=300.0)
# So long it takes to notice a silent server; a slow one may be taken for silent, and is asked again.
SHORT = Patience(retries=100, pause=0.01, silence=2.0)


@pytest.fixture(scope="module")
def bucket():
    server = moto_server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    address = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url="http://{}:{}".format(*address),
        region_name="us-east-1",
        aws_access_key_id="anybody",
        aws_secret_access_key="anything",
    )
    yield client, address, fill(client)
    server.stop()


@pytest.fixture
def content(bucket):
    return bucket[2]


@pytest.fixture
def proxy(bucket, monkeypatch):
    server = Server(bucket[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    for name in ("HTTP_PROXY", "http_proxy", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def get(to: Path, patience: Patience = PATIENCE, **options):
    return fetch(Request(("R5",), to, **options), jobs=4, patience=patience)


def there(to: Path) -> dict[str, str]:
    """Return what lies in the folder of the release, but for fetch's own files."""
    folder = to / "R5_L100_bdf"
    own = (manifest.NAME, lock.NAME)
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in own]
    return {path.relative_to(folder).as_posix(): digest(path.read_bytes()) for path in files}


def finished(to: Path) -> dict[str, str]:
    return {path: found for path, found in there(to).items() if not path.endswith(".partial")}


def digests(content: dict[str, bytes]) -> dict[str, str]:
    return {path: digest(body) for path, body in content.items()}


def test_a_release_arrives_whole_and_is_not_fetched_again(proxy, content, tmp_path):
    calls: list[tuple[int, ...]] = []
    outcome = fetch(Request(("r5",), tmp_path), 4, PATIENCE, progress=lambda *call: calls.append(call))
    assert outcome.problems == ()
    assert outcome.fetched == sum(map(len, content.values()))
    assert there(tmp_path) == digests(content)
    assert max(calls)[:2] == (outcome.fetched, outcome.fetched)
    assert max(call[2] for call in calls) == len(content)
    proxy.seen.clear()
    assert get(tmp_path).fetched == 0
    assert proxy.seen == []


TRICKS = {
    "cut three times": lambda key, number: Trick(cut=70_000) if number < 3 else None,
    "cut before the first byte": lambda key, number: Trick(cut=0) if number < 2 else None,
    "busy at first": lambda key, number: Trick(status=503) if number < 2 else None,
    "too many requests": lambda key, number: Trick(status=429) if number < 1 else None,
    "slow": lambda key, number: Trick(slow=0.005),
    "shorter than it is": lambda key, number: Trick(lie=60_000) if number < 2 else None,
    "other bytes once": lambda key, number: Trick(swap=True) if not number else None,
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_bad_connection_changes_nothing(proxy, content, tmp_path, trick):
    proxy.plan = TRICKS[trick]
    assert get(tmp_path).problems == ()
    assert there(tmp_path) == digests(content)


@pytest.mark.parametrize("begin", [90_000, 0])
def test_a_server_that_goes_silent_is_asked_again(proxy, content, tmp_path, begin):
    proxy.plan = lambda key, number: (
        Trick(cut=begin, silent=True) if key.endswith(BDF) and not number else None
    )
    assert get(tmp_path, SHORT).problems == ()
    assert there(tmp_path) == digests(content)
    asked = [wanted for key, wanted in proxy.seen if key == ROOT + BDF]
    assert len(asked) >= 2


@pytest.mark.parametrize(
    ("trick", "reason"),
    [
        (Trick(status=503), "the server says 503"),
        (Trick(status=403), "the server says 403"),
        (Trick(swap=True), "its checksum is not the server's"),
        (Trick(cut=0), "3 attempts in a row received no data"),
        (Trick(lie=0), "too few"),
    ],
)
def test_a_file_that_can_not_be_had_is_listed_and_the_rest_goes_on(proxy, content, tmp_path, trick, reason):
    proxy.plan = lambda key, number: trick if key.endswith(BDF) else None
    outcome = get(tmp_path)
    (problem,) = outcome.problems
    assert problem.path == tmp_path / "R5_L100_bdf" / BDF
    assert reason in problem.reason
    assert finished(tmp_path) == {path: found for path, found in digests(content).items() if path != BDF}
    proxy.plan = lambda key, number: None
    proxy.seen.clear()
    assert get(tmp_path).problems == ()
    assert {key for key, _ in proxy.seen} == {ROOT + BDF}
    assert there(tmp_path) == digests(content)


def test_only_what_is_missing_of_a_file_is_asked_for(proxy, content, tmp_path):
    proxy.plan = lambda key, number: Trick(cut=200_000) if key.endswith(BDF) and not number else None
    get(tmp_path, tasks=("contrastChangeDetection",))
    asked = [wanted for key, wanted in proxy.seen if key == ROOT + BDF]
    assert asked[0] is None
    first = int(asked[1].removeprefix("bytes=").removesuffix("-"))
    assert 200_000 - (1 << 16) <= first <= 200_000
    assert len(asked) == 2


def test_a_file_that_changes_on_the_way_is_fetched_as_it_is_then(proxy, bucket, content, tmp_path):
    client, newer = bucket[0], content[BDF][::-1] + b"and more"

    def change(key, number):
        if not key.endswith(BDF) or number:
            return None
        client.put_object(Bucket=BUCKET, Key=key, Body=newer, ACL="public-read")
        return Trick(cut=100_000)

    proxy.plan = change
    try:
        assert get(tmp_path).problems == ()
        assert there(tmp_path) == digests(content | {BDF: newer})
    finally:
        client.put_object(Bucket=BUCKET, Key=ROOT + BDF, Body=content[BDF], ACL="public-read")
    assert get(tmp_path).fetched == len(content[BDF])  # another version on the server
    assert there(tmp_path) == digests(content)


def test_partial_files_of_other_versions_go_and_those_of_other_files_stay(proxy, content, tmp_path):
    place = tmp_path / "R5_L100_bdf" / "participants.tsv"
    place.parent.mkdir()
    older = place.with_name(f"{place.name}.{'0' * 32}.partial")
    other = place.with_name(f"{place.name}.gz.{'0' * 32}.partial")
    for path in (older, other):
        path.write_bytes(b"of something else")
    get(tmp_path)
    assert not older.exists()
    assert other.exists()
    assert place.read_bytes() == content["participants.tsv"]


def test_a_file_where_a_folder_must_be_costs_its_own_files_alone(proxy, content, tmp_path):
    (tmp_path / "R5_L100_bdf").mkdir()
    (tmp_path / "R5_L100_bdf" / "sub-NDARA").write_text("in the way")
    problems = get(tmp_path).problems
    blocked = {path for path in content if path.startswith("sub-NDARA/")}
    assert {problem.path for problem in problems} == {tmp_path / "R5_L100_bdf" / path for path in blocked}
    assert there(tmp_path).keys() == content.keys() - blocked | {"sub-NDARA"}


def test_tasks_are_chosen_and_misspelt_ones_named(proxy, content, tmp_path):
    get(tmp_path, tasks=("RestingState",))
    assert there(tmp_path).keys() == {
        path for path in content if "_task-" not in path or "_task-RestingState_" in path
    }
    with pytest.raises(SparseEEGError, match=r"unknown task 'restingstate'.*Did you mean 'RestingState'"):
        Request(("R5",), tmp_path, tasks=("restingstate",))
    with pytest.raises(SparseEEGError, match="unknown release 'R55'"):
        Request(("R55",), tmp_path)


def test_a_plan_writes_nothing(proxy, content, tmp_path):
    (folder,) = plan(Request(("R5",), tmp_path / "deep" / "down"), PATIENCE)
    assert (folder.size, folder.there) == (sum(map(len, content.values())), 0)
    assert list(tmp_path.iterdir()) == []


def test_files_on_the_disk_are_trusted_only_when_they_were_verified(proxy, content, tmp_path):
    get(tmp_path)
    folder = tmp_path / "R5_L100_bdf"
    (folder / BDF).write_bytes(content[BDF][:-1] + b"!")  # the same size, other bytes
    (folder / IN_PARTS).write_bytes(content[IN_PARTS])  # touched, but whole
    proxy.seen.clear()
    get(tmp_path)
    assert {key for key, _ in proxy.seen} == {ROOT + BDF}
    assert there(tmp_path) == digests(content)
    (folder / manifest.NAME).unlink()
    proxy.seen.clear()
    get(tmp_path)
    assert proxy.seen == []


def test_a_torn_line_of_the_manifest_costs_its_own_file_alone(proxy, content, tmp_path):
    get(tmp_path)
    path = tmp_path / "R5_L100_bdf" / manifest.NAME
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-3]) + lines[-3][:20])
    get(tmp_path)
    rows = []
    for line in path.read_text().splitlines():
        try:
            rows.append(json.loads(line)["path"])
        except ValueError:
            assert lines[-3].startswith(line)
    assert sorted(rows) == sorted(content)


def test_names_that_lead_out_of_the_folder_are_not_followed(proxy, bucket, tmp_path):
    client = bucket[0]
    keys = [ROOT + "../outside.txt", ROOT + "/absolute.txt", ROOT + "folder/"]
    for key in keys:
        client.put_object(Bucket=BUCKET, Key=key, Body=b"bad")
    try:
        problems = get(tmp_path / "data").problems
        assert sorted(str(problem.path) for problem in problems) == sorted(str(Path(key)) for key in keys[:2])
        assert not list(tmp_path.rglob("outside.txt"))
        assert not list(tmp_path.rglob("absolute.txt"))
    finally:
        client.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in keys]})


def test_one_fetch_at_a_time_in_a_folder(proxy, tmp_path):
    (tmp_path / "R5_L100_bdf").mkdir()
    with lock.only_writer(tmp_path / "R5_L100_bdf"), pytest.raises(SparseEEGError, match="another command"):
        get(tmp_path)
    assert get(tmp_path).problems == ()


def test_what_is_not_there_is_one_line(proxy, tmp_path, monkeypatch):
    with pytest.raises(SparseEEGError, match="has nothing below NeurIPS25/R5_mini_L100_bdf"):
        get(tmp_path, mini=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(SparseEEGError, match="can't be listed"):
        get(tmp_path)
    for name in ("boto3", "botocore"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SparseEEGError, match=r"pip install 'sparseeg\[hbn\]'"):
        get(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(proxy, tmp_path, monkeypatch):
    monkeypatch.setattr(release, "free_space", lambda path: 1_000_000)
    with pytest.raises(SparseEEGError, match=r"6\.\d MB are left to fetch, 1\.0 MB are free"):
        get(tmp_path)
    assert proxy.seen == []


def test_a_disk_that_fills_up_ends_it_and_nothing_is_lost(proxy, content, tmp_path, monkeypatch, sparseeg):
    sync, synced = os.fsync, []

    def full(handle):
        synced.append(handle)
        if len(synced) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        code, said = sparseeg("fetch", "R5", "--to", tmp_path)
    assert code == 1
    assert "No space left on device" in said
    assert str(tmp_path) in said
    assert get(tmp_path).problems == ()
    assert there(tmp_path) == digests(content)


def test_the_command_says_what_it_did_and_what_is_missing(proxy, content, tmp_path, sparseeg):
    def run(*words):
        return sparseeg("fetch", "R5", "--to", tmp_path, *words)

    code, said = run("--dry-run")
    assert code == 0
    assert f"{len(content)} files, 6.4 MB; 0 bytes are there, 6.4 MB are not" in said
    proxy.plan = lambda key, number: Trick(status=403) if key.endswith(BDF) else None
    code, said = run()
    assert code == 1
    assert f"{BDF}: the server says 403" in said
    assert "1 missing" in said
    assert "the same command fetches only what is missing" in said
    proxy.plan = lambda key, number: None
    code, said = run()
    assert code == 0
    assert "complete" in said
    code, said = run("--task", "Resting")
    assert code == 2
    assert said.count("\n") == 1


def test_an_interrupted_fetch_keeps_what_it_has(proxy, content, tmp_path):
    proxy.plan = lambda key, number: Trick(cut=200_000, silent=True) if key.endswith("_eeg.bdf") else None
    words = [sys.executable, "-m", "sparseeg", "fetch", "R5", "--to", str(tmp_path)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: list(tmp_path.rglob("*.partial")))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SAFETY_NET)
    assert process.returncode == 130
    assert "interrupted; the same command goes on" in said
    assert list(tmp_path.rglob("*.partial"))
    proxy.plan = lambda key, number: None
    assert get(tmp_path).fetched < sum(map(len, content.values()))
    assert there(tmp_path) == digests(content)


def test_killed_at_any_moment_it_ends_with_the_same_files(proxy, content, tmp_path):
    proxy.plan = lambda key, number: Trick(slow=0.05)
    folder = tmp_path / "R5_L100_bdf"
    for killed in kill_at_random(folder, 6, "fetch", "R5", "--to", tmp_path, "--jobs", "2"):
        if not killed:
            assert there(tmp_path) == digests(content)
            shutil.rmtree(folder)  # the next one has something to do again
            continue
        assert finished(tmp_path).items() <= digests(content).items()
    proxy.plan = lambda key, number: None
    assert get(tmp_path).problems == ()
    assert there(tmp_path) == digests(content)
