"""Rows as columns of a statement: as arrays, and as joined texts."""

from samenspel.runtime.bulk_parameters import as_arrays, as_joined_texts


def test_rows_become_one_array_per_column() -> None:
    assert as_arrays([("a", 1), ("b", 2)], 2) == [["a", "b"], [1, 2]]


def test_rows_become_one_joined_text_per_column() -> None:
    assert as_joined_texts([("a", 1, b"x"), ("b", 2, "é".encode())], 3) == ["a\x1eb", "1\x1e2", "x\x1eé"]


def test_no_rows_give_as_many_empty_columns_as_the_statement_has() -> None:
    assert as_arrays([], 2) == [[], []]
    assert as_joined_texts([], 3) == ["", "", ""]
