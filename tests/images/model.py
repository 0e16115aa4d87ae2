#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""model.py NCOMMITS DEPTH TREE_ADD - what treebench must print as its result.

A second implementation, in other words and another language, of the object formats in
images/treebench/store.h. It keeps no store and hashes everything again for each commit.
"""
import hashlib
import struct
import sys


def sha256(data):
    return hashlib.sha256(data).digest()


def number(n):
    return str(n).encode()


def add(tree, path, content):
    for step in path[:-1]:
        if not isinstance(tree.get(step), dict):
            tree[step] = {}
        tree = tree[step]
    tree[path[-1]] = content


def digest(thing):
    if isinstance(thing, bytes):
        return sha256(b"b" + thing)
    data = b"n" + struct.pack(">I", len(thing))
    for name in sorted(thing):
        kind = b"n" if isinstance(thing[name], dict) else b"b"
        data += kind + bytes([len(name)]) + name + digest(thing[name])
    return sha256(data)


def commit(tree, parents):
    return sha256(b"c" + digest(tree) + bytes([len(parents)]) + b"".join(parents)
                  + struct.pack(">Q", 0) + b"\x06author" + b"\x0ecommit message")


def result(ncommits, depth, tree_add):
    def add_all(tree, depth, content):
        for n in range(1, tree_add + 1):
            add(tree, [number(i) for i in range(depth)] + [number(n)], content)

    tree = {}
    for level in range(1, depth + 1):
        add_all(tree, level, b"init")
    head = commit(tree, [])
    for i in range(1, ncommits + 1):
        add_all(tree, depth, number(i))
        head = commit(tree, [head])
    return head.hex()


print(result(*map(int, sys.argv[1:])))
