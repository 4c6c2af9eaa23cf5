"""Every primitive on an example that shows what it does.

A case is ``(name, arguments, result)``, all as text. Grids are rows of digits, masks rows of 0 and 1; an object is its
rows, ``.`` where a cell is not its own, and its place: ``"12/.3@0,4"``; a list of objects has spaces between them; all
else is written as in programs: ``#3``, ``-2``, ``true``.
"""

from typing import Any

import numpy as np
import pytest

from dsl.grid import grid_from_text, grid_to_text, seal
from dsl.program import Literal
from dsl.registry import Primitive, all_primitives, get_primitive
from dsl.types import Kind, Object

Case = tuple[str, list[str], str]

COLOR: list[Case] = [
    ("keep_color", ["012/231", "#2"], "002/200"),
    ("keep_color", ["812/888", "#2"], "882/888"),
    ("remove_color", ["012/231", "#2"], "010/031"),
    ("replace_color", ["012/231", "#2", "#5"], "015/531"),
    ("swap_colors", ["012/231", "#2", "#1"], "021/132"),
    ("paint_content", ["012/230", "#5"], "055/550"),
    ("replace_background", ["012/230", "#5"], "512/235"),
    ("invert_content", ["011/200"], "100/011"),
    ("blank", ["812/888"], "888/888"),
    ("fill_all", ["012", "#5"], "555"),
    ("background", ["1110"], "#0"),
    ("background", ["112"], "#1"),
    ("most_common_color", ["0211"], "#1"),
    ("least_common_color", ["0011122"], "#0"),
    ("main_content_color", ["000122"], "#2"),
    ("rare_content_color", ["000122"], "#1"),
    ("keep_main_color", ["000122"], "000022"),
    ("keep_rare_color", ["000122"], "000100"),
    ("paint_content_in_main_color", ["000122"], "000222"),
    ("corner_color", ["12/34", "2"], "#4"),
    ("color_grid", ["#7"], "7"),
]

GEOMETRY: list[Case] = [
    ("flip_left_right", ["12/34"], "21/43"),
    ("flip_top_bottom", ["12/34"], "34/12"),
    ("transpose", ["123/456"], "14/25/36"),
    ("transpose_anti", ["123/456"], "63/52/41"),
    ("rotate_90", ["12/34"], "31/42"),
    ("rotate_180", ["12/34"], "43/21"),
    ("rotate_270", ["12/34"], "24/13"),
    ("left_half", ["12345"], "12"),
    ("right_half", ["12345"], "45"),
    ("top_half", ["1/2/3"], "1"),
    ("bottom_half", ["1/2/3"], "3"),
    ("crop_to_content", ["0000/0120/0010"], "12/01"),
    ("crop_to_color", ["1010/0120/0010", "#2"], "2"),
    ("drop_blank_lines", ["1020/0000/3040"], "12/34"),
    ("drop_repeated_lines", ["1122/1122/3344"], "12/34"),
    ("sort_rows", ["110/000/200"], "000/200/110"),
    ("sort_columns", ["102/100"], "021/001"),
    ("trim_border", ["123/456/789"], "5"),
    ("add_border", ["1", "#3"], "333/313/333"),
    ("paint_border", ["000/010/000", "#3"], "333/313/333"),
    ("shift", ["120/340/000", "1", "1"], "000/012/034"),
    ("shift", ["102", "0", "-1"], "020"),
    ("roll", ["12/34", "1", "0"], "34/12"),
    ("scale_up", ["12", "2"], "1122/1122"),
    ("stretch_right", ["12", "2"], "1122"),
    ("stretch_down", ["12", "2"], "12/12"),
    ("scale_down", ["1122/1122", "2"], "12"),
    ("resize_like", ["12/34", "0000/0000/0000/0000"], "1122/1122/3344/3344"),
    ("fit_like", ["12/34", "000/000/000"], "120/340/000"),
    ("fit_like", ["12/34", "0"], "1"),
    ("reflow_like", ["123/456", "00/00/00/00"], "12/34/56/00"),
    ("center_cells", ["1234/5678"], "23/67"),
    ("center_cells", ["123"], "2"),
    ("top_rows", ["1/2/3", "2"], "1/2"),
    ("left_columns", ["123", "2"], "12"),
]

OBJECTS: list[Case] = [
    ("components", ["110/002/020"], "11@0,0 .2/2.@1,1"),
    ("components_4", ["110/002"], "11@0,0 2@1,2"),
    ("components_4", ["10/01"], "1@0,0 1@1,1"),
    ("sprites", ["110/002"], "11./..2@0,0"),
    ("sprites_4", ["120/003"], "12@0,0 3@1,2"),
    ("components_of_color", ["101/020", "#0"], ".0./0.0@0,0"),
    ("background_regions", ["010/010"], "0/0@0,0 0/0@0,2"),
    ("regions", ["01/01"], "0/0@0,0 1/1@0,1"),
    ("color_layers", ["102/010"], "1./.1@0,0 2@0,2"),
    ("content", ["000/012/030"], "12/3.@1,1"),
    ("whole", ["10/02"], "10/02@0,0"),
    ("panels", ["1052/3054"], "10/30@0,0 2/4@0,3"),
    ("panels", ["105/000/555/201"], "105/000@0,0 201@3,0"),
    ("panels_between", ["10203", "#0"], "1@0,0 2@0,2 3@0,4"),
    ("parts_between", ["1053/5504", "#5"], "10@0,0 .3/04@0,2"),
    ("left_right_halves", ["12345"], "12@0,0 45@0,3"),
    ("top_bottom_halves", ["1/2/3"], "1@0,0 3@2,0"),
    ("quadrants", ["123/456/789"], "1@0,0 3@0,2 7@2,0 9@2,2"),
    ("rows", ["12/34"], "12@0,0 34@1,0"),
    ("columns", ["12/34"], "1/3@0,0 2/4@0,1"),
    ("blocks", ["1122/1122", "2"], "11/11@0,0 22/22@0,2"),
    ("inside_corners", ["4004/0120/4004"], "12@1,1"),
    ("largest_blank", ["1000/0000/0200"], "000/000@0,1"),
    ("cells_of_color", ["101", "#1"], "1@0,0 1@0,2"),
    ("mask_components", ["110/001", "123/456"], "12./..6@0,0"),
    ("as_list", ["12@3,4"], "12@3,4"),
    ("join_lists", ["1@0,0", "2@0,1 3@0,2"], "1@0,0 2@0,1 3@0,2"),
    ("merge", ["1@0,0 22@1,1"], "1../.22@0,0"),
]

SELECT: list[Case] = [
    ("only_of_its_color", ["1@0,0 2@0,2 1@0,4"], "2@0,2"),
    ("only_of_its_shape", ["11@0,0 2@0,3 33@0,5"], "2@0,3"),
    ("only_of_its_size", ["11@0,0 2@0,3 3/3@0,5"], "2@0,3"),
    ("only_of_its_colors", ["12@0,0 21@0,3 13@0,5"], "13@0,5"),
    ("nth", ["1@0,0 2@0,1 3@0,2", "-1"], "3@0,2"),
    ("middle", ["1@0,0 2@0,1 3@0,2"], "2@0,1"),
    ("sort_by_size", ["22@0,1 1@0,0"], "1@0,0 22@0,1"),
    ("sort_by_column", ["2@0,1 1@5,0"], "1@5,0 2@0,1"),
    ("sort_by_row", ["2@1,0 1@0,5"], "1@0,5 2@1,0"),
    ("sort_by_color", ["2@0,1 1@0,0"], "1@0,0 2@0,1"),
    ("sort_by_commonness", ["2@0,1 1@0,0 2@0,3"], "1@0,0 2@0,1 2@0,3"),
    ("reverse", ["2@0,1 1@0,0"], "1@0,0 2@0,1"),
    ("distinct", ["2@0,1 1@0,0 2@0,3"], "2@0,1 1@0,0"),
]

# criterion, objects, the best of them, the first being the one that is picked
CRITERIA: list[tuple[str, str, str]] = [
    ("largest", "1@0,0 22@0,2 3/3@0,5", "22@0,2 3/3@0,5"),
    ("smallest", "22@0,2 1@0,0 3/3@0,5", "1@0,0"),
    ("largest_box", "1./.1@0,0 222@0,3", "1./.1@0,0"),
    ("smallest_box", "1./.1@0,0 222@0,3", "222@0,3"),
    ("tallest", "11@0,0 2/2@0,3", "2/2@0,3"),
    ("widest", "2/2@0,3 11@0,0", "11@0,0"),
    ("most_colorful", "11@0,0 12@0,3", "12@0,3"),
    ("least_colorful", "12@0,3 11@0,0", "11@0,0"),
    ("most_holes", "111/111/111@0,0 111/1.1/111@0,4", "111/1.1/111@0,4"),
    ("fewest_holes", "111/1.1/111@0,4 11/11@0,0", "11/11@0,0"),
    ("densest", "1./.1@0,0 2@0,3", "2@0,3"),
    ("sparsest", "2@0,3 1./.1@0,0", "1./.1@0,0"),
    ("topmost", "1@2,0 2@1,0 3@1,4", "2@1,0 3@1,4"),
    ("bottommost", "1@2,0 2/2@1,0 3@0,4", "1@2,0 2/2@1,0"),
    ("leftmost", "1@0,2 2@0,1", "2@0,1"),
    ("rightmost", "1@0,2 22@0,1 3@0,0", "1@0,2 22@0,1"),
    ("most_common_shape", "1@0,0 22@0,2 33@1,0", "22@0,2 33@1,0"),
    ("rarest_shape", "22@0,2 1@0,0 33@1,0", "1@0,0"),
    ("most_common_image", "12@0,0 21@0,3 21@0,6", "21@0,3 21@0,6"),
    ("rarest_image", "21@0,3 12@0,0 21@0,6", "12@0,0"),
    ("most_common_colored", "1@0,0 22@0,1 2@0,4", "22@0,1 2@0,4"),
    ("rarest_colored", "22@0,1 1@0,0 2@0,4", "1@0,0"),
]

FILTERS: list[Case] = [
    ("of_color", ["1@0,0 2@0,2 11@0,4", "#1"], "1@0,0 11@0,4"),
    ("of_color", ["1@0,0 2@0,2 11@0,4", "#3"], ""),
    ("not_of_color", ["1@0,0 2@0,2 11@0,4", "#1"], "2@0,2"),
    ("with_color", ["112@0,0 1@0,4", "#2"], "112@0,0"),
    ("without_color", ["112@0,0 1@0,4", "#2"], "1@0,4"),
    ("multicolored", ["12@0,0 1@0,4"], "12@0,0"),
    ("single_colored", ["12@0,0 1@0,4"], "1@0,4"),
    ("of_size", ["11@0,0 1@0,4", "1"], "1@0,4"),
    ("larger_than", ["11@0,0 1@0,4", "1"], "11@0,0"),
    ("with_holes", ["111/1.1/111@0,0 1@0,4"], "111/1.1/111@0,0"),
    ("without_holes", ["111/1.1/111@0,0 1@0,4"], "1@0,4"),
    ("of_holes", ["111/1.1/111@0,0 11111/1.1.1/11111@0,4", "2"], "11111/1.1.1/11111@0,4"),
    ("symmetric", ["121@0,0 12@0,4"], "121@0,0"),
    ("mirror_symmetric", ["12/34@0,0 12/21@0,3"], "12/21@0,3"),
    ("asymmetric", ["12/34@0,0 12/21@0,3"], "12/34@0,0"),
    ("solid", ["11@0,0 1./.1@0,3"], "11@0,0"),
    ("not_solid", ["11@0,0 1./.1@0,3"], "1./.1@0,3"),
    ("framing", ["111/1.1/111@0,0 111/1.1/11.@0,4"], "111/1.1/111@0,0"),
    ("straight", ["1@0,0 11@0,2 1/1@0,5 11/11@0,7"], "11@0,2 1/1@0,5"),
    ("square", ["1./.1@0,0 11@0,3"], "1./.1@0,0"),
    ("wide", ["11@0,3 1/1@0,0"], "11@0,3"),
    ("tall", ["11@0,3 1/1@0,0"], "1/1@0,0"),
    ("at_border", ["1@0,1 2@1,1", "000/000/000"], "1@0,1"),
    ("off_border", ["1@0,1 2@1,1", "000/000/000"], "2@1,1"),
    ("of_shape", ["1./.1@0,0 11@0,3", "2./.2@5,5"], "1./.1@0,0"),
    ("colored_like", ["1@0,0 22@0,3", "2@5,5"], "22@0,3"),
    ("repeated_shapes", ["1@0,0 22@0,3 33@1,0"], "22@0,3 33@1,0"),
    ("single_shapes", ["1@0,0 22@0,3 33@1,0"], "1@0,0"),
    ("repeated_images", ["1@0,0 1@0,3 3@1,0"], "1@0,0 1@0,3"),
    ("touching", ["1@0,0 2@1,1 3@0,3", "1@0,0"], "2@1,1"),
    ("inside", ["111/1.1/111@0,0 2@1,1 3@0,3", "111/1.1/111@0,0"], "2@1,1"),
    ("without", ["1@0,0 2@0,1 1@0,2", "1@0,2 2@0,0"], "1@0,0 2@0,1"),
    ("drop_object", ["1@0,0 2@0,1 1@0,2", "1@0,2"], "1@0,0 2@0,1"),
]

OBJECT_EDIT: list[Case] = [
    ("grid_of_object", ["1./.2@3,4"], "10/02"),
    ("crop_to_object", ["123/456/789", "1./.2@1,1"], "56/89"),
    ("paint_object", ["1./.2@0,1", "555/555"], "515/552"),
    ("paint_objects", ["1@0,0 22@0,0 3@9,9", "555"], "225"),
    ("only_objects", ["1@0,0", "102"], "100"),
    ("erase_objects", ["1@0,0 2@0,2", "1032"], "0002"),
    ("erase_object", ["1@0,0", "1032"], "0032"),
    ("objects_grid", ["1@2,2 22@3,3"], "100/022"),
    ("recolor_object", ["1./.2@0,1", "#5"], "5./.5@0,1"),
    ("recolor_objects", ["1./.2@0,1 3@0,0", "#5"], "5./.5@0,1 5@0,0"),
    ("color_of_object", ["122@0,0"], "#2"),
    ("fill_box", ["1./.2@0,1", "#5"], "15/52@0,1"),
    ("fill_boxes", ["1./.2@0,1 3@0,0", "#5"], "15/52@0,1 3@0,0"),
    ("fill_boxes_in_own_color", ["1./.1@0,1 3@0,0"], "11/11@0,1 3@0,0"),
    ("number_objects", ["5@0,0 55@0,2 5@0,5"], "1@0,0 22@0,2 3@0,5"),
    ("recolor_in_rare_color", ["122@0,0 3@0,4"], "111@0,0 3@0,4"),
    ("recolor_in_main_color", ["122@0,0 3@0,4"], "222@0,0 3@0,4"),
    ("swap_object_colors", ["122@0,0 123@0,4"], "211@0,0 123@0,4"),
    ("recolor_as_same_shape", ["5@0,0 55@0,2 555@0,5", "11@5,5 2@6,6"], "2@0,0 11@0,2"),
    ("recolor_as_nearest", ["5@0,0 5@0,6", "1@0,2 2@0,7"], "1@0,0 2@0,6"),
    ("recolor_from", ["5@0,0 55@0,1", "123"], "1@0,0 22@0,1"),
    ("fill_object_holes", ["111/1.1/111@0,0 1./.1@0,4", "#3"], "111/131/111@0,0 1./.1@0,4"),
    ("outlines", ["11@1,1", "#3"], "3333/3..3/3333@0,0"),
    ("box_frames", ["1../.../..1@0,0", "#3"], "333/3.3/333@0,0"),
    ("box_insides", ["111/1.1/111@0,0 1@1,1", "111/121/111"], "2@1,1"),
    ("boxes", ["1./.1@0,0", "12/31"], "12/31@0,0"),
    ("flip_objects_left_right", ["12/.3@0,1"], "21/3.@0,1"),
    ("flip_objects_top_bottom", ["12/.3@0,1"], ".3/12@0,1"),
    ("rotate_objects_90", ["12/.3@0,1"], ".1/32@0,1"),
    ("transpose_objects", ["12/.3@0,1"], "1./23@0,1"),
    ("symmetrize_objects", ["12/3.@0,1"], "12/33@0,1"),
]

MOTION: list[Case] = [
    ("move", ["1@0,0", "2", "-1"], "1@2,-1"),
    ("move_all", ["1@0,0 2@1,1", "1", "0"], "1@1,0 2@2,1"),
    ("move_by_own_size", ["11@0,0 2@0,4", "2"], "11@0,2 2@0,5"),
    ("move_to_corner", ["1@3,4"], "1@0,0"),
    ("place_at", ["11@0,0", "2@3,4"], "11@3,4"),
    ("center_on", ["1@0,0", "222/222/222@3,4"], "1@4,5"),
    ("stamp", ["11@0,0", "2@3,4 333@0,0"], "11@3,3 11@0,0"),
    ("move_until_contact", ["1@0,0", "10020", "2"], "1@0,2"),
    ("move_until_contact", ["1@0,0", "100/000/000", "3"], "1@2,2"),
    ("gravity_of_objects", ["1@0,0 22@1,0", "10/22/00/05", "4"], "1@1,0 22@2,0"),
    ("gravity_of_objects", ["1@0,0 2@0,1", "1200", "2"], "1@0,2 2@0,3"),
    ("gravity_of_components", ["110/010/300/000", "4"], "000/000/110/310"),
    ("move_to_touch", ["1@0,0", "2@0,4"], "1@0,3"),
    ("move_to_touch", ["1@5,0", "22@0,0"], "1@1,0"),
    ("repeat_to_border", ["12@0,0", "000000", "2", "1"], "12@0,0 12@0,3"),
    ("trail", ["1@0,0", "000/000/000", "3"], "1@0,0 1@1,1 1@2,2"),
    ("reflect", ["12@0,0", "2"], "21@0,2"),
    ("reflect", ["1/2@3,3", "0"], "2/1@1,3"),
    ("between", ["1/1@0,0", "2@1,4"], "000@1,1"),
]

ARRANGE: list[Case] = [
    ("stack_right", ["1/1@0,5 2@3,3"], "12/10"),
    ("stack_down", ["11@0,5 2@3,3"], "11/20"),
    ("stack_line", ["1@0,5 2@1,0"], "21"),
    ("stack_line", ["1@5,0 2@0,1"], "2/1"),
    ("stack_square", ["1@0,0 2@0,1 3@0,2 4@0,3"], "12/34"),
    ("compose_growing", ["2@0,0 11@0,0"], "21"),
    ("overlay_all", ["102@0,0 033@0,3"], "133"),
    ("common_content", ["102@0,0 033@0,3"], "002"),
    ("odd_content", ["102@0,0 033@0,3"], "130"),
    ("majority_cells", ["102@0,0 100@0,3 032@0,6"], "102"),
    ("color_map", ["1@0,0 2@0,5 3@7,5"], "12/03"),
    ("color_row", ["1@0,0 22@0,5"], "12"),
    ("color_column", ["1@0,0 22@0,5"], "1/2"),
    ("size_bars", ["1@0,0 22/22@0,5"], "1000/2222"),
]

COMPOSE: list[Case] = [
    ("overlay", ["102", "330"], "132"),
    ("content_and", ["102", "330"], "100"),
    ("content_minus", ["102", "330"], "002"),
    ("content_xor", ["1020", "3300"], "0320"),
    ("content_xor", ["110", "202"], "012"),
    ("content_nor", ["1020", "3300", "#5"], "0005"),
    ("equal_cells", ["102", "112", "#5"], "152"),
    ("beside", ["1/2", "3/4"], "13/24"),
    ("below", ["12", "34"], "12/34"),
]

TILING: list[Case] = [
    ("tile", ["12", "2", "3"], "121212/121212"),
    ("tile_like", ["12/34", "000/000/000"], "121/343/121"),
    ("mirror_tile_like", ["12", "00000"], "12211"),
    ("mirror_right", ["12"], "1221"),
    ("mirror_left", ["12"], "2112"),
    ("mirror_down", ["1/2"], "1/2/2/1"),
    ("mirror_up", ["1/2"], "2/1/1/2"),
    ("kaleidoscope", ["12/34"], "1221/3443/3443/1221"),
    ("pinwheel", ["12/34"], "1231/3442/2443/1321"),
    ("lay_out", ["10/01", "23"], "2300/0023"),
    ("lay_out_self", ["10/11"], "1000/1100/1010/1111"),
    ("lay_out_at_color", ["12/11", "#2"], "0012/0011/0000/0000"),
    ("lay_out_colored", ["10/02", "30/03"], "1000/0100/0020/0002"),
    ("smallest_tile", ["1212/3434"], "12/34"),
    ("complete_tiling", ["121200/343434/120012", "#0"], "121212/343434/121212"),
    ("tile_hidden_by", ["121200/343434/121212", "#0"], "12"),
    ("continue_tiling_like", ["121", "000000"], "121212"),
]

SYMMETRY: list[Case] = [
    ("complete_symmetry", ["1231/4554/1001", "#0"], "1231/4554/1231"),
    ("complete_symmetry", ["1221/3443/3403/1201", "#0"], "1221/3443/3443/1221"),
    ("complete_symmetric_content", ["10001/02020/00300/02020/10000"], "10001/02020/00300/02020/10001"),
    ("hidden_by", ["1221/3443/3403/1201", "#0"], "4/2"),
    ("symmetrize_left_right", ["100/020"], "101/020"),
    ("symmetrize_top_bottom", ["10/00"], "10/10"),
    ("symmetrize_rotations", ["010/000/000"], "010/101/010"),
    ("symmetrize_rotations", ["12/00"], "12/21"),
    ("symmetrize_all", ["100/000/000"], "101/000/101"),
    ("symmetrize_all", ["12/00"], "12/12"),
    ("symmetrize_all", ["10/20"], "11/22"),
]

TOPOLOGY: list[Case] = [
    ("enclosed_cells", ["0111/0101/0111"], "0000/0010/0000"),
    ("outside_background", ["0111/0101/0111"], "1000/1000/1000"),
    ("boundary_cells", ["00000/01110/01110/01110/00000"], "00000/01110/01010/01110/00000"),
    ("fill_enclosed", ["0111/0101/0111", "#4"], "0111/0141/0111"),
    ("fill_enclosed_in_main_color", ["0111/0101/0112"], "0111/0111/0112"),
    ("fill_outside", ["0111/0101/0111", "#4"], "4111/4101/4111"),
    ("only_enclosed", ["0111/0101/0112"], "0000/0010/0000"),
    ("keep_boundary", ["00000/01110/01110/01110/00000"], "00000/01110/01010/01110/00000"),
    ("erase_boundary", ["00000/01110/01110/01110/00000"], "00000/00000/00100/00000/00000"),
    ("outline_content", ["0000/0100/0000", "#4"], "4440/4140/4440"),
    ("grow_content", ["0000/0100/0000"], "0100/1110/0100"),
    ("grow_content_8", ["0000/0100/0000"], "1110/1110/1110"),
    ("spread_content", ["1000020"], "1112222"),
    ("spread_color", ["1030/0030", "#1"], "1130/1130"),
    ("spread_color_8", ["103/030/300", "#1"], "113/131/311"),
    ("spread_color_into", ["1330/0033", "#1", "#3"], "1110/0011"),
    ("spread_rare_colors", ["3313/0003"], "1111/0001"),
    ("erase_lone_cells", ["1002/0100"], "1000/0100"),
]

RAYS: list[Case] = [
    ("smear", ["000/010/000", "2"], "000/011/000"),
    ("smear", ["000/010/000", "7"], "100/010/000"),
    ("smear_horizontal", ["0100/2003"], "1111/2223"),
    ("smear_vertical", ["00/10/00"], "10/10/10"),
    ("smear_plus", ["000/010/000"], "010/111/010"),
    ("smear_cross", ["000/010/000"], "101/010/101"),
    ("smear_star", ["00000/00000/00100"], "10101/01110/11111"),
    ("smear_main_diagonal", ["000/010/000"], "100/010/001"),
    ("smear_other_diagonal", ["000/010/000"], "001/010/100"),
    ("shoot", ["1000/2000", "#1", "2"], "1111/2000"),
    ("shoot_horizontal", ["0100/0200", "#1"], "1111/0200"),
    ("shoot_vertical", ["00/12/00", "#1"], "10/12/10"),
    ("shoot_plus", ["000/010/002", "#1"], "010/111/012"),
    ("shoot_cross", ["000/010/002", "#1"], "101/010/102"),
    ("shoot_through", ["10203", "#1", "2"], "11111"),
    ("fill_rows", ["010/200", "#1"], "111/200"),
    ("fill_columns", ["010/200", "#1"], "010/210"),
    ("connect_horizontal", ["10010/20003"], "11110/20003"),
    ("connect_vertical", ["10/02/10"], "10/12/10"),
    ("connect_straight", ["101/000/100"], "111/100/100"),
    ("connect_straight", ["010/202/010"], "010/212/010"),
    ("connect_diagonal", ["100/000/001"], "100/010/001"),
    ("bridge_horizontal", ["101/000/100", "#1", "#5"], "151/000/100"),
    ("bridge_vertical", ["101/000/100", "#1", "#5"], "101/500/100"),
    ("bridge_straight", ["101/000/100", "#1", "#5"], "151/500/100"),
    ("bridge_through", ["10201", "#1"], "11111"),
    ("gravity", ["12/00/30", "4"], "00/10/32"),
    ("gravity", ["0102", "6"], "1200"),
    ("gravity_of_color", ["12/00/30", "#2", "4"], "10/00/32"),
]

MASKS: list[Case] = [
    ("color_cells", ["102/010", "#1"], "100/010"),
    ("content_cells", ["102/010"], "101/010"),
    ("same_cells", ["102", "112"], "101"),
    ("object_cells", ["1./.1@0,1", "000/000"], "010/001"),
    ("objects_cells", ["1@0,0 2@0,2 3@7,7", "000"], "101"),
    ("border_cells", ["000/000/000"], "111/101/111"),
    ("diagonal_cells", ["000/000", "2", "0"], "101/010"),
    ("every_row", ["0/0/0/0", "2", "1"], "0/1/0/1"),
    ("every_column", ["0000", "3", "0"], "1001"),
    ("rows_with", ["010/000"], "111/000"),
    ("columns_with", ["010/000"], "010/010"),
    ("box_cells", ["100/001/000"], "111/111/000"),
    ("mask_not", ["010"], "101"),
    ("mask_and", ["0011", "0101"], "0001"),
    ("mask_or", ["0011", "0101"], "0111"),
    ("mask_xor", ["0011", "0101"], "0110"),
    ("mask_minus", ["0011", "0101"], "0010"),
    ("grow_cells", ["0001/0000"], "0011/0011"),
    ("shrink_cells", ["1110/1110/1110"], "1100/1100/1100"),
    ("paint_cells", ["012", "110", "#5"], "552"),
    ("keep_cells", ["302", "011"], "002"),
    ("choose_cells", ["011", "123", "456"], "423"),
    ("crop_to_cells", ["1234", "0110"], "23"),
    ("grid_of_mask", ["011", "#3"], "033"),
]

COUNTING: list[Case] = [
    ("count_color", ["1021", "#1"], "2"),
    ("count_content", ["1021"], "3"),
    ("count_colors", ["1021"], "2"),
    ("object_count", ["1@0,0 2@0,2"], "2"),
    ("count_cells", ["011"], "2"),
    ("height_of", ["123/456"], "2"),
    ("width_of", ["123/456"], "3"),
    ("object_size", ["11/1.@0,0"], "3"),
    ("object_height", ["111@0,0"], "1"),
    ("object_width", ["111@0,0"], "3"),
    ("object_holes", ["111/1.1/111@0,0"], "1"),
    ("object_colors", ["122@0,0"], "2"),
    ("add", ["2", "3"], "5"),
    ("subtract", ["2", "3"], "-1"),
    ("multiply", ["2", "3"], "6"),
    ("divide", ["7", "2"], "3"),
    ("minimum", ["2", "3"], "2"),
    ("maximum", ["2", "3"], "3"),
    ("color_of_number", ["3"], "#3"),
    ("number_of_color", ["#3"], "3"),
    ("row_of", ["3", "#5"], "555"),
    ("column_of", ["3", "#5"], "5/5/5"),
    ("square_of", ["2", "#5"], "55/55"),
    ("canvas", ["1", "2", "#5"], "55"),
    ("diagonal_of", ["2", "#5"], "50/05"),
    ("fill_first", ["777/777", "4", "#5"], "555/500"),
    ("color_bars", ["1022"], "22/10"),
    ("color_bars_ascending", ["1022"], "10/22"),
    ("color_ranking", ["10022"], "2/1"),
]

LOGIC: list[Case] = [
    ("if_else", ["true", "1", "2"], "1"),
    ("if_else_color", ["false", "#1", "#2"], "#2"),
    ("if_else_object", ["false", "1@0,0", "2@0,0"], "2@0,0"),
    ("same_grids", ["12", "1/2"], "false"),
    ("same_colors", ["#1", "#1"], "true"),
    ("same_numbers", ["1", "2"], "false"),
    ("more_than", ["3", "2"], "true"),
    ("same_shapes", ["12@0,0", "33@5,5"], "true"),
    ("both", ["true", "false"], "false"),
    ("either", ["true", "false"], "true"),
    ("negate", ["true"], "false"),
    ("has_color", ["012", "#2"], "true"),
    ("has_content", ["000"], "false"),
    ("object_has_color", ["12@0,0", "#2"], "true"),
    ("any_object_has_color", ["12@0,0 3@1,1", "#3"], "true"),
    ("is_symmetric_left_right", ["121"], "true"),
    ("is_symmetric_top_bottom", ["12/21"], "false"),
    ("is_symmetric_diagonal", ["12/21"], "true"),
    ("is_square", ["12"], "false"),
    ("is_wide", ["12"], "true"),
]

CASES: list[Case] = [
    *COLOR, *GEOMETRY, *OBJECTS, *SELECT, *FILTERS, *OBJECT_EDIT, *MOTION, *ARRANGE,
    *COMPOSE, *TILING, *SYMMETRY, *TOPOLOGY, *RAYS, *MASKS, *COUNTING, *LOGIC,
]  # fmt: skip


def read(text: str, kind: Kind) -> Any:
    """Read a value of a kind from its text."""
    if kind is Kind.GRID:
        return grid_from_text(text)
    if kind is Kind.MASK:
        return seal(grid_from_text(text) == 1)
    if kind is Kind.OBJECT:
        rows, _, place = text.partition("@")
        top, left = place.split(",")
        mask = np.array([[cell != "." for cell in row] for row in rows.split("/")])
        return Object(grid_from_text(rows.replace(".", "0")), seal(mask), int(top), int(left))
    if kind is Kind.OBJECTS:
        return tuple(read(item, Kind.OBJECT) for item in text.split())
    return Literal(text).value


def show(value: Any, kind: Kind) -> str:
    """Write a value of a kind as text."""
    if kind in (Kind.GRID, Kind.MASK):
        return grid_to_text(value.astype(np.uint8))
    if kind is Kind.OBJECT:
        rows = zip(value.patch.tolist(), value.mask.tolist(), strict=True)
        cells = "/".join("".join(str(cell) if own else "." for cell, own in zip(*row, strict=True)) for row in rows)
        return f"{cells}@{value.top},{value.left}"
    if kind is Kind.OBJECTS:
        return " ".join(show(item, Kind.OBJECT) for item in value)
    if kind is Kind.COLOR:
        return f"#{value}"
    return str(value).lower()


def call(entry: Primitive, arguments: list[str]) -> str:
    values = [read(text, kind) for text, kind in zip(arguments, entry.parameters, strict=True)]
    return show(entry.function(*values), entry.result)


@pytest.mark.parametrize(
    ("name", "arguments", "result"), CASES, ids=[f"{name}-{k}" for k, (name, *_) in enumerate(CASES)]
)
def test_primitive_gives_its_example(name: str, arguments: list[str], result: str) -> None:
    assert call(get_primitive(name), arguments) == result


@pytest.mark.parametrize(("name", "objects", "best"), CRITERIA, ids=[name for name, *_ in CRITERIA])
def test_criterion_picks_keeps_and_drops(name: str, objects: str, best: str) -> None:
    rest = " ".join(item for item in objects.split() if item not in best.split())
    assert call(get_primitive(name), [objects]) == best.split()[0]
    assert call(get_primitive(f"all_{name}"), [objects]) == best
    assert call(get_primitive(f"all_but_{name}"), [objects]) == rest


def test_every_primitive_has_a_case() -> None:
    shown = {name for name, *_ in CASES}
    shown |= {f"{prefix}{name}" for name, *_ in CRITERIA for prefix in ("", "all_", "all_but_")}
    builtin = {entry.name for entry in all_primitives() if "dsl/primitives" in entry.origin.replace("\\", "/")}
    assert builtin - shown == set()
