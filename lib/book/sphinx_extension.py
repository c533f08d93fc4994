"""A Sphinx extension: the explorer and links to its views; mends faults of the tools' pages."""

from urllib.parse import parse_qsl

from docutils import nodes
from sphinx.util.docutils import ReferenceRole, SphinxDirective

from lib import explorer


class Explorer(SphinxDirective):
    """Puts the explorer of `lib.explorer` on a page."""

    def run(self):
        return [nodes.raw("", explorer.html(), format="html")]


class Explore(ReferenceRole):
    """A link to a view of the explorer: {explore}`the text <n_x=4&architecture=split>`."""

    def run(self):
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


FAULTS = (  # a name that is not what is seen, an odd list, a box that scrolls but takes no focus
    ('<summary aria-label="Toggle hidden content">', "<summary>"),
    ('role="doc-biblioentry"', 'role="listitem"'),
    (
        '<div class="pst-scrollable-table-container"',
        '<div tabindex="0" class="pst-scrollable-table-container"',
    ),
)


def _accessible(app, pagename, templatename, context, doctree):
    for fault, cure in FAULTS:
        context["body"] = context.get("body", "").replace(fault, cure)


def _without_repeats(app, pagename, templatename, context, doctree):
    """Jupyter Book emits sphinx-thebe's scripts twice, an error on every page."""
    unique = {}
    for script in context.get("script_files", []):
        unique.setdefault((str(script.filename or ""), script.attributes.get("body")), script)
    context["script_files"] = list(unique.values())


def setup(app):
    """Sphinx's entry point."""
    app.add_directive("explorer", Explorer)
    app.add_role("explore", Explore())
    app.connect("html-page-context", _accessible)
    app.connect("html-page-context", _without_repeats, priority=1000)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
