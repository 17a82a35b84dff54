# SPDX-License-Identifier: Apache-2.0
"""What a terminal shows: its lines, by what the bytes written to it do.

Knows what skiff's progress uses and nothing else; an unknown escape is an AssertionError, as it would be garbage
on a terminal. Lines that are longer than the window are broken where it ends, as terminals do.
"""

import re

PART = re.compile(r"(\r|\n|\x1b\[[\d;]*[A-Za-z])")


class Screen:
    """Feed it, and look at lines. What scrolled off stays in `lines`; the window is its last `rows`."""

    def __init__(self, columns=80, rows=24):
        self.columns, self.rows = columns, rows
        self.lines = [""]
        self.row = self.column = 0
        self.rest = ""

    def resize(self, columns, rows):
        """The window's new size; what stands there is not broken anew."""
        self.columns, self.rows = columns, rows

    def feed(self, text):
        """Text of the program, as its terminal gets it; a sequence may come in two pieces."""
        text = self.rest + text
        cut = re.search(r"\x1b(\[[\d;]*)?$", text)
        self.rest = text[cut.start():] if cut else ""
        for part in PART.split(text[:len(text) - len(self.rest)]):
            self.put(part)

    def put(self, part):
        """One control or a run of characters."""
        if part == "\r":
            self.column = 0
        elif part == "\n":
            self.down()
        elif part.startswith("\x1b["):
            self.control(part[-1], part[2:-1])
        else:
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", part), f"a control character is shown: {part!r}"
            for character in part:
                if self.column >= self.columns:
                    self.down()
                    self.column = 0
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[:self.column] + character + line[self.column + 1:]
                self.column += 1

    def down(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")

    def control(self, letter, number):
        """CSI sequences: cursor up, erase to the end of the line or of the screen, colours."""
        line = self.lines[self.row][:self.column]
        if letter == "A":
            top = max(len(self.lines) - self.rows, 0)
            self.row = max(self.row - int(number or 1), top)
        elif letter == "K" and number in ("", "0"):
            self.lines[self.row] = line
        elif letter == "J" and number in ("", "0"):
            del self.lines[self.row + 1:]
            self.lines[self.row] = line
        else:
            assert letter == "m", f"an unknown sequence: ESC[{number}{letter}"

    def text(self):
        """All lines, without blanks at their ends."""
        return "\n".join(line.rstrip() for line in self.lines)


def shown(output, columns=80, rows=24):
    """The lines that stand there after `output` (bytes or text)."""
    screen = Screen(columns, rows)
    screen.feed(output.decode(errors="replace") if isinstance(output, bytes) else output)
    return screen.text().split("\n")
