"""Enough of the protobuf of ONNX to know a model, its operator domains, and whether it reads other files.

Field numbers are those of onnx.proto. Nothing is built; the walk stays inside the given bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_KNOWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_MOST_NODES = 2_000_000
_EXTERNAL = 1  # TensorProto.DataLocation.EXTERNAL


class NotOnnx(ValueError):
    """The bytes are no ONNX model."""


@dataclass(frozen=True)
class OnnxModel:
    """What the outside of a model says."""

    ir_version: int
    opsets: tuple[tuple[str, int], ...]
    foreign_domains: tuple[str, ...]
    external_data: bool


_Field = tuple[int, int, int | memoryview]  # number, wire type, value


def read(data: bytes) -> OnnxModel:
    """The model in these bytes. Raises NotOnnx."""
    fields = list(_fields(memoryview(data)))
    ir_version = next((v for n, w, v in fields if n == 1 and w == 0 and isinstance(v, int)), 0)
    graphs = [v for n, w, v in fields if n == 7 and w == 2 and isinstance(v, memoryview)]
    opsets = tuple(_opset(v) for n, w, v in fields if n == 8 and w == 2 and isinstance(v, memoryview))
    if not 1 <= ir_version <= 100 or len(graphs) != 1 or not opsets or any(n > 30 for n, _, _ in fields):
        raise NotOnnx("no ONNX model")
    domains, external = _walk(graphs[0])
    functions = [v for n, w, v in fields if n == 25 and w == 2 and isinstance(v, memoryview)]
    for function in functions:
        more, outside = _walk_messages(function, nodes=7, tensors=None)
        domains, external = domains | more, external or outside
    used = domains | {domain for domain, _ in opsets}
    return OnnxModel(ir_version, opsets, tuple(sorted(used - _KNOWN_DOMAINS)), external)


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise NotOnnx("a number is cut short")


def _fields(data: memoryview) -> Iterator[_Field]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if number == 0 or wire not in (0, 1, 2, 5):
            raise NotOnnx("no protobuf field")
        if wire == 0:
            value, at = _varint(data, at)
            yield number, wire, value
            continue
        size = 8 if wire == 1 else 4
        if wire == 2:
            size, at = _varint(data, at)
        if at + size > len(data):
            raise NotOnnx("a field is cut short")
        yield number, wire, data[at:at + size]
        at += size


def _text(value: int | memoryview) -> str:
    return bytes(value).decode("utf-8", "replace")[:200] if isinstance(value, memoryview) else ""


def _opset(data: memoryview) -> tuple[str, int]:
    domain, version = "", 0
    for number, _, value in _fields(data):
        if number == 1:
            domain = _text(value)
        elif number == 2 and isinstance(value, int):
            version = value
    return domain, version


def _walk(graph: memoryview) -> tuple[set[str], bool]:
    return _walk_messages(graph, nodes=1, tensors=5)


def _walk_messages(top: memoryview, nodes: int, tensors: int | None) -> tuple[set[str], bool]:
    """Operator domains, and whether a tensor has external data, in a graph or function and all graphs inside."""
    domains, external, seen = set[str](), False, 0
    todo: list[tuple[str, memoryview]] = []
    queue = [("graph", top, nodes, tensors)]
    while queue or todo:
        if queue:
            _, data, node_field, tensor_field = queue.pop()
            for number, wire, value in _fields(data):
                if wire == 2 and isinstance(value, memoryview):
                    if number == node_field:
                        todo.append(("node", value))
                    elif tensor_field is not None and number == tensor_field:
                        external |= _is_external(value)
            continue
        seen += 1
        if seen > _MOST_NODES:
            raise NotOnnx("more nodes than are walked")
        domain, inner, outside = _node(todo.pop()[1])
        domains.add(domain)
        external |= outside
        queue += [("graph", graph, 1, 5) for graph in inner]
    return domains, external


def _node(data: memoryview) -> tuple[str, list[memoryview], bool]:
    """The domain of a node, the graphs in its attributes, and whether one of its tensors is external."""
    domain, graphs, external = "", list[memoryview](), False
    for number, wire, value in _fields(data):
        if number == 7:
            domain = _text(value)
        elif number == 5 and wire == 2 and isinstance(value, memoryview):
            for inner, inner_wire, content in _fields(value):
                if inner_wire == 2 and isinstance(content, memoryview):
                    if inner in (6, 11):
                        graphs.append(content)
                    elif inner in (5, 10):
                        external |= _is_external(content)
    return domain, graphs, external


def _is_external(tensor: memoryview) -> bool:
    return any((number == 14 and value == _EXTERNAL) or number == 13 for number, _, value in _fields(tensor))
