"""Tiny copies of the layouts of training sets: ``LAYOUTS[name](root)`` writes one.

Pictures are 24 rows by 32 columns; frame ``i`` has the one value ``20 + i`` (in colour,
red is 100 more), so that a test can tell which frame it got. The zero-based box of
frame ``i`` is ``box(i)`` unless a layout says otherwise.
"""

import json
from pathlib import Path

import cv2
import numpy as np

ROWS, COLUMNS = 24, 32

# Sets with a fixed list of sequences: the part of them that is written here.
CUTS = {
    "ptb_tir": "airplane,birds",
    "lsotb_tir": "cat_D_001,head_H_001",
    "vot_tir2015": "horse,soccer",
    "vot_tir2016": "bird,soccer",
}


def box(i, target=0):
    """Zero-based ``(x, y, w, h)`` of a target on frame ``i``."""
    return (4.0 + i % 16, 3.0 + target + i % 8, 8.0, 6.0)


def picture(path, value, *, colour=False):
    """Writes one picture of one value; with ``colour`` its red is 100 more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((ROWS, COLUMNS, 3), value, np.uint8)
    if colour:
        pixels[..., 2] += 100
    assert cv2.imwrite(str(path), pixels if colour else pixels[..., 0])


def pictures(folder, count, pattern="{:08}.jpg", *, first=1, colour=False):
    for i in range(count):
        picture(folder / pattern.format(first + i), 20 + i, colour=colour)


def rows(count, origin, target=0, separator=","):
    """Text of an annotation file that counts from ``origin``."""
    shift = np.array([origin, origin, 0, 0])
    lines = (np.array(box(i, target)) + shift for i in range(count))
    return "".join(separator.join(f"{v:g}" for v in line) + "\n" for line in lines)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def voc(objects):
    """VOC xml of ``(name, track id or None, zero-based box)``; width is xmax - xmin."""
    body = ""
    for name, track, (x, y, w, h) in objects:
        ident = f"<trackid>{track}</trackid>" if track is not None else ""
        corners = zip(
            ("xmin", "ymin", "xmax", "ymax"), (x, y, x + w, y + h), strict=True
        )
        sides = "".join(f"<{tag}>{v:g}</{tag}>" for tag, v in corners)
        body += (
            f"<object>{ident}<name>{name}</name><bndbox>{sides}</bndbox>"
            "<occluded>1</occluded></object>"
        )
    size = f"<size><width>{COLUMNS}</width><height>{ROWS}</height></size>"
    return f"<annotation>{size}{body}</annotation>"


def otb_like(root, names, truth="groundtruth_rect.txt", folder="img"):
    for name in names:
        pictures(root / name / folder, 3)
        write(root / name / truth, rows(3, 1))


def ptb_tir(root):
    otb_like(root, CUTS["ptb_tir"].split(","))


def lsotb_tir(root):
    otb_like(root, CUTS["lsotb_tir"].split(","))


def vot_tir2015(root):
    otb_like(root, CUTS["vot_tir2015"].split(","), "groundtruth.txt", ".")


def vot_tir2016(root):
    otb_like(root, CUTS["vot_tir2016"].split(","), "groundtruth.txt", ".")


def otb(root):
    otb_like(root, ("Basketball", "Walking"))


def antiuav(root):
    """The target of the last frame is absent."""
    for name in ("20190925_101846_1_1", "20190925_101846_1_2"):
        pictures(root / name, 4)
        label = {"exist": [1, 1, 1, 0], "gt_rect": [*map(box, range(3)), []]}
        write(root / name / "IR_label.json", json.dumps(label))


def folder(root):
    for name in ("walk", "run"):
        pictures(root / name / "img", 3)
        write(root / name / "boxes.txt", rows(3, 0))


def lsotb_tir_train(root):
    """Video ``car_001``: id 0 on all 6 frames, id 1 on frames 0 1 and 4 5."""
    for part, name in (("001", "car_001"), ("002", "person_001")):
        place = f"TIR_training_{part}/{name}"
        pictures(root / "TrainingData" / place, 6)
        for i in range(6):
            objects = [("car", 0, box(i))]
            if name == "car_001" and i not in (2, 3):
                objects.append(("car", 1, box(i, 1)))
            xml = root / "Annotations" / place / f"{i + 1:08}.xml"
            write(xml, voc(objects))


def imagenet_vid(root):
    """One video with ids 0 (frames 0 to 4) and 1 (frames 1 2 and 4), one with id 0."""
    for video in range(2):
        place = f"VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_{video:08}"
        data = root / "Data" / place
        pictures(data, 5, "{:06}.JPEG", first=0, colour=True)
        for i in range(5):
            objects = [("n02691156", 0, box(i))]
            if video == 0 and i in (1, 2, 4):
                objects.append(("n02691156", 1, box(i, 1)))
            write(root / "Annotations" / place / f"{i:06}.xml", voc(objects))


def got10k(root):
    """Absent on frame 1, covered on frame 2 of the second sequence."""
    names = [f"GOT-10k_Train_{n:06}" for n in (1, 2)]
    write(root / "train" / "list.txt", "\n".join(names))
    for name in names:
        place = root / "train" / name
        pictures(place, 4, colour=True)
        second = name == names[1]
        write(place / "groundtruth.txt", rows(4, 1))
        write(place / "absence.label", "0\n1\n0\n0\n" if second else "0\n" * 4)
        write(place / "cover.label", "8\n8\n0\n5\n" if second else "8\n" * 4)
        write(place / "cut_by_image.label", "0\n" * 4)
        write(place / "meta_info.ini", "[METAINFO]\nobject_class: bear\n")
    write(root / "got10k_val_split.txt", "1\n")


def lasot(root):
    """Occluded on frame 1, out of view on frame 2 of ``bear-2``."""
    for name in ("airplane-1", "bear-2"):
        place = root / name.split("-")[0] / name
        pictures(place / "img", 4, colour=True)
        write(place / "groundtruth.txt", rows(4, 1))
        flags = ("0,1,0,0", "0,0,1,0") if name == "bear-2" else ("0,0,0,0",) * 2
        write(place / "full_occlusion.txt", flags[0])
        write(place / "out_of_view.txt", flags[1])
        write(place / "nlp.txt", "an animal")
    write(root / "training_set.txt", "airplane-1\n")


def trackingnet(root):
    """25 frames: 10.jpg must not come before 2.jpg."""
    for part, video in ((0, "abc-_0"), (5, "-xyz_1")):
        place = root / f"TRAIN_{part}"
        pictures(place / "frames" / video, 25, "{}.jpg", first=0, colour=True)
        write(place / "anno" / f"{video}.txt", rows(25, 1))


def coco(root):
    """Two pictures; a crowd and an empty box are to be left out."""
    images, labels = [], []
    for n in (9, 25):
        name = f"{n:012}.jpg"
        picture(root / "train2017" / name, n, colour=True)
        images.append({"id": n, "file_name": name, "width": COLUMNS, "height": ROWS})
    for ident, (image, bounds, crowd) in enumerate(
        [
            (9, [1.5, 2.25, 10.0, 8.0], 0),
            (9, [3.0, 4.0, 5.0, 6.0], 0),
            (25, [0.0, 0.0, 32.0, 24.0], 1),
            (25, [4.0, 4.0, 0.0, 6.0], 0),
            (25, [6.0, 7.0, 8.0, 9.0], 0),
        ],
        100,
    ):
        row = {"id": ident, "image_id": image, "bbox": bounds, "iscrowd": crowd}
        labels.append(row | {"category_id": 1, "area": bounds[2] * bounds[3]})
    content = {"images": images, "annotations": labels, "categories": []}
    write(root / "annotations/instances_train2017.json", json.dumps(content))


def kaist(root):
    """Frame 1 has a person, a group and a cyclist; frame 0 of each video one person."""
    for place in ("set00/V000", "set06/V001"):
        for i in range(3):
            picture(root / place / "visible" / f"I{i:05}.jpg", 20 + i, colour=True)
            picture(root / place / "lwir" / f"I{i:05}.jpg", 50 + i)
            labels = {0: ["person"], 1: ["person", "people", "cyclist"]}.get(i, [])
            lines = ["% bbGt version=3"]
            for target, label in enumerate(labels):
                x, y, w, h = box(i, target)
                lines.append(f"{label} {x:g} {y:g} {w:g} {h:g} 0 0 0 0 0 0 0")
            text = "\n".join(lines) + "\n"
            write(root / "annotations" / place / f"I{i:05}.txt", text)


def rgbt(root, truths=("visible.txt", "infrared.txt", "init.txt")):
    """The infrared target is one row lower than the visible one."""
    for name in ("afterrain", "elecbike10"):
        place = root / name
        pictures(place / "visible", 3, "{:05}v.jpg", colour=True)
        pictures(place / "infrared", 3, "{:05}i.jpg")
        for truth in truths:
            target = 0 if truth == "visible.txt" else 1
            write(place / truth, rows(3, 1, target))


def rgbt210(root):
    rgbt(root, ("init.txt",))


def hit_uav(root):
    """Two pictures in a row with one track, and one apart."""
    frames = ["0_60_30_0_00016", "0_60_30_0_00017", "1_90_50_0_00100"]
    boxes = {}
    for i, frame in enumerate(frames):
        picture(root / "img" / f"{frame}.jpg", 20 + i)
        x, y, w, h = box(i)
        boxes[frame] = [["Person", x, y, x + w, y + h]]
    boxes[frames[0]].append(["Car", 1.0, 2.0, 11.0, 9.0])
    track = {
        "class": "Person",
        "frames": frames[:2],
        "boxes_xyxy": [boxes[frame][0][1:] for frame in frames[:2]],
    }
    write(root / "boxes.json", json.dumps(boxes))
    write(root / "minitracks.json", json.dumps([track]))


LAYOUTS = {
    "ptb_tir": ptb_tir,
    "lsotb_tir": lsotb_tir,
    "vot_tir2015": vot_tir2015,
    "vot_tir2016": vot_tir2016,
    "otb": otb,
    "antiuav": antiuav,
    "folder": folder,
    "lsotb_tir_train": lsotb_tir_train,
    "imagenet_vid": imagenet_vid,
    "got10k": got10k,
    "lasot": lasot,
    "trackingnet": trackingnet,
    "coco": coco,
    "kaist": kaist,
    "rgbt210": rgbt210,
    "rgbt234": rgbt,
    "lasher": rgbt,
    "hit_uav": hit_uav,
}


def fabricate(name, root):
    """Writes the layout ``name`` below ``root`` and returns the cut to open it with."""
    LAYOUTS[name](Path(root))
    return CUTS.get(name)
