"""What an HTML page holds, and what makes it hard to use, by the standard library's parser."""

from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

_VOID = {"meta", "link", "img", "br", "hr", "input"}


class PageStructure(HTMLParser):
    """Headings, tables, pictures and links of a page.

    Attributes:
        headings: (level, text) in order.
        tables: one list of rows of cell texts a table, with the headings' row first.
        captions: of the tables.
        pictures: attributes of every img.
        links: every address.
        landmarks: names of the elements that divide the page.
        scopes: scope of every th.
        text: all of it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.headings: list[tuple[int, str]] = []
        self.tables: list[list[list[str]]] = []
        self.captions: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.landmarks: list[str] = []
        self.scopes: list[str | None] = []
        self.ids: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(path.read_text())
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in _VOID:
            self._open.append(tag)
        if "id" in given:
            self.ids.append(given["id"] or "")
        match tag:
            case "h1" | "h2" | "h3":
                self.headings.append((int(tag[1]), ""))
            case "table":
                self.tables.append([])
            case "caption":
                self.captions.append("")
            case "tr":
                self.tables[-1].append([])
            case "th" | "td":
                self.tables[-1][-1].append("")
                if tag == "th":
                    self.scopes.append(given.get("scope"))
            case "img":
                self.pictures.append(given)
            case "header" | "nav" | "main" | "footer":
                self.landmarks.append(tag)
        self.links += [given[name] or "" for name in ("href", "src") if name in given]

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1:] == [tag], f"</{tag}> ends {self._open}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if {"script", "style"} & set(self._open):
            return
        self.text += data
        inside = self._open[-1] if self._open else ""
        if inside in ("h1", "h2", "h3"):
            self.headings[-1] = (self.headings[-1][0], self.headings[-1][1] + data)
        if "caption" in self._open:
            self.captions[-1] += data
        if {"td", "th"} & set(self._open):
            self.tables[-1][-1][-1] += data

    def barriers(self) -> list[str]:
        """What a reader with a keyboard, a screen reader or no network would stumble over."""
        levels = [level for level, _ in self.headings]
        found = [] if levels[:1] == [1] and levels.count(1) == 1 else ["not one h1, first"]
        found += [f"h{b} after h{a}" for a, b in pairwise(levels) if b > a + 1]
        found += [f"picture without words: {p.get('src', '')[:50]}" for p in self.pictures
                  if not p.get("alt")]  # fmt: skip
        found += ["th without scope"] if not all(self.scopes) else []
        found += ["table without caption"] if len(self.captions) != len(self.tables) else []
        found += [f"id {each} twice" for each in set(self.ids) if self.ids.count(each) > 1]
        found += [f"leads nowhere: {a}" for a in self.links
                  if a.startswith("#") and a[1:] not in self.ids]  # fmt: skip
        found += [f"needs network: {a}" for a in self.links if "://" in a or a.startswith("//")]
        missing = {"header", "nav", "main", "footer"} - set(self.landmarks)
        return found + [f"no {each}" for each in sorted(missing)]
