"""A Sphinx extension for numbers: those of chapters, and the anchors of checked ones.

"Chapter 4" in the text is a link whose number is the chapter's own, whatever the author wrote as
{ref}`chapter 4 <coupling>`: a chapter that is moved or put in between renumbers them all. A link to a
page by its title, {doc}`chapters/04_coupling`, begins with the number as the title does. The report's
{checked}`datasets.asymptote` is the anchor to which {tested}`datasets.asymptote` links from anywhere.
"""

import re
from typing import cast

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import docname_join
from sphinx.util.docutils import SphinxRole
from sphinx.util.nodes import make_refnode

NUMBERED = re.compile(r"(?P<before>(?:chapters?\s+)?)(?P<number>\d+)(?P<after>(?:'s|’s)?)", re.IGNORECASE)


class ChapterLinks(SphinxPostTransform):
    """References to whole chapters: a number is the one in force, with the title on hover; a title is numbered."""

    default_priority = 5  # before Sphinx resolves references

    def run(self, **options: object) -> None:
        known = standard(self.env).labels
        for node in list(self.document.findall(addnodes.pending_xref)):
            if node.get("reftype") == "doc":
                self.number_title(node)
                continue
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

    def number_title(self, node: addnodes.pending_xref) -> None:
        """Put the number of a chapter before its title, where that is the text of a link to it."""
        page = docname_join(node.get("refdoc", self.env.docname), node["reftarget"])
        if not node.get("refexplicit") and (number := number_of(self.env, page)):
            text = f"{number}.\u00a0{self.env.titles[page].astext()}"
            node["refexplicit"] = True
            node.children = [nodes.inline(text, text, classes=["doc"])]


class Checked(SphinxRole):
    """The name of a checked number where it stands in the report: an anchor of its own."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        name = self.text.split(".")[1]
        literal = nodes.literal(name, name, ids=[anchor(self.text)], classes=["checked-number"])
        place = anchor(self.text)
        standard(self.env).note_hyperlink_target(place, self.env.docname, place, name)
        return [literal], []


class Tested(SphinxRole):
    """The name of a checked number, with a link to its row in the report where the book has one."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        name = self.text.split(".")[1]
        literal = nodes.literal(name, name)
        if "report" not in self.env.found_docs:  # a chapter built by itself
            return [literal], []
        how = dict(
            refdomain="std", reftype="ref", reftarget=anchor(self.text), refexplicit=True, refwarn=True
        )
        return [addnodes.pending_xref("", literal, refdoc=self.env.docname, **how)], []


def standard(env: BuildEnvironment) -> StandardDomain:
    """Where Sphinx keeps labels and anchors."""
    return cast(StandardDomain, env.get_domain("std"))


def anchor(number: str) -> str:
    """The anchor of a number, ``datasets.asymptote``, in the report."""
    return "number-" + nodes.make_id(number.replace("_", "-").replace(".", "-"))


def number_of(env: BuildEnvironment, page: str) -> str:
    """The number of a chapter as its title shows it; empty for a page without one."""
    return ".".join(map(str, env.toc_secnumbers.get(page, {}).get("", ())))


def named(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """A heading that is a link to a chapter has its title in the contents too, where Sphinx leaves the file's name."""
    for contents in env.tocs.values():
        for text in list(contents.findall(nodes.Text)):
            if (page := str(text)) in env.titles and "/" in page:
                number = number_of(env, page)
                text.parent.replace(
                    text, nodes.Text((f"{number}. " if number else "") + env.titles[page].astext())
                )
    return []


def from_one(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Sphinx counts what stands in pages without a number through them all: here each begins anew."""
    for page, kinds in env.toc_fignumbers.items():
        numbers = kinds.get("exercise", {})
        if numbers and not number_of(env, page):
            first = min(number[0] for number in numbers.values())
            kinds["exercise"] = {name: (number[0] - first + 1,) for name, number in numbers.items()}
    return []  # no page to write anew


def setup(app: Sphinx) -> dict:
    """Sphinx's entry point."""
    app.add_post_transform(ChapterLinks)
    app.connect("env-get-updated", from_one, priority=900)  # after Sphinx has counted
    app.connect("env-get-updated", named, priority=901)
    app.add_role("checked", Checked())
    app.add_role("tested", Tested())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
