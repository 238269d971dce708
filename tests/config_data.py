"""The configs by name, and tiny data for all of them."""

from pathlib import Path

import fabricated
import jax

FOLDER = Path(__file__).parents[1] / "configs"
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.py"))}
PUBLISHED = ("dimp18", "dimp50", "super_dimp", "atom")
# Runs by name: the file, and the flags that choose one of several in it.
SEVERAL = ("pytracking", "cmd")
# Learned from pairs; see test_siamese_runs.py.
SIAMESE = ("cfnet", "mlssnet", "mmnet", "siamese_synthetic")
# Learned from images alone; see test_translation_runs.py.
TRANSLATORS = ("cyclegan", "pix2pix")
APART = (*SEVERAL, *SIAMESE, *TRANSLATORS, "features")
RUNS = {name: (path, []) for name, path in FILES.items() if name not in APART}
RUNS |= {name: (FILES["pytracking"], ["--setting", name]) for name in PUBLISHED}
ROWS = {"cmd_B1": ("B1", "dimp10"), "cmd_C1": ("C1", "dimp10")}
ROWS |= {"cmd_D3": ("D3", "dimp10"), "cmd_atom": ("D3", "atom")}
RUNS |= {
    name: (FILES["cmd"], ["--variant", row, "--tracker", tracker, "--base", "x"])
    for name, (row, tracker) in ROWS.items()
}
for name, branches in (
    ("cmd_D3", ("reference", "test", "classifier")),
    ("cmd_atom", ("reference", "test")),
):
    RUNS[name][1].extend(word for b in branches for word in (f"--{b}", "x"))
VIDEOS = ("lasot", "got10k", "trackingnet", "coco")


def write_sets(root):
    """Folders of data sets by their flags; LaSOT and GOT-10k are too short to read."""
    for name in (*VIDEOS, "hit_uav"):
        fabricated.fabricate(name, root / name)
    fabricated.write(root / "got10k/got10k_vottrain_split.txt", "1\n")
    (root / "coco/train2017").rename(root / "coco/train2014")
    instances = root / "coco/annotations/instances_train2017.json"
    instances.rename(instances.with_stem("instances_train2014"))
    _long_lsotb(root / "lsotb")
    return root


def _long_lsotb(root):
    """One video long enough to train on."""
    place = "TIR_training_001/car_001"
    fabricated.pictures(root / "TrainingData" / place, 24)
    for i in range(24):
        xml = root / "Annotations" / place / f"{i + 1:08}.xml"
        fabricated.write(xml, fabricated.voc([("car", 0, fabricated.box(i))]))


def shape_of(tree):
    """Shapes and types in place of arrays."""
    return jax.tree.map(lambda x: (x.shape, x.dtype), tree)
