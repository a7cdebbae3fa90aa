"""`samenspel organisation admit`: input is checked before anything is created."""

from samenspel.client.access.profile import Profile

from tests.support.cli import OIN, run


def test_invalid_organisations_are_refused_before_anything_is_created(profile: Profile) -> None:
    bad = '{"oin": "12", "name": "X", "kind": "municipality"}\n{"oin": "00000099000000000363", "kind": "castle"}\n'
    shown = run("organisation", "admit", "-", given=bad)
    assert shown.exit_code == 1
    for found in ("-:1: /oin", "-:2: /name", "-:2: /kind"):
        assert found in shown.stderr
    assert run("organisation", "admit", "--oin", OIN).exit_code == 2
