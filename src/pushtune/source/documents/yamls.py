"""YAML: values with the places that PyYAML's own parser marks."""

from __future__ import annotations

import json
import re
from typing import Any

from pushtune.model.space import Value
from pushtune.source.documents.base import Leaf, Path

_EXPONENT = re.compile(r"^([-+]?\d+)(e[-+]?\d+)$")


class YamlFormat:
    """One YAML document without anchors, aliases, merges and tags of its own; others are declined."""

    def load(self, text: str) -> Any:
        """See ``Format``."""
        yaml = _yaml()
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from None

    def leaves(self, text: str) -> list[Leaf]:
        """See ``Format``."""
        yaml = _yaml()
        try:
            events = list(yaml.parse(text, Loader=yaml.SafeLoader))
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from None
        if any(getattr(event, "anchor", None) for event in events):
            raise ValueError("anchors: one value stands for several")
        found: list[Leaf] = []
        _collect(yaml, text, root, (), found)
        return found

    def written(self, value: Value, old: str) -> str:
        """See ``Format``."""
        quote = old[:1] if old[:1] in ("'", '"') else ""
        if isinstance(value, str):
            plain = value.isidentifier() and self.load(value) == value
            return f"{quote}{value}{quote}" if plain else json.dumps(value)
        text = json.dumps(value)
        # YAML 1.1 reads 1e-05 as a text: its floats have a point and a signed exponent.
        text = _EXPONENT.sub(r"\1.0\2", text)
        return f"{quote}{text}{quote}"


def _collect(yaml: Any, text: str, node: Any, path: Path, found: list[Leaf]) -> None:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) != len(node.value) or "<<" in keys:
            raise ValueError("a key stands twice, or is none, or merges")
        for key, value in node.value:
            _collect(
                yaml, text, value, (*path, yaml.safe_load(key.value) if _is_plain(key) else key.value), found
            )
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _collect(yaml, text, item, (*path, number), found)
    elif isinstance(node, yaml.ScalarNode) and node.style not in ("|", ">"):
        start, end = node.start_mark.index, node.end_mark.index
        piece = text[start:end]
        if piece and piece == piece.strip() and "\n" not in piece and "!" not in piece[:1]:
            found.append(Leaf(path, start, end, yaml.safe_load(piece)))


def _is_plain(key: Any) -> bool:
    return key.style is None


def _yaml() -> Any:
    # Loaded late: most scripts have no YAML beside them.
    import yaml  # noqa: PLC0415

    return yaml
