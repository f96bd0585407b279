"""HTML and SVG as text: what is not marked up already is escaped."""

import html
from collections.abc import Iterable


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """An element. `class_` is class, underscores in names are hyphens; None and False leave an attribute out.

    Example:
        >>> tag("p", "1 < 2 ", tag("b", "yes"), class_="note", hidden=True, title=None)
        '<p class="note" hidden>1 &lt; 2 <b>yes</b></p>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    return Markup(f"<{name}{written}>{joined(children)}</{name}>")


def empty(name: str, **attributes: object) -> Markup:
    """An element that has no content, such as img or a circle."""
    return Markup(tag(name, **attributes).removesuffix(f"></{name}>") + "/>")


def joined(children: Iterable[object]) -> Markup:
    return Markup("".join(child if isinstance(child, Markup) else html.escape(str(child)) for child in children))


def coded(text: str) -> Markup:
    """Text in which what stands between backticks is code.

    Example:
        >>> coded("run `a < b`.")
        'run <code>a &lt; b</code>.'
    """
    return joined(tag("code", part) if number % 2 else part for number, part in enumerate(text.split("`")))


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    if isinstance(value, bool):
        return f" {name}" if value else ""
    return f' {name}="{html.escape(str(value))}"'
