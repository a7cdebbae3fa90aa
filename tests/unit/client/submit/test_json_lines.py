"""Files of JSON objects: lines, whole files and arrays; every unreadable line is named."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from samenspel.client.submit.json_lines import STDIN, BadLines, read_entries, read_values


def entries(tmp_path: Path, content: bytes) -> list[tuple[str, object]]:
    """Line (or nothing for the whole file) and value of each entry."""
    file = tmp_path / "events"
    file.write_bytes(content)
    return [(each.position.removeprefix(str(file)), each.value) for each in read_entries([str(file)])]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a":1}\n\n{"a":2}\n', [(":1", {"a": 1}), (":3", {"a": 2})]),
        (b'{\n  "a": 1\n}\n', [("", {"a": 1})]),
        (b'[{"a":1},\n {"a":2}]', [("", {"a": 1}), ("", {"a": 2})]),
        (b'[{"a":1},{"a":2}]', [(":1", {"a": 1}), (":1", {"a": 2})]),
        (b'\xef\xbb\xbf{"a":1}\r\n{"a":2}', [(":1", {"a": 1}), (":2", {"a": 2})]),
        (b"", []),
    ],
    ids=["lines", "one object", "array", "array on a line", "byte order mark", "empty"],
)
def test_objects_are_read_with_their_place(tmp_path: Path, content: bytes, expected: list[object]) -> None:
    assert entries(tmp_path, content) == expected


def test_every_unreadable_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadLines) as bad:
        entries(tmp_path, b'{"a":1}\n{nonsense\n[1]\n{"a":1,"a":2}\n"text"\n')
    found = [problem.partition("events")[2] for problem in bad.value.problems]
    assert [each.partition(": ")[0] for each in found] == [":2", ":3", ":4", ":5"]
    assert "'a' occurs twice" in found[2]


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b'{"a":1}\n')))
    assert [(each.position, each.value) for each in read_entries([STDIN])] == [("-:1", {"a": 1})]


def test_file_that_does_not_exist_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_entries([str(tmp_path / "absent")])


def test_second_byte_order_mark_is_a_problem_as_over_http(tmp_path: Path) -> None:
    file = tmp_path / "marked.json"
    for content in (b'\xef\xbb\xbf\xef\xbb\xbf{"a":1}', b'\xef\xbb\xbf\xef\xbb\xbf{\n"a":1}'):
        file.write_bytes(content)
        assert {problem.code for entry in read_values([str(file)]) for problem in entry.problems} == {"not-json"}
