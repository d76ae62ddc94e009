"""Contents of an HTML page and its accessibility problems."""

from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

_VOID = {"meta", "link", "img", "br", "hr", "input"}


class PageStructure(HTMLParser):
    """Headings, tables, pictures and links of a page.

    Attributes:
        headings: (level, text) in order.
        tables: for each table a list of rows of cell texts, the heading row first.
        captions: of the tables.
        pictures: attributes of every img.
        links: all addresses of href and src.
        landmarks: names of the elements header, nav, main and footer.
        scopes: scope of every th.
        ids: of all elements.
        charts: what every chart (SVG) shows, in words.
        text: all text outside scripts and styles.
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
        self.charts: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(path.read_text())
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag not in _VOID:
            self._open.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"] or "")
        if attributes.get("role") == "img":
            self.charts.append(attributes.get("aria-label") or "")
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
                    self.scopes.append(attributes.get("scope"))
            case "img":
                self.pictures.append(attributes)
            case "header" | "nav" | "main" | "footer":
                self.landmarks.append(tag)
            case "svg" if attributes.get("aria-hidden") != "true":
                self.charts.append("")
        self.links += [attributes[name] or "" for name in ("href", "src") if name in attributes]

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

    def accessibility_problems(self) -> list[str]:
        """Return the problems of readers with a keyboard, a screen reader or no network."""
        levels = [level for level, _ in self.headings]
        problems = [] if levels[:1] == [1] and levels.count(1) == 1 else ["not one h1, first"]
        problems += [f"h{b} after h{a}" for a, b in pairwise(levels) if b > a + 1]
        problems += [f"picture without alt text: {p.get('src', '')[:50]}" for p in self.pictures
                     if not p.get("alt")]  # fmt: skip
        problems += ["chart without words"] if not all(self.charts) else []
        problems += ["th without scope"] if not all(self.scopes) else []
        problems += ["table without caption"] if len(self.captions) != len(self.tables) else []
        problems += [f"id {each} twice" for each in set(self.ids) if self.ids.count(each) > 1]
        problems += [f"link without target: {a}" for a in self.links
                     if a.startswith("#") and a[1:] not in self.ids]  # fmt: skip
        problems += [f"needs network: {a}" for a in self.links if "://" in a or a.startswith("//")]
        missing = {"header", "nav", "main", "footer"} - set(self.landmarks)
        return problems + [f"no {each}" for each in sorted(missing)]
