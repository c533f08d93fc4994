"""A Sphinx extension: Jupyter Book emits sphinx-thebe's script twice, an error on every page."""


def _without_repeats(app, pagename, templatename, context, doctree):
    seen, scripts = set(), []
    for script in context.get("script_files", []):
        name = str(getattr(script, "filename", script))
        if "sphinx-thebe.js" not in name or name not in seen:
            scripts.append(script)
        seen.add(name)
    context["script_files"] = scripts


def setup(app):
    """Sphinx's entry point."""
    app.connect("html-page-context", _without_repeats, priority=1000)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
