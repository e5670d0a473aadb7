"""The Merkle tree over the entries of the log (RFC 9162 §2.1): roots while reading, proofs, and their checking.

A leaf is SHA-256(0x00 ‖ message of an entry), a node SHA-256(0x01 ‖ left ‖ right) (security.md §1.4). Leaves are read
once and in order; what is kept of them is the roots of a few whole subtrees. No I/O.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from desktop_app.domain.audit import FRAME, chain_hash, merkle_root

_BLOCK = 1024  # leaves that are hashed together, where as many come at once


def leaf_hash(framed: bytes) -> bytes:
    """The leaf of an entry, from its message (`domain.audit.message`)."""
    return hashlib.sha256(b"\x00" + framed).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass
class Tree:
    """The tree over the first `size` leaves, as a compact range.

    peaks: the roots of its whole subtrees from left to right, one for each bit of `size`, the largest first.
    """

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> None:
        """One leaf hash more."""
        self._push(leaf, 0)

    def extend(self, leaves: Iterable[bytes]) -> Tree:
        """Many leaf hashes more; returns the tree itself."""
        for block in _blocks(leaves, self.size):
            if len(block) == _BLOCK:
                self._push(merkle_root(block), _BLOCK.bit_length() - 1)
            else:
                for leaf in block:
                    self._push(leaf, 0)
        return self

    def _push(self, root: bytes, level: int) -> None:
        whole = self.size >> level
        while whole & 1:
            root, whole = _node(self.peaks.pop(), root), whole >> 1
        self.peaks.append(root)
        self.size += 1 << level

    def root(self) -> bytes:
        """The root; SHA-256 of nothing when there are no leaves."""
        if not self.peaks:
            return merkle_root([])
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = _node(peak, root)
        return root



def _blocks(leaves: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    left = iter(leaves)
    if (odd := -size % _BLOCK) and (first := list(islice(left, odd))):
        yield first
    while block := list(islice(left, _BLOCK)):
        yield block


# ---- the log as it is stored

Row = tuple[int, str, str, str, str, str, str]  # seq, at, user, command, body, prev, hash


class Broken(Exception):
    """The log does not go on as it must, at entry `seq`."""

    def __init__(self, seq: int, sentence: str) -> None:
        super().__init__(sentence)
        self.seq = seq


def framed(row: Row) -> bytes:
    """The message of an entry (`domain.audit.message`), from its stored text."""
    seq, at, user, command, body, _, _ = row
    return f"{FRAME}\n{seq}\n{at}\n{user}\n{command}\n{body}".encode()


def fits(row: Row) -> bool:
    """Whether the content of an entry is what its hash says."""
    try:
        return chain_hash(bytes.fromhex(row[5]), framed(row)).hex() == row[6]
    except ValueError:
        return False


def follow(tree: Tree, head: str, rows: Iterable[Row]) -> str:
    """Go on from the last hash of the log over the rows that come next: chain and tree, over the stored text.

    Returns the new last hash. Raises Broken at the first row that does not follow; `tree` is then of no use.
    """
    left, before, sha256 = iter(rows), bytes.fromhex(head), hashlib.sha256
    while block := list(islice(left, _BLOCK - tree.size % _BLOCK)):
        leaves, seq = [], tree.size
        for number, at, user, command, body, prev, found in block:  # `framed` and `chain_hash`, written out: a hot loop
            seq += 1
            message = f"{FRAME}\n{number}\n{at}\n{user}\n{command}\n{body}".encode()
            before = sha256(b"\x02" + before + message).digest()
            if number != seq:
                raise Broken(seq, f"entry {seq:,} is missing")
            if before.hex() != found or prev != head:
                raise Broken(seq, f"entry {seq:,} does not continue the entry before it, or was edited")
            leaves.append(sha256(b"\x00" + message).digest())
            head = found
        tree.extend(leaves)
    return head


# ---- proofs


def inclusion_proof(leaves: Iterable[bytes], index: int, size: int) -> tuple[bytes, ...]:
    """That leaf `index` (from 0) is in the tree over the first `size` leaves (RFC 9162 §2.1.3.1).

    The nodes from the leaf's sibling upwards. Raises ValueError when the leaves end too early.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    return _roots(leaves, _path(index, range(size)))


def consistency_proof(leaves: Iterable[bytes], first: int, second: int) -> tuple[bytes, ...]:
    """That the tree over the first `second` leaves begins with the one over the first `first` (§2.1.4.1).

    Raises ValueError when the leaves end too early.
    """
    if not 0 <= first <= second:
        raise ValueError("no such tree")
    return _roots(leaves, _subproof(first, range(second), whole=True) if 0 < first < second else [])


def _split(leaves: range) -> tuple[range, range]:
    """At the largest power of two below their number."""
    middle = leaves.start + (1 << (len(leaves) - 1).bit_length() - 1)
    return range(leaves.start, middle), range(middle, leaves.stop)


def _path(index: int, leaves: range) -> list[range]:
    if len(leaves) == 1:
        return []
    left, right = _split(leaves)
    return [*_path(index, left), right] if index in left else [*_path(index, right), left]


def _subproof(first: int, leaves: range, *, whole: bool) -> list[range]:
    """whole: the subtree is known to who checks, as it is all of the first tree."""
    if first == leaves.stop:
        return [] if whole else [leaves]
    left, right = _split(leaves)
    if first <= left.stop:
        return [*_subproof(first, left, whole=whole), right]
    return [*_subproof(first, right, whole=False), left]


def _roots(leaves: Iterable[bytes], subtrees: Sequence[range]) -> tuple[bytes, ...]:
    found, left, at = {}, iter(leaves), 0
    for subtree in sorted(subtrees, key=lambda s: s.start):
        for _ in islice(left, subtree.start - at):
            pass
        tree = Tree().extend(islice(left, len(subtree)))
        if tree.size != len(subtree):
            raise ValueError("the leaves end too early")
        found[subtree], at = tree.root(), subtree.stop
    return tuple(found[subtree] for subtree in subtrees)


# ---- checking them


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a proof shows that a leaf hash is at `index` of the tree of `size` leaves with this root (§2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for node in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = _node(node, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = _node(found, node)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistent(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the second tree begins with the first (§2.1.4.2)."""
    if not 0 <= first <= second:
        return False
    if first in (0, second):
        same = first_root == (second_root if first == second else merkle_root([]))
        return same and not proof
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = _node(node, old), _node(node, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = _node(new, node)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root
