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


def test_an_empty_record_is_refused():
    with pytest.raises(TypeError, match="merits: expected at least one Merit"):
        Record()
    with pytest.raises(TypeError, match="merits: expected at least one Merit"):
        Record("a")
