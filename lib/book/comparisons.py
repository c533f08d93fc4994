"""Comparisons with the ledger, told apart from the code that computes: they are shown below it, folded."""

import ast
import re

COMPARES = re.compile(r"ledger\.(check|report)\(")


def apart(cell: dict) -> list[dict]:
    """A cell that computes and compares as two: the argument with its output, and below it the comparisons."""
    source = cell["source"]
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # a cell with a magic
        return [cell]
    lines = source.splitlines()
    places = moved(statements)
    compared = {
        number
        for place in places
        for number in range(statements[place].lineno - 1, statements[place].end_lineno or 0)
    }
    if not compared:
        return [cell]
    argument = "\n".join(line for number, line in enumerate(lines) if number not in compared)
    checks = cell | {
        "id": f"{cell['id']}-checks",
        "metadata": {},
        "outputs": [],
        "source": "\n".join(lines[number] for number in sorted(compared)),
    }
    return [cell | {"source": re.sub(r"\n{3,}", "\n\n", argument).strip("\n")}, checks]


def moved(statements: list[ast.stmt]) -> list[int]:
    """The places of the comparisons that may stand last: what stays needs nothing of them, and changes nothing that
    they read.
    """
    places: list[int] = []
    for place in reversed(range(len(statements))):
        one = statements[place]
        stays = [s for later, s in enumerate(statements) if later > place and later not in places]
        given, read = stored(one), loaded(one) - stored(one)
        if compares(one) and not any(given & needed(s) or read & stored(s) for s in stays):
            places.append(place)
    return sorted(places)


def compares(statement: ast.stmt) -> bool:
    """Whether a statement only compares numbers with what was expected: a call of the ledger, or a loop of them."""
    if isinstance(statement, ast.For):
        kinds = [compares(s) or only_names(s) for s in statement.body]
        return all(kinds) and any(map(compares, statement.body))
    return isinstance(statement, ast.Expr) and bool(COMPARES.match(ast.unparse(statement)))


def only_names(statement: ast.stmt) -> bool:
    """Whether a statement gives names a value, and changes nothing that there is."""
    return isinstance(statement, ast.Assign) and not any(
        isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)
        for node in ast.walk(statement)
    )


def loaded(statement: ast.stmt) -> set[str]:
    """The names that a statement reads."""
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def stored(statement: ast.stmt) -> set[str]:
    """The names that a statement gives a value, or whose value it changes: rows[0] = 1, rows.append(1)."""
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found |= {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            owner = node.value.func
            if isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name):
                found.add(owner.value.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
    inner = (n for c in ast.walk(statement) if isinstance(c, ast.comprehension) for n in ast.walk(c.target))
    return found - {n.id for n in inner if isinstance(n, ast.Name)} - {"ledger"}


def needed(statement: ast.stmt) -> set[str]:
    """The names that a statement needs from before; a loop gives its own ones their values itself."""
    return loaded(statement) - (stored(statement) if isinstance(statement, ast.For) else set())
