"""Any data set of sequences as a TFDS builder that writes ArrayRecord.

One builder class a data set, made when asked for, because TFDS registers classes by
name. A record holds one picture: the file's own bytes where it is an 8-bit JPEG or PNG
(nothing is encoded twice), a PNG of the 8-bit frame otherwise. Never Parquet: it lost
records silently. Records are written as they come; TFDS's own way to write more than
1 GB needs TensorFlow, sorts in memory and takes the space twice.
"""

import errno
import functools
import io
import itertools
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tirjax.data.sequence import DataError, Dataset
from tirjax.data.training.packing import Packing
from tirjax.data.training.prepared import ABOUT, SPLIT, claim_process, open_prepared

__all__ = ["VERSION", "Written", "builder_class", "open_prepared", "place", "write"]

VERSION = "1.0.0"
# About 300 MB of thermal or 1.5 GB of colour pictures a file: few open files, and
# files of a size that copies well.
PICTURES_PER_FILE = 16384
_BATCH = 256
_ABORTED = f"incomplete.*_{VERSION}"

# What was read at the source; other sets say so themselves.
_TERMS = {
    "lsotb_tir": "Liu et al., LSOTB-TIR, ACM MM 2020. Images and annotations: academic "
    "and non-commercial use only, training and fine-tuning included.",
    "ptb_tir": "Liu et al., PTB-TIR, IEEE Transactions on Multimedia 2020.",
    "vot_tir": "Felsberg et al., The Thermal Infrared Visual Object Tracking "
    "VOT-TIR Challenge Results, 2015 and 2016.",
    "got10k": "Huang et al., GOT-10k, IEEE TPAMI 2021.",
    "lasot": "Fan et al., LaSOT, CVPR 2019.",
    "trackingnet": "Mueller et al., TrackingNet, ECCV 2018.",
    "coco": "Lin et al., Microsoft COCO, ECCV 2014.",
    "imagenet_vid": "Russakovsky et al., ImageNet Large Scale Visual Recognition "
    "Challenge, IJCV 2015 (object detection from video).",
    "kaist": "Hwang et al., Multispectral Pedestrian Detection, CVPR 2015.",
    "rgbt210": "Li et al., RGBT210, ACM MM 2017.",
    "rgbt234": "Li et al., RGB-T Object Tracking: Benchmark and Baseline, 2019.",
    "lasher": "Li et al., LasHeR, IEEE Transactions on Image Processing 2022.",
    "hit_uav": "Suo et al., HIT-UAV, Scientific Data 2023.",
    "antiuav": "Jiang et al., Anti-UAV, IEEE Transactions on Multimedia 2023.",
    "otb": "Wu et al., Object Tracking Benchmark, IEEE TPAMI 2015.",
}
_LICENCE = (
    "Licence: that of the source, unchanged by this copy; read it there before you use "
    "or pass on the data or what is trained on it."
)


class Written(NamedTuple):
    """What a finished data set holds.

    Attributes:
      folder: where it lies; ``open_prepared`` takes it.
      sequences: how many there are.
      frames: of all of them.
      records: pictures; fewer than frames where sequences share them.
      skipped: what was left out and why, a line each.
    """

    folder: Path
    sequences: int
    frames: int
    records: int
    skipped: tuple[str, ...]


def place(out: Path, name: str, cut: str | None = None) -> Path:
    """Folder of a prepared data set below ``out``, in the layout of TFDS."""
    return out / _label(name, cut) / VERSION


@functools.cache
def builder_class(name: str, cut: str | None = None) -> type:
    """The TFDS builder of a data set; the same class on every call.

    Args:
      name: of the data set.
      cut: the part of it.

    Returns:
      A ``tfds.core.GeneratorBasedBuilder``. Its attribute ``packing`` gives the
      pictures and must be set before ``download_and_prepare``.
    """
    import tensorflow_datasets as tfds

    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        """Writes what ``packing`` gives, in order."""

        packing: Packing
        about: dict[str, Any]
        per_file = PICTURES_PER_FILE
        code_path = None  # there are no checksums of downloads to look for

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=(None, None, 3)),
                "number": tfds.features.Scalar(np.int64),
                "source": tfds.features.Text(),
            }
            return tfds.core.DatasetInfo(
                builder=self,
                description=_description(name, cut),
                features=tfds.features.FeaturesDict(features),
                disable_shuffling=True,
            )

        def _split_generators(self, dl_manager):
            return {SPLIT: self._generate_examples()}

        def _generate_examples(self):
            return ((example["number"], example) for example in self.packing)

        def _download_and_prepare(self, dl_manager, download_config=None):
            info = self._info()  # of the temporary folder, where it writes
            writer = tfds.core.SequentialWriter(
                info, self.per_file, file_format="array_record"
            )
            writer.initialize_splits([SPLIT])
            examples = (example for _, example in self._generate_examples())
            while batch := [*itertools.islice(examples, _BATCH)]:
                writer.add_examples({SPLIT: batch})
            writer.close_all()
            self.info.set_splits(info.splits)
            _finish(Path(self.data_dir), self.packing, self.about)

    label = _label(name, cut)
    body = {
        "name": label,
        "VERSION": tfds.core.Version(VERSION),
        "__module__": __name__,
    }
    title = "".join(word.capitalize() for word in label.split("_"))
    return type(title, (Builder,), body)


def write(
    source: Dataset,
    out: Path,
    name: str,
    cut: str | None = None,
    *,
    skip: Callable[[str], None] | None = None,
    watch: Callable[[int], None] = lambda frames: None,
    about: dict[str, Any] | None = None,
    per_file: int = PICTURES_PER_FILE,
) -> Written:
    """Writes all sequences; the folder appears only when everything is in it.

    Args:
      source: the sequences; every frame is decoded once to see that it can be.
      out: folder of data sets.
      name: of the data set.
      cut: the part of it.
      skip: told why a sequence is left out; None stops at the first that is bad.
      watch: told the number of frames after each sequence.
      about: what else ``about.json`` shall say.
      per_file: most pictures in one file.

    Raises:
      DataError: a sequence is bad, none is good, the disk is full, or the data set
        exists. Nothing is left behind.
    """
    folder = place(out, name, cut)
    if folder.exists():
        raise DataError(f"{folder} exists; delete it to prepare the data set again")
    for aborted in folder.parent.glob(_ABORTED):
        shutil.rmtree(aborted)
    import tensorflow_datasets as tfds

    claim_process()
    builder = builder_class(name, cut)(data_dir=out, file_format="array_record")
    builder.packing = packing = Packing(source, skip, watch)
    builder.about, builder.per_file = about or {}, per_file
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    try:
        with tempfile.TemporaryDirectory() as unused, redirect_stdout(io.StringIO()):
            builder.download_and_prepare(download_dir=unused, download_config=config)
    except (OSError, RuntimeError) as error:  # the latter from the C++ writer
        if _is_full(error, out):
            raise DataError(
                f"{out}: the disk is full after {packing.records} pictures; free some "
                "space or choose another --out, nothing was left there"
            ) from error
        raise
    finally:
        with suppress(OSError):  # it stays if anything is in it
            folder.parent.rmdir()
    table, skipped = packing.table, tuple(packing.skipped)
    return Written(folder, len(table.rows), table.frames, packing.records, skipped)


def _label(name: str, cut: str | None) -> str:
    """Name for TFDS, a word; a list of sequences is named by a checksum."""
    if cut is None:
        return f"tirjax_{name}"
    if not re.fullmatch("[a-z0-9]{1,32}", cut):
        cut = "part" + sha256(cut.encode()).hexdigest()[:10]
    # Two, since 'lsotb_tir_train' is a data set and no part of 'lsotb_tir'.
    return f"tirjax_{name}__{cut}"


def _description(name: str, cut: str | None) -> str:
    known = (text for key, text in _TERMS.items() if name.startswith(key))
    part = f" ({cut})" if cut else ""
    return f"{name}{part}, prepared by tirjax. {next(known, '')} {_LICENCE}"


def _finish(folder: Path, packing: Packing, about: dict[str, Any]) -> None:
    """Compares the records with what was given, and writes the tables beside them."""
    from array_record.python.array_record_module import ArrayRecordReader

    if not packing.table.rows:
        raise DataError("no sequence can be used; run with --check to see why")
    found, files = 0, sorted(folder.glob("*.array_record-*"))
    for file in files:
        reader = ArrayRecordReader(str(file))
        found += reader.num_records()
        reader.close()
    if found != packing.records:
        raise DataError(
            f"{folder}: {packing.records} records were written and {found} are there; "
            "check the disk and prepare again"
        )
    packing.table.save(folder)
    sizes = {file.name: file.stat().st_size for file in files}
    told = {**about, "records": found, "skipped": packing.skipped, "files": sizes}
    (folder / ABOUT).write_text(json.dumps(told, indent=2))


def _is_full(error: BaseException, out: Path) -> bool:
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
        return True
    # NumPy says only that it wrote less than it wanted to.
    return "requested and" in str(error) and shutil.disk_usage(out).free < 2**20
