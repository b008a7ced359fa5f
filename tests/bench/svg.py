# SPDX-License-Identifier: MIT
#
# svg.py   the lines of a picture, for those who draw one
from xml.sax.saxutils import escape


class Svg:
    def __init__(self, width, height):
        self.lines = [
            '<svg xmlns="http://www.w3.org/2000/svg" '
            f'viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" font-family="sans-serif" font-size="12">',
            f'<rect width="{width}" height="{height}" fill="white"/>']

    def bar(self, x0, x1, y, height, color, words=None):
        """From one x to the other; @words are shown where one points at it."""
        left, right = sorted((x0, x1))
        title = "" if words is None else f"<title>{escape(words)}</title>"
        self.lines.append(
            f'<rect x="{left:.1f}" y="{y:.1f}" width="{right - left:.1f}" '
            f'height="{height}" fill="{color}">{title}</rect>')

    def line(self, x, y0, y1, color, dash=""):
        dash = f' stroke-dasharray="{dash}"' if dash else ""
        self.lines.append(
            f'<line x1="{x:.1f}" y1="{y0}" x2="{x:.1f}" y2="{y1}" '
            f'stroke="{color}"{dash}/>')

    def text(self, x, y, words, anchor="start", color="#222", size=12):
        self.lines.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'fill="{color}" font-size="{size}">{escape(words)}</text>')

    def write(self, path):
        with open(path, "w") as f:
            f.write("\n".join(self.lines + ["</svg>"]) + "\n")
