import pytest

from foolkit.book.scoreboard import Merit, Record

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
