"""Programs that solve ARC-AGI-1 training tasks on all of their pairs: the language can say what tasks need."""

import re

import pytest

from dsl.grid import grid_to_text
from dsl.program import parse, run
from ensemble.data import load_tasks

PROGRAMS = """
3c9b0459 rotate_180(input)
1cf80156 crop_to_content(input)
6d0aefbc mirror_right(input)
00d62c1b fill_enclosed(input, #4)
a416b8f3 tile(input, 1, 2)
c59eb873 scale_up(input, 2)
d511f180 swap_colors(input, #5, #8)
b1948b0a replace_color(input, #6, #2)
c8f0f002 replace_color(input, #7, #5)
74dd1130 transpose(input)
9dfd6313 transpose(input)
ed36ccf7 rotate_270(input)
68b16354 flip_top_bottom(input)
7468f01a flip_left_right(crop_to_content(input))
be94b721 grid_of_object(largest(components(input)))
a61f2674 paint_object(recolor_object(smallest(components(input)), #2), paint_object(recolor_object(largest(components(input)), #1), blank(input)))
25ff71a9 shift(input, 1, 0)
0520fde7 paint_content(content_and(left_half(input), right_half(input)), #2)
99b1bc43 paint_content(content_xor(top_half(input), bottom_half(input)), #3)
fafffa47 content_nor(top_half(input), bottom_half(input), #2)
f2829549 content_nor(left_half(input), right_half(input), #3)
94f9d214 content_nor(top_half(input), bottom_half(input), #2)
1e0a9b12 gravity(input, 4)
23b5c85d grid_of_object(smallest_box(components(input)))
67385a82 paint_objects(recolor_objects(larger_than(components_4(input), 2), #8), input)
810b9b61 paint_objects(recolor_objects(with_holes(components_4(input)), #3), input)
08ed6ac7 paint_objects(number_objects(reverse(sort_by_size(components(input)))), input)
d2abd087 paint_objects(recolor_objects(of_size(components_4(input), 6), #2), paint_content(input, #1))
b230c067 paint_object(recolor_object(rarest_shape(components(input)), #2), paint_content(input, #1))
50cb2852 paint_objects(recolor_objects(box_insides(components(input), input), #8), input)
4347f46a paint_objects(recolor_objects(box_insides(components(input), input), #0), input)
aabf363d paint_object(recolor_object(largest(components(input)), rare_content_color(input)), blank(input))
f25ffba3 symmetrize_top_bottom(input)
b8825c91 complete_symmetry(input, #4)
29ec7d0e complete_tiling(input, #0)
c3e719e8 lay_out_at_color(input, most_common_color(input))
ff805c23 hidden_by(input, #1)
dc0a314f hidden_by(input, #3)
3aa6fb7a paint_objects(fill_boxes(components(input), #1), input)
40853293 connect_straight(input)
a699fb00 bridge_horizontal(input, #1, #2)
22168020 connect_horizontal(input)
22eb0ac0 connect_horizontal(input)
4258a5f9 outline_content(input, #1)
445eab21 square_of(2, color_of_object(largest(components(input))))
44f52bb0 color_grid(if_else_color(is_symmetric_left_right(input), #1, #7))
a5313dff fill_enclosed(input, #1)
3631a71a complete_symmetry(input, #9)
7b7f7511 smallest_tile(input)
46442a0e pinwheel(input)
7fe24cdd pinwheel(input)
3af2c5a8 kaleidoscope(input)
62c24649 kaleidoscope(input)
90c28cc7 drop_repeated_lines(crop_to_content(input))
746b3537 drop_repeated_lines(input)
42a50994 only_objects(larger_than(components(input), 1), input)
d037b0a7 smear(input, 4)
1f876c06 connect_diagonal(input)
5582e5ca fill_all(input, most_common_color(input))
39a8645d grid_of_object(most_common_image(components(input)))
88a62173 grid_of_object(rarest_image(panels(input)))
a87f7484 grid_of_object(rarest_shape(color_layers(input)))
2013d3e2 left_half(top_half(crop_to_content(input)))
4c4377d9 mirror_up(input)
c9e6f938 mirror_right(input)
6fa7a44f mirror_down(input)
8be77c9e mirror_down(input)
6150a2bd rotate_180(input)
780d0b14 color_map(panels(input))
7b6016b9 replace_background(fill_enclosed(input, #2), #3)
aedd82e4 paint_objects(recolor_objects(of_size(components_4(input), 1), #1), input)
ce22a75a paint_cells(blank(input), grow_cells(content_cells(input)), #1)
b2862040 paint_objects(recolor_objects(with_holes(components_of_color(input, #1)), #8), input)
ba26e723 choose_cells(every_column(input, 3, 0), replace_color(input, #4, #6), input)
f25fbde4 scale_up(crop_to_content(input), 2)
9172f3a0 scale_up(input, 3)
6455b5f5 paint_objects(recolor_objects(all_smallest(background_regions(input)), #8), paint_objects(recolor_objects(all_largest(background_regions(input)), #1), input))
72ca375d grid_of_object(nth(symmetric(sprites(input)), 0))
1b2d62fb paint_content(content_nor(left_half(input), right_half(input), #8), #8)
e3497940 overlay(left_half(input), flip_left_right(right_half(input)))
e98196ab overlay(top_half(input), bottom_half(input))
05f2a901 paint_object(move_to_touch(nth(of_color(components(input), #2), 0), nth(of_color(components(input), #8), 0)), remove_color(input, #2))
3906de3d gravity_of_color(input, #2, 0)
9f236235 flip_left_right(color_map(panels(input)))
5614dbcf color_map(blocks(input, 3))
8f2ea7aa lay_out_self(crop_to_content(input))
dbc1a6ce bridge_straight(input, #1, #8)
253bf280 bridge_straight(input, #8, #3)
017c7c7b continue_tiling_like(replace_color(input, #1, #2), canvas(9, 3, #0))
f5b8619d tile(overlay(input, paint_cells(blank(input), columns_with(content_cells(input)), #8)), 2, 2)
d0f5fe59 diagonal_of(object_count(components(input)), #8)
c0f76784 paint_objects(recolor_objects(of_size(background_regions(input), 9), #8), paint_objects(recolor_objects(of_size(background_regions(input), 4), #7), paint_objects(recolor_objects(of_size(background_regions(input), 1), #6), input)))
e76a88a6 paint_objects(stamp(most_colorful(sprites(input)), not_of_color(sprites(input), #0)), input)
913fb3ed paint_objects(outlines(of_color(components(input), #8), #4), paint_objects(outlines(of_color(components(input), #3), #6), paint_objects(outlines(of_color(components(input), #2), #1), input)))
4be741c5 color_map(regions(input))
496994bd symmetrize_top_bottom(input)
eb5a1d5d drop_repeated_lines(input)
"""  # noqa: E501

FIT = load_tasks("arc-agi-1/fit")
KNOWN = [tuple(line.split(" ", 1)) for line in PROGRAMS.split("\n") if line]


@pytest.mark.parametrize(("task_id", "text"), KNOWN, ids=[task_id for task_id, _ in KNOWN])
def test_program_solves_the_task(task_id: str, text: str) -> None:
    program = parse(text)
    assert str(program) == text
    task = FIT[task_id]
    pairs = [(pair.input, pair.output) for pair in task.train]
    pairs += zip(task.test_inputs, FIT.answers[task_id], strict=True)
    for source, target in pairs:
        assert grid_to_text(run(program, source)) == grid_to_text(target)


def test_programs_use_a_good_part_of_the_language() -> None:
    assert len({name for _, text in KNOWN for name in re.findall(r"\w+(?=\()", text)}) > 60
