#!/usr/bin/env python3
"""Reads the C sources against the house rules that no compiler or clang-tidy 14 checks.

    check_house.py ROOT          prints each break and the measures, exit 1 if there is a break
    check_house.py --self-test   plants one break of each kind and looks for it

The sources are formatted by clang-format, which is what makes the simple reader below enough: a
brace in column 0 opens or closes a function, and nothing else does so after a ')'.
"""
import re
import statistics
import sys
import tempfile
from pathlib import Path

FUNCTION_LINES_MAX = 70
FUNCTION_MEDIAN_MAX = 15
FILE_LINES_MAX = 700
PARAMETERS_MAX = 6

# Callbacks whose parameters another library has fixed.
FOREIGN_FORMS = {("src/rocks/rocks_filter.c", "judge")}

PRODUCT = ("include", "src", "s3", "hdfs")
ALL = PRODUCT + ("tests", "bench", "examples")
ALLOC_HOME = "src/base/alloc.c"
# The list of banned names as compile errors, which has to spell them.
BANNED_HOME = "src/base/banned.h"

# Everywhere, tests too: these can't be used right, or hide what runs.
BANNED = ("strcpy strcat sprintf vsprintf gets strtok atoi atol strncpy strncat alloca mktemp tmpnam "
          "tempnam system popen localtime gmtime asctime ctime rand srand").split()
# In the product: all memory passes through src/base/alloc.c, where a test can make it fail.
HEAP = "malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf aligned_alloc".split()
# In the product: change or read what other threads share.
PROCESS = "setenv putenv unsetenv".split()

LEFT_OPEN = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def calls(names):
    return re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")


BANNED_CALL, HEAP_CALL, PROCESS_CALL = calls(BANNED), calls(HEAP), calls(PROCESS)


def blank(match):
    """Text of the same lines without anything in them."""
    return re.sub(r"[^\n]", " ", match.group())


def functions(code):
    """(line, name, lines, parameters) of each function body in text without comments, strings."""
    lines = code.split("\n")
    for start, line in enumerate(lines):
        if line != "{":
            continue
        first, head = head_before(lines, start)
        found = re.search(r"(\w+)\s*\(", re.sub(r"__attribute__\s*\(\(.*?\)\)", "", head))
        if not found or "=" in head:
            continue
        end = next(i for i in range(start, len(lines)) if lines[i].startswith("}"))
        yield first + 1, found.group(1), end - first + 1, parameters(head, found.end())


def head_before(lines, brace):
    """(first line, text) of the declarator that ends right before the brace."""
    first = brace
    while first > 0 and lines[first - 1].strip() and not re.search(r"[;}]\s*$|^#", lines[first - 1]):
        first -= 1
    return first, "\n".join(lines[first:brace])


def parameters(head, start):
    """Commas of the parameter list at depth 0, plus one; (void) is none."""
    depth, count, text = 0, 1, ""
    for char in head[start:]:
        if char == ")" and depth == 0:
            break
        depth += {"(": 1, ")": -1}.get(char, 0)
        count += char == "," and depth == 0
        text += char
    return 0 if text.strip() in ("", "void") else count


def each_match(pattern, code, text):
    for found in pattern.finditer(code):
        yield code.count("\n", 0, found.start()) + 1, text.format(found.group(1))


def check_calls(name, code, product):
    if name == BANNED_HOME:
        return
    yield from each_match(BANNED_CALL, code, "{} is banned")
    yield from each_match(re.compile(r"\b(goto)\b"), code, "{} is banned")
    if product:
        yield from each_match(PROCESS_CALL, code, "{} in the library is banned")
    if product and name != ALLOC_HOME:
        yield from each_match(HEAP_CALL, code, "{} outside " + ALLOC_HOME)


def check_file(name, text):
    """([(line, what)], [function lengths])"""
    code = NOT_CODE.sub(blank, text)
    product = name.split("/")[0] in PRODUCT
    found = list(check_calls(name, code, product))
    found += each_match(LEFT_OPEN, text, "{}: finish it or leave it out")
    length = text.count("\n")
    if length > FILE_LINES_MAX:
        found.append((length, f"{length} lines, at most {FILE_LINES_MAX}"))
    lengths = []
    for line, function, size, count in functions(code):
        lengths.append(size)
        if size > FUNCTION_LINES_MAX:
            found.append((line, f"{function} has {size} lines, at most {FUNCTION_LINES_MAX}"))
        if count > PARAMETERS_MAX and (name, function) not in FOREIGN_FORMS:
            found.append((line, f"{function} has {count} parameters, at most {PARAMETERS_MAX}"))
    return found, lengths


def sources(root, folders):
    for folder in folders:
        yield from sorted(p for p in (root / folder).rglob("*") if p.suffix in (".c", ".h"))


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def check(root):
    """(breaks, a line of measures)"""
    found, lengths, files = [], [], 0
    for path in sources(root, ALL):
        name = path.relative_to(root).as_posix()
        breaks, sizes = check_file(name, path.read_text(encoding="utf-8"))
        found += [f"{name}:{line}: {what}" for line, what in breaks]
        if name.split("/")[0] in PRODUCT:
            lengths += sizes
            files += 1
    if not lengths:
        return found + [f"no functions under {root}"], ""
    median = statistics.median(lengths)
    if median > FUNCTION_MEDIAN_MAX:
        found.append(f"median function length {median}, at most {FUNCTION_MEDIAN_MAX}")
    return found, (f"product: {files} files, {len(lengths)} functions, lines of a function: "
                   f"median {median}, 95 % {percentile(lengths, 95)}, longest {max(lengths)}")


def body(lines, head="static int f(void)"):
    return head + "\n{\n" + "    x();\n" * (lines - 3) + "}\n"


# Each: title, file, text, what the one break found must say ("" for none).
CASES = [
    ("a function of 70 lines", "src/a/a.c", body(70), ""),
    ("a function of 71 lines", "src/a/a.c", body(71), "f has 71 lines"),
    ("a long function in a test", "tests/unit/a.c", body(71), "f has 71 lines"),
    ("a function whose head has two lines", "src/a/a.c",
     body(70, "static int long_head(int a,\n    int b)"), "long_head has 71 lines"),
    ("a table is no function", "src/a/a.c", "static const int t[] =\n{\n" + "1,\n" * 90 + "};\n", ""),
    ("a file of 701 lines", "src/a/a.c", "int x;\n" * 701, "701 lines"),
    ("seven parameters", "src/a/a.c", body(4, "int f(int a, int b, int c, int d, int e, int g, int h)"),
     "7 parameters"),
    ("six, one a function with two", "src/a/a.c",
     body(4, "int f(int a, int b, int c, int d, int e, int (*g)(int, int))"), ""),
    ("goto", "tests/unit/a.c", "int f(void)\n{\n    goto out;\n}\n", "goto is banned"),
    ("goto in a comment", "src/a/a.c", "/* no goto here, strcpy(a, b) neither */\n", ""),
    ("strcpy", "src/a/a.c", "int f(void)\n{\n    strcpy(a, b);\n}\n", "strcpy is banned"),
    ("a banned call in a string", "src/a/a.c", 'const char *s = "system(1)";\n', ""),
    ("a member of a banned name", "src/a/a.c", "int f(void)\n{\n    ops->free(a);\n}\n", ""),
    ("a longer name", "src/a/a.c", "int f(void)\n{\n    cairn_store_free(a);\n}\n", ""),
    ("malloc in the product", "src/a/a.c", "int f(void)\n{\n    malloc(1);\n}\n", "malloc outside"),
    ("malloc in a test", "tests/unit/a.c", "int f(void)\n{\n    malloc(1);\n}\n", ""),
    ("malloc at home", "src/base/alloc.c", "int f(void)\n{\n    malloc(1);\n}\n", ""),
    ("setenv", "src/a/a.c", "int f(void)\n{\n    setenv(a, b, 1);\n}\n", "setenv in the library"),
    ("work left open", "src/a/a.c", "/* TO" "DO: later */\n", "finish it"),
]


def self_test():
    failed = []
    for title, name, text, expected in CASES:
        found, _ = check_file(name, text)
        if len(found) != bool(expected) or not all(expected in what for _, what in found):
            failed.append(f"{title}: expected '{expected}', got {found}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "src/a/a.c")
        path.parent.mkdir(parents=True)
        path.write_text(body(16) + "\n" + body(16) + "\n" + body(3), encoding="utf-8")
        found, measures = check(Path(folder))
        if len(found) != 1 or "median function length 16" not in found[0]:
            failed.append(f"median: got {found}")
        if "3 functions" not in measures or "longest 16" not in measures:
            failed.append(f"measures: got {measures}")
    return failed


def main(argument):
    if argument == "--self-test":
        found, measures = self_test(), f"{len(CASES)} cases as expected"
    else:
        found, measures = check(Path(argument).resolve())
    print("\n".join(found + [measures]))
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
