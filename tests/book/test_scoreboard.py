import json

import pytest

from foolkit.analysis import exact_interval
from foolkit.analysis.intervals import Interval
from foolkit.book.scoreboard import (
    MOST,
    NEARLY_NONE,
    Ledger,
    Merit,
    Record,
    about,
    above,
    below,
    together,
)  # fmt: skip

MERIT = Merit(claim="a < b & c", paper="99 % [N12]", ours="98 %", holds=False)


def test_a_record_is_a_table_for_people_and_data_for_the_scoreboard():
    bundle, metadata = Record(MERIT)._repr_mimebundle_()
    assert "<td>a &lt; b &amp; c</td>" in bundle["text/html"]
    assert "<td>no</td>" in bundle["text/html"]
    assert bundle["text/plain"] == "a < b & c: paper 99 % [N12]; ours 98 %; no"
    (row,) = metadata["text/html"]["merits"]
    assert (row["claim"], row["ours"], row["holds"]) == ("a < b & c", "98 %", False)
    assert row["where"]


def test_what_is_undecided_is_neither_yes_nor_no():
    merits = [Merit(claim="a", paper="b", ours="c", holds=holds) for holds in (True, False, None)]
    bundle, metadata = Record(*merits)._repr_mimebundle_()
    verdicts = [line.rsplit("; ", 1)[1] for line in bundle["text/plain"].splitlines()]
    assert verdicts == ["yes", "no", "undecided"]
    assert "<td>undecided</td>" in bundle["text/html"]
    assert [row["holds"] for row in metadata["text/html"]["merits"]] == [True, False, None]


def test_an_empty_record_is_refused():
    with pytest.raises(TypeError, match="merits: expected at least one Merit"):
        Record()
    with pytest.raises(TypeError, match="merits: expected at least one Merit"):
        Record("a")


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [((0.51, 0.9), True), ((0.4, 0.6), None), ((0.1, 0.49), False), ((0.0, 1.0), None)],
)
def test_a_claim_holds_where_its_whole_interval_lies_within_the_margin(ends, verdict):
    found = Interval(sum(ends) / 2, *ends, 0.95)
    assert MOST.verdict(found) is verdict
    merit = Merit.judged("a", "b", found, MOST)
    assert (merit.holds, merit.ours, merit.margin) == (verdict, str(found), MOST.words)
    table = Record(merit)._repr_mimebundle_()[0]["text/html"]
    assert f"<td>{merit.verdict}<br><small>more than 50 %: most is more than half</small>" in table


def test_a_wide_interval_or_none_decides_nothing():
    """Of two trials nothing is known; of many the same share is."""
    assert MOST.verdict(exact_interval(2, 2)) is None
    assert MOST.verdict(exact_interval(200, 200)) is True
    assert NEARLY_NONE.verdict(exact_interval(0, 10)) is None
    assert MOST.verdict(Interval(0.9, float("nan"), float("nan"), 0.95)) is None


def test_margins_say_their_ends():
    margin = about(0.9, 0.05, "as far as theirs spread")
    assert margin.words == "0.85 to 0.95: as far as theirs spread"
    assert (margin.verdict(0.9), margin.verdict(0.8), margin.verdict(0.96)) == (True, False, False)
    assert above(0.5, "why").words == "50 % or more: why"
    assert below(3, "why", ".0f").words == "3 or less: why"
    assert above(0.5, "").verdict(7.0) is below(0.5, "").verdict(-7.0) is True


def test_a_claim_of_parts_fails_with_one_of_them():
    assert together([True, True]) is True
    assert together([True, None]) is None
    assert together([None, False]) is False


def test_a_ledger_holds_what_notebooks_recorded(tmp_path):
    bundle, metadata = Record(MERIT)._repr_mimebundle_()
    output = {"output_type": "execute_result", "data": bundle, "metadata": metadata}
    cells = [
        {"cell_type": "markdown", "source": ["# A title?\n", "text"]},
        {"cell_type": "code", "source": [], "outputs": [output]},
    ]
    (tmp_path / "one.ipynb").write_text(json.dumps({"cells": cells}))
    (tmp_path / "none.ipynb").write_text(json.dumps({"cells": cells[:1]}))
    ledger = Ledger.read([tmp_path / "none.ipynb", tmp_path / "one.ipynb"])
    assert ledger.records == {"A title?": (MERIT,)}
    assert ledger.counts() == {"yes": 0, "no": 1, "undecided": 0}
    shown = ledger._repr_mimebundle_()
    assert "<h3>A title?</h3>" in shown["text/html"]
    assert "<small>" not in shown["text/html"]  # neither a note nor a margin
    assert shown["text/plain"].startswith("A title?\na < b")
    with pytest.raises(FileNotFoundError):
        Ledger.read([tmp_path / "missing.ipynb"])
