"""The tree against the published examples of certificate transparency, against pymerkle, and by its properties."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from desktop_app.domain.audit import merkle_root
from desktop_app.trust.log import Tree, consistency_proof, consistent, included, inclusion_proof, leaf_hash

# The reference tree of certificate transparency (RFC 6962's own tests: eight inputs, and the roots of 1 to 8 of them).
INPUTS = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
ROOTS = [bytes.fromhex(text) for text in (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")]
PATHS = {  # (leaf, size) from 1: the published audit paths
    (1, 8): ("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"),
    (6, 8): ("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
             "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
             "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (3, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (2, 5): ("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"),
}
CONSISTENT = {
    (1, 8): ("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"),
    (6, 8): ("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
             "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
             "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (2, 5): ("5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"),
}
LEAVES = [leaf_hash(data) for data in INPUTS]


def leaves(size):
    return [leaf_hash(n.to_bytes(4, "big")) for n in range(size)]


def unhex(path):
    return tuple(bytes.fromhex(node) for node in path)


def test_the_empty_tree():
    assert Tree().root() == hashlib.sha256(b"").digest() == merkle_root([])


def test_the_published_roots():
    tree = Tree()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        tree.append(leaf)
        assert tree.root() == root


@pytest.mark.parametrize(("leaf", "size"), PATHS)
def test_the_published_inclusion_proofs(leaf, size):
    proof = inclusion_proof(LEAVES, leaf - 1, size)
    assert proof == unhex(PATHS[leaf, size])
    assert included(LEAVES[leaf - 1], leaf - 1, size, proof, ROOTS[size - 1])


@pytest.mark.parametrize(("first", "second"), CONSISTENT)
def test_the_published_consistency_proofs(first, second):
    proof = consistency_proof(LEAVES, first, second)
    assert proof == unhex(CONSISTENT[first, second])
    assert consistent(first, ROOTS[first - 1], second, ROOTS[second - 1], proof)


def oracle(size):
    """A tree of somebody else's making over the same data."""
    tree = InmemoryTree(algorithm="sha256")
    for n in range(size):
        tree.append_entry(n.to_bytes(4, "big"))
    return tree


@pytest.mark.parametrize("seed", range(40))
def test_roots_and_proofs_are_those_of_another_library(seed):
    chance = random.Random(seed)
    size = chance.randint(2, 1 << chance.randint(2, 9))
    theirs, ours = oracle(size), leaves(size)
    index, first = chance.randrange(size), chance.randint(1, size)
    assert Tree().extend(ours).root() == theirs.get_root()
    assert Tree().extend(ours[:first]).root() == theirs.get_root(first)
    path = theirs.prove_inclusion(index + 1, size).serialize()["path"]
    assert [node.hex() for node in inclusion_proof(ours, index, size)] == path[1:]  # theirs begins with the leaf
    proof = consistency_proof(ours, first, size)
    assert consistent(first, theirs.get_root(first), size, theirs.get_root(size), proof)


@given(st.integers(0, 5000), st.integers(0, 3000))
def test_a_tree_that_is_extended_is_the_tree_over_all(first, more):
    every = leaves(first + more)
    tree = Tree().extend(every[:first])
    kept = Tree(tree.size, list(tree.peaks))
    assert tree.extend(iter(every[first:])).root() == merkle_root(every)
    assert (kept.size, kept.root()) == (first, merkle_root(every[:first]))
    assert len(tree.peaks) == (first + more).bit_count()


@given(st.data())
def test_a_proof_shows_one_leaf_at_one_place_and_nothing_else(data):
    size = data.draw(st.integers(1, 200))
    index = data.draw(st.integers(0, size - 1))
    every = leaves(size)
    root, proof = merkle_root(every), inclusion_proof(every, index, size)
    assert len(proof) <= size.bit_length()
    assert included(every[index], index, size, proof, root)
    assert not included(every[index], index + 1, size, proof, root)
    assert not included(leaf_hash(b"forged"), index, size, proof, root)
    assert not included(every[index], index, size, (*proof, bytes(32)), root)
    assert not included(every[index], index, size, proof, bytes(32))
    if proof:
        assert not included(every[index], index, size, proof[:-1], root)
        at = data.draw(st.integers(0, len(proof) - 1))
        assert not included(every[index], index, size, (*proof[:at], bytes(32), *proof[at + 1:]), root)


@given(st.data())
def test_a_tree_that_was_rewritten_is_consistent_with_no_proof(data):
    second = data.draw(st.integers(1, 200))
    first = data.draw(st.integers(0, second))
    every = leaves(second)
    old, new, proof = merkle_root(every[:first]), merkle_root(every), consistency_proof(every, first, second)
    assert consistent(first, old, second, new, proof)
    assert not consistent(first, old, second, new, (*proof, bytes(32)))
    if first:
        changed = data.draw(st.integers(0, first - 1))
        forged = [*every[:changed], leaf_hash(b"forged"), *every[changed + 1:]]
        assert not consistent(first, old, second, merkle_root(forged), consistency_proof(forged, first, second))
    if proof:
        assert not consistent(first, old, second, new, proof[:-1])
        assert not consistent(first, bytes(32), second, new, proof)
        assert not consistent(first, old, second, bytes(32), proof)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, 9)])
def test_there_is_no_proof_of_what_is_not_there(index, size):
    with pytest.raises(ValueError):
        inclusion_proof(LEAVES, index, size)
    assert not included(LEAVES[0], index, size, (), LEAVES[0])


@pytest.mark.parametrize(("first", "second"), [(-1, 3), (4, 3), (3, 9), (8, 12)])
def test_there_is_no_proof_between_trees_that_are_not_there(first, second):
    with pytest.raises(ValueError):
        consistency_proof(LEAVES, first, second)
    assert not consistent(first, bytes(32), second, bytes(32), ())
