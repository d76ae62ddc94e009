"""Colours of an interactive page: light or dark, as the reader's system asks for."""

from matplotlib.colors import Colormap, LinearSegmentedColormap

# Zero charge has the colour of the page; sizes are seen by their brightness.
DARK_CHARGE: Colormap = LinearSegmentedColormap.from_list(
    "charge on dark", ["#d3ecff", "#2f8fe8", "#16181b", "#e8602c", "#ffe0b8"]
)
# Colours by name, of a light and of a dark page: those of roilab.report.
SCHEMES = {
    "light": {"text": "#1a1c1f", "back": "#ffffff", "line": "#c3c8ce", "wave": "#0072b2"},
    "dark": {"text": "#e8eaed", "back": "#16181b", "line": "#4a5058", "wave": "#4aa8ff"},
}


def _variables(name: str) -> str:
    return " ".join(f"--{part}: {colour};" for part, colour in SCHEMES[name].items())


HEAD = f"""<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; {_variables("light")} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables("dark")} }} }}
:root {{ --bokeh-icon-color: var(--text); --bokeh-icon-color-disabled: var(--line); }}
body {{ color: var(--text); background: var(--back); }}
h1 {{ font: bold 1.1rem sans-serif; margin: 0.4rem; overflow-wrap: anywhere; }}
</style>"""
# Inside of every widget, which the style of the page does not reach except by variables.
WIDGETS = """
:host { color: var(--text); }
.bk-input, .bk-btn.bk-btn-default { color: var(--text); background-color: var(--back);
  border-color: var(--line); }
.bk-btn.bk-btn-default.bk-active { background-color: var(--line); }
.bk-btn.bk-btn-default:hover { border-color: var(--text); }
option { color: var(--text); background-color: var(--back); }
select.bk-input:not([multiple]) { background-image: url("data:image/svg+xml;utf8,<svg \
viewBox='0 0 25 20' xmlns='http://www.w3.org/2000/svg'><path d='M 0,0 25,0 12.5,20 Z' \
fill='gray'/></svg>"); }
.noUi-target { background: var(--line); border-color: var(--line); }
.noUi-handle { background: var(--back); border-color: var(--text); }
"""
