"""A Sphinx extension: Jupyter Book emits sphinx-thebe's scripts twice, an error on every page."""


def _without_repeats(app, pagename, templatename, context, doctree):
    unique = {}
    for script in context.get("script_files", []):
        unique.setdefault((str(script.filename or ""), script.attributes.get("body")), script)
    context["script_files"] = list(unique.values())


def setup(app):
    """Sphinx's entry point."""
    app.connect("html-page-context", _without_repeats, priority=1000)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
