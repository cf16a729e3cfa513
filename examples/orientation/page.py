"""Draws a page of text without any image library, as input for the orientation model."""

import numpy as np

# 5x7 letters, one string a row; '#' is ink.
LETTERS = {
    "A": [" ### ", "#   #", "#   #", "#####", "#   #", "#   #", "#   #"],
    "D": ["#### ", "#   #", "#   #", "#   #", "#   #", "#   #", "#### "],
    "E": ["#####", "#    ", "#    ", "#### ", "#    ", "#    ", "#####"],
    "F": ["#####", "#    ", "#    ", "#### ", "#    ", "#    ", "#    "],
    "I": [" ### ", "  #  ", "  #  ", "  #  ", "  #  ", "  #  ", " ### "],
    "J": ["  ###", "   # ", "   # ", "   # ", "   # ", "#  # ", " ##  "],
    "L": ["#    ", "#    ", "#    ", "#    ", "#    ", "#    ", "#####"],
    "N": ["#   #", "##  #", "# # #", "# # #", "#  ##", "#   #", "#   #"],
    "O": [" ### ", "#   #", "#   #", "#   #", "#   #", "#   #", " ### "],
    "P": ["#### ", "#   #", "#   #", "#### ", "#    ", "#    ", "#    "],
    "R": ["#### ", "#   #", "#   #", "#### ", "# #  ", "#  # ", "#   #"],
    "S": [" ####", "#    ", "#    ", " ### ", "    #", "    #", "#### "],
    "T": ["#####", "  #  ", "  #  ", "  #  ", "  #  ", "  #  ", "  #  "],
    "V": ["#   #", "#   #", "#   #", "#   #", " # # ", " # # ", "  #  "],
    "Y": ["#   #", "#   #", " # # ", "  #  ", "  #  ", "  #  ", "  #  "],
}
LINES = ["A DOVETAIL", "JOINS TEN", "PARTS AND", "NO NAIL IS", "SEEN IN IT", "FOR YEARS"]
SCALE = 3
SIDE = 224


def draw_page():
    """A square page, float32 (224, 224), paper 1 and ink 0."""
    page = np.ones((SIDE, SIDE), "float32")
    for row, line in enumerate(LINES):
        for column, letter in enumerate(line):
            if letter == " ":
                continue
            ink = np.array([[c == "#" for c in r] for r in LETTERS[letter]])
            ink = np.kron(ink, np.ones((SCALE, SCALE), bool))
            y, x = 14 + row * 11 * SCALE, 5 + column * 6 * SCALE
            page[y : y + ink.shape[0], x : x + ink.shape[1]][ink] = 0
    return page


def model_input(page):
    """The model's input, float32 (1, 3, 224, 224): three equal channels, normalised as in training."""
    mean = np.array([0.485, 0.456, 0.406], "float32").reshape(3, 1, 1)
    deviation = np.array([0.229, 0.224, 0.225], "float32").reshape(3, 1, 1)
    return ((page[None] - mean) / deviation)[None].astype("float32")
