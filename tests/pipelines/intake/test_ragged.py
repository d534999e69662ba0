"""The place of a missing cell is said where exactly one suits, and nowhere else."""

import pytest

from pipelines.intake.ragged import ENOUGH, Neighbours, joined_at


def neighbours(count: int = 40) -> Neighbours:
    """Number, title, method (a list), amount, date, and a remark that may be empty."""
    known = Neighbours(6)
    for number in range(count):
        method = ("open", "direct")[number % 2]
        remark = "" if number % 3 else "urgent"
        known.add(
            [f"C-{number}", f"Chairs for school {number}", method, f"{number}.50", "2024-01-31", remark]
        )
    return known


@pytest.mark.parametrize(
    ("cells", "place"),
    [
        (["Chairs for a school", "open", "10.00", "2024-05-01", ""], 0),
        # A title may well be "open": either the title or the method is missing.
        (["C-77", "open", "10.00", "2024-05-01", ""], None),
        (["C-77", "Chairs for a school", "10.00", "2024-05-01", ""], 2),
        (["C-77", "Chairs for a school", "open", "2024-05-01", "urgent"], 3),
        (["C-77", "Chairs for a school", "open", "10.00", "urgent"], 4),
        (["C-77", "Chairs for a school", "open", "10.00", "2024-05-01"], 5),
        (["C-77", "Chairs for a school", "by hand", "10.00", "2024-05-01"], None),
        (["C-77", "Chairs for a school", "open", "10.00"], None),
    ],
)
def test_the_place_of_the_missing_cell(cells: list[str], place: int | None) -> None:
    assert neighbours().missing_at(cells) == place


def test_two_cells_in_one() -> None:
    assert joined_at(["C-77", 'Chairs";"open', "10.00"]) == 1
    assert joined_at(["C-77", 'Chairs, so-called "thrones", of oak', "10.00"]) == 1, "only a hint"
    assert joined_at(['a";"b', 'c";"d']) is None
    assert joined_at(["C-77", "Chairs; open", None]) is None


def test_two_places_that_suit_are_none() -> None:
    known = Neighbours(3)
    for number in range(40):
        known.add([f"name of {number}", f"address of {number}", f"{number}"])
    assert known.missing_at(["somebody", "7"]) is None


def test_few_neighbours_say_nothing() -> None:
    assert neighbours(ENOUGH - 1).missing_at(["C-77", "open", "10.00", "2024-05-01", ""]) is None
