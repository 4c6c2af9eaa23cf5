"""The forms ``object_rules`` and ``crop_rules``: what each action and crop gives, and what is refused."""

import pytest

from dsl.errors import DslError, ParseError
from dsl.grid import grid_from_text, grid_to_text
from dsl.program import parse, run
from dsl.search.objects.actions import TURNS, paint
from dsl.search.objects.growth import REGIONS
from dsl.search.objects.proposals import propose
from dsl.search.objects.segments import MAX_OBJECTS, scene_of
from dsl.search.objects.verbs import VERBS

ACTIONS = [
    ("stay", "010/000", "010/000"),
    ("delete", "010/000/002", "000/000/002"),
    ("recolor #3", "110/000", "330/000"),
    ("recolor largest", "2200/0000/0001", "2200/0000/0002"),
    ("recolor seen_right", "1002/0000", "2002/0000"),
    ("recolor_main #5", "1120/0000", "5520/0000"),
    ("recolor_rarest #5", "1120/0000", "1150/0000"),
    ("swap_colors", "1120/0000", "2210/0000"),
    ("slide down", "010/000/000", "000/000/010"),
    ("slide down_right", "100/000/000", "000/000/001"),
    ("fall down", "10/00/10/00", "00/00/10/10"),
    ("to_edge left", "00100/00000", "10000/00000"),
    ("shift right 0", "11000/00000", "00110/00000"),
    ("move 1 2", "1000/0000", "0000/0010"),
    ("approach largest", "10022/00022", "00122/00022"),
    ("reach #3", "1002033/0000033", "0002133/0000033"),
    ("reflect #2", "010/011/000/222/000/000/000", "000/000/000/222/000/011/010"),
    ("align top largest", "02200/02200/00000/00001", "02201/02200/00000/00000"),
    ("become largest", "2200/2000/0000/0001/0011", "2200/2000/0000/0022/0020"),
    ("copy 1 1", "100/000", "100/010"),
    ("beside right 0", "12000/00000", "12120/00000"),
    ("repeat right 1", "1000000/0000000", "1010101/0000000"),
    ("echo largest", "2200000/2001000/0000000", "2201101/2001001/0000000"),
    ("mirror right 0", "1200/0000", "1221/0000"),
    ("ray right blocked cells own", "1002/0000", "1112/0000"),
    ("ray sides through middle #3", "000/010/000", "030/313/030"),
    ("ray right to_object cells own", "1002/1000", "1112/1000"),
    ("ray left_right to_same_color cells #3", "1001/0000", "1331/0000"),
    ("ray down_right blocked corners own", "1100/1100/0000/0000", "1100/1100/0010/0001"),
    ("ray diagonals blocked gaps #3", "0000/0100/0110/0000", "0003/0100/0110/0000"),
    ("ray sides blocked gaps #3", "111000/100000/111000", "111000/100333/111000"),
    ("ray all blocked mouths #3", "00000/00000/11011/10001/11111", "30303/03330/11011/10001/11111"),
    ("ray upward blocked corners only_other", "0000/0110/0000/0002", "2002/0110/0000/0002"),
    ("fill box #3 & ray sides blocked gaps #3", "111100/100000/111100", "111100/133333/111100"),
    ("ray right blocked cells #3 & slide right", "1000/0000", "1331/0000"),
    ("bar down colors #3", "0120/0110/0000/0000/0000", "0120/0110/0330/0330/0000"),
    ("bar left size main", "0000110", "0011110"),
    ("shoot blocked own", "00000/01200/00000", "00000/01222/00000"),
    ("fill box #3", "110/100/000", "110/130/000"),
    ("fill holes #3", "1110/1010/1110", "1110/1310/1110"),
    ("fill frame #3", "000/010/000", "333/313/333"),
    ("fill sides #3", "000/010/000", "030/313/030"),
    ("fill corners #3", "000/010/000", "303/010/303"),
    ("fill core #3", "111/111/111/000", "111/131/111/000"),
    ("turn left_right", "12000/00000/00000", "21000/00000/00000"),
    ("turn left", "120/120/000", "220/110/000"),
    ("symmetrize half", "120/100/000/000", "120/110/000/000"),
    ("stamp .3./3.3/.3.", "000/010/000", "030/313/030"),
    ("complete largest kept", "2130/0000/0100", "2130/0000/2130"),
]


@pytest.mark.parametrize(("action", "source", "target"), ACTIONS)
def test_action_paints_what_its_name_says(action: str, source: str, target: str) -> None:
    program = parse(f'object_rules("sprites", when("has_1", "{action}"), "stay")')
    assert grid_to_text(run(program, grid_from_text(source))) == target


def test_every_verb_has_a_case() -> None:
    assert {action.partition(" ")[0] for action, _, _ in ACTIONS} == set(VERBS)


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_keeps_the_cells_of_other_objects(region: str) -> None:
    scene = scene_of(grid_from_text("0000000/0111020/0101000/0111000/0000000"), "components")
    painting = paint(f"fill {region} #3", scene)
    cells = painting.cells[painting.ends[0] : painting.ends[1]]
    assert not any(scene.labels[r, c] == 1 for r, c, _ in cells)


@pytest.mark.parametrize("turn", TURNS)
def test_every_turn_stays_in_the_box(turn: str) -> None:
    scene = scene_of(grid_from_text("0000/0120/0100/0000"), "sprites")
    painting = paint(f"symmetrize {turn}", scene)
    assert set(painting.cells[:, 0].tolist()) <= {1, 2}
    assert set(painting.cells[:, 1].tolist()) <= {1, 2}


def test_first_rule_that_holds_decides() -> None:
    program = parse(
        'object_rules("components", when("max_size", "recolor #3"), when("not color == #2", "delete"), "stay")'
    )
    assert grid_to_text(run(program, grid_from_text("1100/0000/1002"))) == "3300/0000/0002"


def test_later_objects_fall_onto_those_that_fell() -> None:
    program = parse('object_rules("components", "fall up")')
    assert grid_to_text(run(program, grid_from_text("0/1/0/2/0"))) == "1/2/0/0/0"


def test_crop_takes_the_one_object_that_the_rules_name() -> None:
    program = parse('crop_rules("components", "box", "flip_left_right", when("max_size", "take"), "leave")')
    assert grid_to_text(run(program, grid_from_text("11000/10002/00000"))) == "11/01"


def test_crop_of_own_cells_leaves_the_others_out() -> None:
    grid = grid_from_text("111/120/000")
    assert grid_to_text(
        run(parse('crop_rules("components", "box", "kept", when("max_size", "take"), "leave")'), grid)
    ) == ("111/120")
    assert grid_to_text(
        run(parse('crop_rules("components", "own", "kept", when("max_size", "take"), "leave")'), grid)
    ) == ("111/100")


@pytest.mark.parametrize(
    "text",
    [
        'object_rules("components")',
        'object_rules("clouds", "stay")',
        'object_rules("components", "explode")',
        'object_rules("components", "slide")',
        'object_rules("components", "slide around")',
        'object_rules("components", "recolor brightest")',
        'object_rules("components", "ray up forever cells own")',
        'object_rules("components", "stamp 12/3")',
        'object_rules("components", when("beautiful", "stay"), "delete")',
        'object_rules("components", when("size"), "delete")',
        'object_rules("tiles 0x2", "stay")',
        'crop_rules("components", "box", "kept")',
        'crop_rules("components", "half", "kept", "take")',
        'crop_rules("components", "box", "melted", "take")',
        'crop_rules("components", "box", "kept", "leave")',
    ],
)
def test_wrong_programs_are_refused_with_an_error_of_the_language(text: str) -> None:
    with pytest.raises(DslError):
        run(parse(text), grid_from_text("100/002/000"))


def test_rules_read_back_what_was_written() -> None:
    text = 'object_rules("sprites", when("not max_size", "ray up_down blocked cells own"), "stamp .2./2.2/.2.")'
    assert str(parse(text)) == text


def test_an_image_with_too_many_objects_is_no_scene() -> None:
    grid = grid_from_text("/".join(["10" * 10, "00" * 10] * 10))
    assert MAX_OBJECTS < 100
    with pytest.raises(DslError, match="objects"):
        scene_of(grid, "components")


def test_unknown_action_names_the_allowed_ones() -> None:
    with pytest.raises(ParseError, match=r"recolor.*got 'jump'"):
        paint("jump", scene_of(grid_from_text("10/00"), "components"))


def test_every_proposed_action_can_be_painted() -> None:
    scene = scene_of(grid_from_text("1120000/1100030/0000000/0004000"), "sprites")
    output = grid_from_text("1120300/1155000/0055000/0000040")
    for text, bits in propose([scene], [output]):
        assert bits > 0
        painting = paint(text, scene)
        assert painting.ends[-1] == len(painting.cells)
