"""A Sphinx extension: "chapter 4" in the text is a link whose number is the chapter's own, whatever the author wrote.

A chapter that is moved or put in between renumbers them all: authors write {ref}`chapter 4 <coupling>`.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

NUMBERED = re.compile(r"(?P<before>(?:chapters?\s+)?)(?P<number>\d+)(?P<after>(?:'s|’s)?)", re.IGNORECASE)


class ChapterLinks(SphinxPostTransform):
    """Resolve references to whole chapters whose text is a number: the number in force, the title on hover."""

    default_priority = 5  # before Sphinx resolves references

    def run(self, **options) -> None:
        known = self.env.get_domain("std").labels
        for node in list(self.document.findall(addnodes.pending_xref)):
            words = NUMBERED.fullmatch(node.astext())
            if node.get("reftype") != "ref" or not node.get("refexplicit") or not words:
                continue
            page, label, title = known.get(node["reftarget"], ("", "", ""))
            number = number_of(self.env, page)
            if not number:
                continue
            text = words["before"] + number + words["after"]
            link = make_refnode(
                self.app.builder,
                self.env.docname,
                page,
                label,
                nodes.inline(text, text),
                f"{number}. {title}",
            )
            node.replace_self(link)


def number_of(env, page: str) -> str:
    """The number of a chapter as its title shows it; empty for a page without one."""
    return ".".join(map(str, env.toc_secnumbers.get(page, {}).get("", ())))


def setup(app: Sphinx) -> dict:
    """Sphinx's entry point."""
    app.add_post_transform(ChapterLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
