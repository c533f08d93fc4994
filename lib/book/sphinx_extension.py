"""A Sphinx extension: the explorer, figures that move, links to views; mends faults of the tools' pages."""

import re
from urllib.parse import parse_qsl

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import ReferenceRole, SphinxDirective

from lib import explorer
from lib.explorer import moving


class Explorer(SphinxDirective):
    """Puts the explorer of `lib.explorer` on a page."""

    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", explorer.html(), format="html")]


class Explore(ReferenceRole):
    """A link to a view of the explorer: {explore}`the text <n_x=4&architecture=split>`."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        known = explorer.settings()
        names = [name for name, _ in parse_qsl(self.target, strict_parsing=True)]
        if unknown := [name for name in names if name not in known["sliders"] | known["choices"]]:
            message = self.inliner.reporter.warning(
                f"the explorer has no parameter {', '.join(unknown)}", line=self.lineno
            )
            return [], [message]
        if "explorer" not in self.env.found_docs:  # a chapter built by itself
            return [nodes.inline("", self.title)], []
        page = self.env.app.builder.get_relative_uri(self.env.docname, "explorer")
        return [nodes.reference("", self.title, refuri=f"{page}#{self.target}", internal=True)], []


def find_scripts(app: Sphinx, config: Config) -> None:
    """Publish the scripts of lib.explorer; a page gets them only if it needs them."""
    config.html_static_path.append(str(explorer.STATIC))


def add_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Load the engine on pages that have something to move."""
    body = context.get("body", "")
    for mark, script in (('id="explorer-root"', "explorer.js"), ('class="moving"', "moving.js")):
        if mark in body:
            app.add_css_file("explorer.css")
            for name in (*explorer.ENGINE, script):
                app.add_js_file(name, loading_method="defer")


def set_moving(app: Sphinx, doctree: nodes.document) -> None:
    """Under each figure that has a moving counterpart, put it."""
    for figure in list(doctree.findall(nodes.figure)):
        for label in {*figure["names"], *figure["ids"]} & set(moving.FIGURES):
            place = figure.parent.index(figure) + 1
            figure.parent.insert(place, nodes.raw("", moving.html(label), format="html"))


FAULTS = (  # a name that is not what is seen, an odd list, a box that scrolls but takes no focus
    ('<summary aria-label="Toggle hidden content">', "<summary>"),
    ('role="doc-biblioentry"', 'role="listitem"'),
    (
        '<div class="pst-scrollable-table-container"',
        '<div tabindex="0" class="pst-scrollable-table-container"',
    ),
)


def _accessible(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    for fault, cure in FAULTS:
        context["body"] = context.get("body", "").replace(fault, cure)


UNREAD = {  # scripts and style sheets that the tools put on every page, and the mark of a page that they serve
    "thebe": "thebe-launch",
    "toggle(?:button|Hint|Open)": 'class="[^"]*(?:toggle|dropdown)',
    "design-tabs": "sd-tab-set",
}


def _only_what_is_read(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Leave out what serves no part of the page, and what Jupyter Book emits a second time."""
    body = context.get("body", "")
    idle = [name for name, mark in UNREAD.items() if not re.search(mark, body)]
    for kind in ("script_files", "css_files"):
        unique = {
            f"{file.filename or ''} {file.attributes.get('body') or ''}": file
            for file in context.get(kind, [])
        }
        context[kind] = [
            file for told, file in unique.items() if not any(re.search(name, told) for name in idle)
        ]


def _one_page_too(app: Sphinx) -> None:
    """What is known to write for pages is known for one page: some extensions name it apart, and hide the others."""
    known = app.registry.translation_handlers
    known["singlehtml"] = known.get("html", {}) | known.get("singlehtml", {})


def setup(app: Sphinx) -> dict:
    """Sphinx's entry point."""
    app.setup_extension("lib.book.numbering")  # whose roles the generated pages use
    app.add_directive("explorer", Explorer)
    app.add_role("explore", Explore())
    app.connect("config-inited", find_scripts, priority=900)  # after those that load all there are
    app.connect("doctree-read", set_moving)
    app.connect("builder-inited", _one_page_too)
    app.connect("html-page-context", add_scripts)
    app.connect("html-page-context", _accessible)
    app.connect("html-page-context", _only_what_is_read, priority=1000)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
