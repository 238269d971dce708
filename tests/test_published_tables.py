"""Published numbers against a second reading: parsed from texts and the kits' files."""

import json
import re

import pytest

from tirjax.data import DataError
from tirjax.data.listed import LSOTB_ATTRIBUTES
from tirjax.evaluation import PROTOCOLS, published

NUMBER = r"\d*\.\d+|\d+|–"


def spec(shared, name):
    return (shared / "specs" / name).read_text(encoding="utf-8")


def found(name):
    """Numbers of a table as written, by (row, data, attribute, measure)."""
    table = published.table(name)
    return {
        (p.row, p.data, p.attribute, measure): value
        for p in table
        for measure, value in p.numbers.items()
    }


def triples(text):
    """``NAME 1/2/3`` of a passage: three numbers by name."""
    pattern = rf"([\w+\-]+)\s+({NUMBER})/({NUMBER})/({NUMBER})"
    return {n: tuple(map(float, v)) for n, *v in re.findall(pattern, text)}


def between(text, start, end):
    return text.split(start, 1)[1].split(end, 1)[0]


def test_cmd_table_1_is_the_spec_s(shared):
    text = between(spec(shared, "dimp_atom_cmd.md"), "Norm. Precision):", "Fig. 3")
    want = {
        (row, "lsotb_tir", "", measure): value / 100
        for row, values in triples(text).items()
        for measure, value in zip(
            ("success", "precision", "norm_precision"), values, strict=True
        )
    }
    assert len(want) == 30
    assert found("cmd_table1") == pytest.approx(want, abs=1e-12)


def test_cmd_table_2_is_the_spec_s(shared):
    text = between(spec(shared, "dimp_atom_cmd.md"), '6 trackers; "All":', "CMD loses")
    rows = {(row, ""): values for row, values in triples(text).items()}
    two = between(spec(shared, "dimp_atom_cmd.md"), "drone-mounted (", "list of exc")
    drone, aspect = re.findall(rf"((?:{NUMBER})/\S+?) vs (?:DiMP )?([\d./]+)", two)
    for attribute, pair in {
        "drone-mounted": drone,
        "aspect ratio variation": aspect,
    }.items():
        for row, cells in zip(("CMD-DiMP", "DiMP"), pair, strict=True):
            rows[row, attribute] = tuple(map(float, cells.split("/")))
    want = {
        (row, "lsotb_tir", attribute, measure): value / 100
        for (row, attribute), values in rows.items()
        for measure, value in zip(
            ("precision", "norm_precision", "success"), values, strict=True
        )
    }
    assert len(want) == 30
    assert found("cmd_table2") == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "figure", "end", "data"),
    [
        ("cmd_figure3", "Fig. 3", "Fig. 4", "lsotb_tir"),
        ("cmd_figure4", "Fig. 4", "Table 2", "ptb_tir"),
    ],
)
def test_cmd_s_figures_are_the_spec_s(shared, name, figure, end, data):
    text = between(spec(shared, "dimp_atom_cmd.md"), "### G.9", "## H.")
    text = " ".join(between(text, figure, end).split())
    want = {}
    for word, entries in re.findall(
        r"(Norm\. precision|Success|Precision): (.+?)\. ?(?=[NPS]|$)", text
    ):
        measure = {"Norm. precision": "norm_precision"}.get(word, word.lower())
        for entry in entries.split(","):
            number, row = sorted(entry.split(), key=lambda part: part[0] != ".")
            want[row, data, "", measure] = float(number)
    assert len(want) == (30 if figure == "Fig. 3" else 20)
    assert found(name) == pytest.approx(want)


def markdown_rows(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[c.strip(" *") for c in line.strip("|").split("|")] for line in lines]
    return cells[2:]


def vot(row, data, cell):
    measures = "eao", "accuracy", "robustness"
    if cell == "–":
        return {}
    values = map(float, cell.split("/"))
    return {(row, data, "", m): v for m, v in zip(measures, values, strict=True)}


def test_mmnet_table_1_is_the_spec_s(shared):
    text = between(spec(shared, "siamese_mlss_mm.md"), "MMp Table 1", "MMp Table 2")
    want = {}
    for *marks, first, second in markdown_rows(text):
        parts = zip(("Dis", "Cls", "HC", "PC"), marks, strict=True)
        row = "+".join(part for part, mark in parts if mark)
        want |= vot(row, "vot_tir2015", first) | vot(row, "vot_tir2017", second)
    assert len(want) == 30
    assert found("mmnet_table1") == want


def test_mmnet_table_2_is_the_spec_s(shared):
    text = between(spec(shared, "siamese_mlss_mm.md"), "PTB-TIR Pre/Suc:", "MMp Table")
    want = {}
    for part in re.split(r"\s+·\s+", text.strip().rstrip(".")):
        row, first, second = part.replace(";", "").split()
        want |= vot(row, "vot_tir2015", first)
        precision, success = second.rstrip(".").split("/")
        want[row, "ptb_tir", "", "precision"] = float(precision)
        want[row, "ptb_tir", "", "success"] = float(success)
    assert len(want) == 25
    assert found("mmnet_table2") == want


def test_mmnet_table_3_is_the_spec_s(shared):
    text = between(spec(shared, "siamese_mlss_mm.md"), "MMp Table 3", "PTB-TIR toolkit")
    want = {}
    for row, first, second, fps in markdown_rows(text):
        for data, cell in (("vot_tir2017", first), ("vot_tir2015", second)):
            cells = vot(row, data, cell)
            want |= cells | ({(row, data, "", "fps"): float(fps)} if cells else {})
    assert len(want) == 30 * 4
    assert found("mmnet_table3") == want


def test_ptb_tir_is_the_kit_s_figure(shared):
    read = json.loads((shared / "goldens/eval/ptb_published_scores.json").read_text())
    columns = {"success": "success_auc", "precision": "precision_20px"}
    want = {
        (row, "ptb_tir", "", measure): value
        for measure, column in columns.items()
        for row, value in read[column].items()
    }
    assert len(want) == 54
    assert found("ptb_tir") == want


def test_ptb_tir_and_lsotb_tir_hold_the_rows_of_mlssnet_and_its_peers(shared):
    text = spec(shared, "siamese_mlss_mm.md")
    ours = found("ptb_tir")
    pairs = between(text, "success AUC):", "(MMNet not")
    rows = re.findall(r"([\w\-]+)\s+(\.\d+)/(\.\d+)", pairs)
    assert len(rows) == 14
    for row, precision, success in rows:
        assert ours[row, "ptb_tir", "", "precision"] == float(precision)
        assert ours[row, "ptb_tir", "", "success"] == float(success)
    ours = found("lsotb_tir")
    rows = triples(between(text, "norm. precision / success):", '("-TIR"'))
    assert len(rows) == 13
    for row, values in rows.items():
        measures = "precision", "norm_precision", "success"
        got = [ours[row, "lsotb_tir", "", m] for m in measures]
        # The figure's last digit is cut, the curves' is rounded.
        assert got == pytest.approx(values, abs=1.01e-3)


def test_lsotb_tir_is_the_average_of_the_kit_s_curves(shared):
    file = shared / "goldens/eval/lsotb_official37_scores.json"
    want = {}
    for measure, trackers in json.loads(file.read_text()).items():
        at = "at_20px" if measure == "precision" else "mean_over_thresholds"
        for row, groups in trackers.items():
            for group, values in groups.items():
                name = "" if group == "ALL" else LSOTB_ATTRIBUTES[int(group)]
                want[row, "lsotb_tir", name, measure] = values[at]
    assert len(want) == 37 * 17 * 3
    # Three digits are printed.
    assert found("lsotb_tir") == pytest.approx(want, abs=5.01e-4)


def test_every_table_names_its_source_and_a_protocol():
    for name in published.names():
        for row in published.table(name):
            assert row.source.paper and row.source.place and row.data and row.numbers
            vot_only = row.numbers.keys() & {"eao"}
            assert vot_only or row.source.protocol.split("; ")[-1] in PROTOCOLS
            for measure in row.numbers.keys() & {*published.SHARES}:
                assert 0 < row.numbers[measure] < 1


def test_numbers_of_2017_are_about_the_sequences_of_2016():
    row = published.table("mmnet_table3")[0]
    assert row.data == "vot_tir2017"
    assert row.about("vot_tir2016") and not row.about("vot_tir2015")


def test_an_unknown_table_lists_those_there_are():
    with pytest.raises(DataError, match="no published table 'cmd'; there are cmd_ta"):
        published.table("cmd")
