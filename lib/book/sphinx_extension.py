"""The book's own Sphinx extension."""

from lib.book import sharing


def _without_repeats(app, pagename, templatename, context, doctree):
    """Jupyter Book emits sphinx-thebe's scripts twice, which is an error on every page."""
    unique = {}
    for script in context.get("script_files", []):
        unique.setdefault((str(script.filename or ""), script.attributes.get("body")), script)
    context["script_files"] = list(unique.values())


def setup(app):
    """Sphinx's entry point."""
    app.connect("config-inited", sharing.complete)
    app.connect("html-page-context", _without_repeats, priority=1000)
    app.connect("html-page-context", sharing.add_tags, priority=900)
    app.connect("build-finished", sharing.write_sitemap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
