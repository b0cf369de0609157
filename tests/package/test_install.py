#!/usr/bin/env python3
"""Installs the build to a scratch prefix and uses it as a stranger would: by pkg-config, by CMake,
each public header alone in C11 and C++17, the samples, the program in README.md. Looks at what the
binaries show of themselves: exported symbols, hardening, no path of this machine."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ["CAIRN_SOURCE_DIR"])
BUILD = Path(os.environ["CAIRN_BUILD_DIR"])
CC = os.environ["CAIRN_CC"]
CMAKE = os.environ["CAIRN_CMAKE"]
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-pedantic-errors", "-Werror"]
README_PROGRAM_LINES_MAX = 60


def run(*command, **options):
    """Standard output; a failure shows both outputs."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False,
                          **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        first, cls.prefix = Path(cls.scratch.name, "first"), Path(cls.scratch.name, "moved")
        run(CMAKE, "--install", BUILD, "--prefix", first)
        first.rename(cls.prefix)  # an installed tree works where it is put
        pc_folder = next(cls.prefix.rglob("cairn.pc")).parent
        cls.lib = pc_folder.parent
        cls.env = {**os.environ, "PKG_CONFIG_PATH": str(pc_folder), "LD_LIBRARY_PATH": str(cls.lib)}
        cls.flags = run("pkg-config", "--cflags", "--libs", "cairn", env=cls.env).split()
        cls.version = run("pkg-config", "--modversion", "cairn", env=cls.env).strip()

    def headers(self):
        return sorted((self.prefix / "include" / "cairn").glob("*.h"))

    def compile_in_both_languages(self, text):
        for compiler in ([CC, "-std=c11", "-x", "c"], ["c++", "-std=c++17", "-x", "c++"]):
            run(*compiler, *STRICT, "-fsyntax-only", f"-I{self.prefix}/include", "-", input=text)

    def test_each_header_stands_alone(self):
        self.assertTrue(self.headers())
        for header in self.headers():
            self.compile_in_both_languages(f"#include <cairn/{header.name}>\n")

    def test_each_init_macro_initialises_its_struct(self):
        text, names = "#include <cairn/cairn.h>\n", []
        for header in self.headers():
            names += re.findall(r"^#define CAIRN_(\w+)_INIT\b", header.read_text(), re.M)
        for name in names:
            kind = "cairn_" + name.lower()
            text += f"{kind} make_{kind}(void);\n"
            text += f"{kind} make_{kind}(void)\n{{\n"
            text += f"    {kind} value = CAIRN_{name}_INIT;\n    return value;\n}}\n"
        self.assertGreaterEqual(len(names), 7)
        self.compile_in_both_languages(text)

    def test_all_public_headers_are_installed(self):
        public = {p.name for p in (SOURCE / "include" / "cairn").glob("*.h")}
        self.assertEqual(public, {p.name for p in self.headers()})

    def test_a_program_builds_by_pkg_config(self):
        program = Path(self.scratch.name, "by-pkg-config")
        run(CC, "-std=c11", *STRICT, SOURCE / "tests/package/consumer/consumer.c", "-o", program,
            *self.flags)
        self.assertEqual(run(program, env=self.env), f"{self.version} fenced\n")

    def test_a_program_builds_by_find_package(self):
        build = Path(self.scratch.name, "by-cmake")
        run(CMAKE, "-S", SOURCE / "tests/package/consumer", "-B", build, "-G", "Ninja",
            f"-DCMAKE_C_COMPILER={CC}", f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DWANTED_VERSION={self.version}")
        run(CMAKE, "--build", build)
        for kind in ("shared", "static"):
            self.assertEqual(run(build / f"consumer-{kind}"), f"{self.version} fenced\n")
        self.assertIn("libcairn.so", run("ldd", build / "consumer-shared"))
        self.assertNotIn("libcairn", run("ldd", build / "consumer-static"))

    def test_the_program_in_the_readme_runs(self):
        found = re.search(r"^```c\n(.*?)^```", (SOURCE / "README.md").read_text(), re.S | re.M)
        self.assertIsNotNone(found, "README.md shows no C program")
        self.assertLess(found.group(1).count("\n"), README_PROGRAM_LINES_MAX)
        folder = Path(self.scratch.name, "readme")
        folder.mkdir()
        (folder / "program.c").write_text(found.group(1))
        run(CC, "-std=c11", *STRICT, "program.c", "-o", "program", *self.flags, cwd=folder)
        self.assertTrue(run("./program", cwd=folder, env=self.env))

    def samples(self, name, pattern):
        """A copy of the installed samples to build in, and those that match."""
        folder = Path(self.scratch.name, name)
        shutil.copytree(self.prefix / "share/doc/cairn/examples", folder)
        found = sorted(folder.glob(pattern))
        self.assertTrue(found)
        return folder, found

    def test_each_sample_job_builds_by_its_make_file(self):
        folder, jobs = self.samples("jobs", "*_job.c")
        for job in jobs:
            run("make", "-f", "job.mk", job.stem + ".so", cwd=folder, env=self.env)
            self.assertIn(" cairn_job_main", run("nm", "-D", "--defined-only",
                                                 folder / (job.stem + ".so")))

    def test_each_sample_program_runs(self):
        folder, sources = self.samples("programs", "*.c")
        for source in sources:
            if not source.stem.endswith("_job"):
                run(CC, "-std=c11", *STRICT, source, "-o", source.stem, *self.flags, cwd=folder)
                self.assertTrue(run(folder / source.stem, cwd=folder, env=self.env))

    def test_only_the_public_api_is_exported(self):
        for binary in (self.lib / "libcairn.so", self.prefix / "bin" / "cairn"):
            lines = run("nm", "-D", "--defined-only", "--extern-only", binary).splitlines()
            names = {line.split()[-1] for line in lines if "@GLIBC" not in line}  # copied: stderr
            startup = {"_init", "_fini", "_IO_stdin_used", "__data_start", "data_start", "main",
                       "_start", "__bss_start", "_edata", "_end"}
            self.assertFalse({n for n in names - startup if not n.startswith("cairn_")}, binary)
            self.assertIn("cairn_version", names)

    def test_every_function_that_a_header_declares_is_exported(self):
        exported = {line.split()[-1] for line in
                    run("nm", "-D", "--defined-only", self.lib / "libcairn.so").splitlines()}
        for header in self.headers():
            text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
            text = re.sub(r"^\s*#.*(\\\n.*)*", "", text, flags=re.M)
            text = re.sub(r"^static inline.*?^}", "", text, flags=re.S | re.M)
            declared = set(re.findall(r"^[\w][\w \*]*?\b(cairn_\w+)\(", text, re.M))
            self.assertFalse(declared - exported - {"cairn_job_main"}, header.name)  # the user's

    def test_binaries_are_hardened(self):
        for binary in (self.lib / "libcairn.so", self.prefix / "bin" / "cairn"):
            shown = run("readelf", "-hldW", binary)
            self.assertRegex(shown, r"Type:\s+DYN", "position independent")
            self.assertIn("GNU_RELRO", shown)
            self.assertIn("NOW", shown)
            self.assertRegex(shown, r"GNU_STACK\s.*\sRW\s", "stack is not executable")
            self.assertNotIn("RPATH", shown)
            self.assertNotIn("RUNPATH", shown)
            self.assertIn("__stack_chk_fail", run("nm", "-D", binary))

    def test_messages_hold_no_path_of_this_machine(self):
        stripped = Path(self.scratch.name, "stripped")
        run("objcopy", "--strip-debug", self.lib / "libcairn.so", stripped)
        self.assertNotIn(str(SOURCE).encode(), stripped.read_bytes())

    def test_the_library_has_a_soname_with_its_major_version(self):
        self.assertIn(f"[libcairn.so.{self.version.split('.')[0]}]",
                      run("readelf", "-dW", self.lib / "libcairn.so"))

    def test_licence_and_samples_come_along(self):
        documents = self.prefix / "share" / "doc" / "cairn"
        self.assertEqual((documents / "LICENSE").read_bytes(), (SOURCE / "LICENSE").read_bytes())
        self.assertTrue(list((documents / "examples").glob("*.c")))

    def test_presets_of_users_have_no_fail_points(self):
        presets = json.loads((SOURCE / "CMakePresets.json").read_text())["configurePresets"]
        by_name = {p["name"]: p for p in presets}
        for name in ("release", "bench"):
            while name:
                self.assertNotIn("CAIRN_FAILPOINTS", by_name[name].get("cacheVariables", {}))
                name = by_name[name].get("inherits")


if __name__ == "__main__":
    unittest.main(verbosity=2)
