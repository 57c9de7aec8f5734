"""What the source says below each field of a struct: the text of schemas and of the configuration reference.

partitions: int = 8
\"\"\"Of every topic of the application.\"\"\"      ─►  {"partitions": "Of every topic of the application."}
"""

import ast
import inspect
import sys
from functools import lru_cache


def field_docs(struct: type) -> dict[str, str]:
    """The docstring of each field that has one, in order of the source; fields of bases are not included."""
    return _docs_of_module(struct.__module__).get(struct.__name__, {})


def class_doc(struct: type) -> str:
    """The docstring of a class, without its indentation."""
    return inspect.cleandoc(struct.__doc__ or "")


@lru_cache(maxsize=64)
def _docs_of_module(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: _docs_of_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _docs_of_class(node: ast.ClassDef) -> dict[str, str]:
    """A field's docstring is the text that stands right after it."""
    docs = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and (said := _text(text)):
            docs[field.target.id] = inspect.cleandoc(said)
    return docs


def _text(node: ast.stmt) -> str:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return node.value.value if is_text else ""  # type: ignore[attr-defined]
