import numpy as np
import pytest

from dsl.errors import PrimitiveError
from dsl.grid import as_grid, grid_from_text, same_grid
from dsl.kernels.cover import BLACK, COLORED, PAINTED, WHOLE, greedy_cover
from dsl.program import parse, run
from dsl.registry import get_primitive
from dsl.search.assemble import assemble, collect_pieces, find_canvases, render
from dsl.search.budget import Budget, Meter
from dsl.search.enumerate import Enumeration
from dsl.search.grammar import productions
from dsl.types import Object


def pack(*rows):
    return np.array([[sum(int(cell) << i for i, cell in enumerate(row))] for row in rows], np.uint64)


def enumeration(inputs, demonstrations, names, nodes=400):
    found = Enumeration(
        [grid_from_text(text) for text in inputs],
        demonstrations,
        productions((0, 1, 2, 3), [get_primitive(name) for name in names]),
    )
    meter = Meter(Budget(1, nodes=nodes))
    while found.advance(meter):
        pass
    return found


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('cover(input, "colored", flip_left_right(input), "colored", input)', "202/131"),
        ('cover(input, "black", input, #5, flip_left_right(input))', "000/050"),
        ("cover(input, #7, input)", "007/770"),
        ('cover([00/00], "whole", input)', "00/13"),
        ('cover([0000/0000/0000], "colored", input)', "0020/1300/0000"),
        ("cover(input)", "000/000"),
    ],
)
def test_layers_are_laid_in_order_and_each_cell_once(program, expected):
    assert same_grid(run(parse(program), as_grid([[0, 0, 2], [1, 3, 0]])), grid_from_text(expected))


@pytest.mark.parametrize(
    "program", ['cover(input, "other", input)', 'cover(input, "whole")', 'cover(3, "whole", input)']
)
def test_a_malformed_cover_has_no_result(program):
    with pytest.raises(PrimitiveError):
        run(parse(program), as_grid([[0, 1]]))


def test_an_object_is_drawn_where_it_stands_and_cut_at_the_canvas():
    item = Object(as_grid([[4, 0], [4, 5]]), np.array([[True, False], [True, True]]), 1, -1)
    assert render(item, (3, 3)).tolist() == [[0, 0, 0], [0, 0, 0], [5, 0, 0]]


def test_a_mask_is_drawn_as_ones():
    assert render(np.array([[True, False]]), (1, 3)).tolist() == [[1, 0, 0]]


def test_greedy_cover_never_lays_a_wrong_cell_and_prefers_the_larger_gain():
    colored = pack("1100", "0111", "1111")
    equal = pack("1100", "0011", "0111")
    full, none = pack("1111")[0], np.zeros((0, 1), np.uint64)
    chosen, done = greedy_cover(colored, equal, none, pack("0000")[0], full, full, 5)
    assert done
    assert chosen.tolist() == [[0, COLORED], [1, COLORED]]


def test_greedy_cover_gives_up_when_nothing_right_is_left():
    full, none = pack("1111")[0], np.zeros((0, 1), np.uint64)
    chosen, done = greedy_cover(pack("1100"), pack("1000"), none, pack("0000")[0], full, full, 5)
    assert not done
    assert len(chosen) == 0


def test_greedy_cover_can_paint_and_lay_black():
    paint = pack("0011")
    chosen, done = greedy_cover(pack("0011"), pack("1100"), paint, pack("1100")[0], pack("1111")[0], pack("0011")[0], 5)
    assert done
    assert chosen.tolist() == [[0, PAINTED]]
    assert (COLORED, BLACK, WHOLE) == (0, 1, 2)


def test_a_composition_of_two_mirrored_images_is_found_and_reruns():
    inputs = ("100/010", "020/200", "300/003")
    found = enumeration(inputs, 2, ("flip_left_right", "flip_top_bottom", "keep_color"))
    target = parse(
        'cover(input, "colored", input, "colored", flip_top_bottom(input), "colored", flip_left_right(input))'
    )
    outputs = [run(target, grid_from_text(text)) for text in inputs]
    canvas = find_canvases(found, outputs[:2])[0]
    covers = assemble(found, canvas, outputs[:2], [(0, 1)], 1000, Meter(Budget(60)))
    assert same_grid(run(parse(str(covers[0].program)), grid_from_text(inputs[2])), outputs[2])
    assert [cover.cost for cover in covers] == sorted(cover.cost for cover in covers)


def test_same_size_as_input_comes_before_a_constant_size():
    found = enumeration(("10/00", "20/00", "300/000"), 2, ("transpose",))
    canvases = find_canvases(found, [grid_from_text("11/11"), grid_from_text("22/22")])
    assert [str(canvas.program) for canvas in canvases] == ["input", "transpose(input)"]
    assert canvases[0].shapes[2] == (2, 3)


def test_a_constant_canvas_is_offered_when_no_program_gives_the_size():
    found = enumeration(("10/00", "200/000"), 2, ("transpose",))
    canvases = find_canvases(found, [grid_from_text("1"), grid_from_text("2")])
    assert [str(canvas.program) for canvas in canvases] == ["[0]"]


def test_pieces_that_look_alike_on_all_demonstrations_are_one():
    found = enumeration(("10/00", "20/00"), 2, ("flip_left_right", "keep_color", "remove_color"))
    outputs = [grid_from_text("10/00"), grid_from_text("20/00")]
    pieces = collect_pieces(found, find_canvases(found, outputs)[0], outputs, 1000)
    keys = {row.tobytes() for row in np.concatenate((pieces.colored, pieces.equal), axis=1)}
    assert len(keys) == len(pieces.rows)
