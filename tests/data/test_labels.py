"""The classes of pictures by a table and by folders."""

import pytest

from foolkit.data import labels_of_folders, labels_of_table

CLASSES = ("tabby", "great white shark", "crane", "crane", "7")
NAMES = ("a/one.jpg", "b/two.png")


def test_folders_are_classes_by_name_or_number():
    names = ("tabby/a.png", "Great_White_Shark/a.png", "2/a.png", "7/a.png", "0/b.png")
    assert labels_of_folders(names, CLASSES).tolist() == [0, 1, 2, 4, 0]
    assert labels_of_folders(("a.png", "b.png"), CLASSES) is None
    with pytest.raises(ValueError, match="labels: .*'tabbi' for tabbi/a.png; did you mean tabby"):
        labels_of_folders(("tabbi/a.png",), CLASSES)
    with pytest.raises(ValueError, match="'crane', of crane/a.png, are the classes 2, 3"):
        labels_of_folders(("crane/a.png",), CLASSES)
    with pytest.raises(ValueError, match="got '9' for 9/a.png"):
        labels_of_folders(("9/a.png",), CLASSES)


@pytest.mark.parametrize("start", ["", "\ufefffile,label\n", "image, class\n\n"])
def test_a_table(tmp_path, start):
    path = tmp_path / "labels.csv"
    path.write_text(start + 'two.png,"great white shark"\na/one.jpg,3\nother.png,nobody\n\n')
    assert labels_of_table(path, NAMES, CLASSES).tolist() == [3, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a/one.jpg,0\n", "expected a line for 'b/two.png' in .*labels.csv, found none"),
        ("a/one.jpg,0\nb/two.png\n", "expected file,label in line 2 of"),
        ("a/one.jpg,0\na/one.jpg,1\n", "gives 'a/one.jpg' two classes, 0 and 1"),
        ("a/one.jpg,0\nb/two.png,cat\n", "one of the network's 5 classes.*got 'cat' for b/two"),
    ],
)
def test_tables_that_will_not_do(tmp_path, text, message):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"labels: .*{message}"):
        labels_of_table(path, NAMES, CLASSES)


def test_no_table_and_no_text(tmp_path):
    with pytest.raises(FileNotFoundError, match="labels: expected a CSV file, found none"):
        labels_of_table(tmp_path / "none.csv", NAMES, CLASSES)
    (tmp_path / "odd.csv").write_bytes(b"\xff\xfe,1")
    with pytest.raises(ValueError, match="labels: expected a CSV file in UTF-8"):
        labels_of_table(tmp_path / "odd.csv", NAMES, CLASSES)
