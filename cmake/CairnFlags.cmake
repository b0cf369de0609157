# Compiler and linker flags as interface targets. Each flag stands with its reason; a flag that this
# compiler does not know is left out, unless it is one that both GCC 12 and clang 14 have.
include(CheckCCompilerFlag)

add_library(cairn_flags INTERFACE)    # code generation and linking: all of our code
add_library(cairn_warnings INTERFACE) # what the compiler must say: all of our code

function(cairn_optional_flags target)
    foreach(flag IN LISTS ARGN)
        string(MAKE_C_IDENTIFIER "CAIRN_HAS${flag}" known)
        check_c_compiler_flag("-Werror ${flag}" ${known})
        if(${known})
            target_compile_options(${target} INTERFACE ${flag})
        endif()
    endforeach()
endfunction()

target_compile_options(cairn_warnings INTERFACE
    -Wall -Wextra                        # the base set
    -Wpedantic                           # extensions are chosen, not slipped into
    -Wconversion -Wsign-conversion       # a size that is cut or changes sign is how bounds checks fail
    -Wshadow                             # the wrong variable of two with one name
    -Wcast-qual                          # const is a promise
    -Wcast-align                         # a byte buffer is not a struct
    -Wformat=2                           # format strings are literals
    -Wstrict-prototypes                  # f() is not f(void) in C11 headers
    -Wmissing-prototypes                 # what is not in a header is static
    -Wold-style-definition               # K&R definitions check nothing
    -Wredundant-decls                    # one declaration, in one header
    -Wpointer-arith                      # no arithmetic on void *
    -Wwrite-strings                      # literals are const
    -Wundef                              # a mistyped macro in #if is not 0
    -Wvla                                # stack use is known when it is compiled
    -Wswitch-enum                        # a new enum value is seen by every switch
    -Wnull-dereference                   # paths that the optimiser knows to be NULL
    -Wdouble-promotion                   # float to double unasked
    -Wdate-time                          # the build is reproducible
    -Wfloat-equal                        # == on floating point
    -Wimplicit-fallthrough               # each fallthrough says so
    -Werror=format-security              # a peer's text as format string
    -Werror=implicit                     # calls of what was never declared
    -Werror=incompatible-pointer-types   # always a bug
    -Werror=int-conversion               # always a bug
)
cairn_optional_flags(cairn_warnings
    # GCC
    -Wlogical-op                         # a && a
    -Wduplicated-cond                    # if (a) else if (a)
    -Wduplicated-branches                # if (a) x; else x;
    -Wjump-misses-init                   # a switch that jumps over an initialiser
    -Wformat-overflow=2                  # what a format may write at most
    -Wformat-truncation=2                # a cut path is another path
    -Wformat-signedness                  # %d with an unsigned
    -Walloc-zero                         # malloc(0) means two things
    -Warith-conversion                   # -Wconversion through arithmetic
    -Wstringop-overflow=4                # writes beyond the smallest possible target
    -Wtrampolines                        # nested functions need an executable stack
    -Wbidi-chars=any                     # source that reads otherwise than it compiles
    # clang
    -Wcomma                              # a comma where a semicolon was meant
    -Wconditional-uninitialized          # set on some paths only
    -Wunreachable-code                   # dead code
    -Wmissing-variable-declarations      # a global that is in no header
    -Wshorten-64-to-32                   # size_t into int
    -Wloop-analysis                      # a loop variable changed twice or never
    -Wassign-enum                        # a number that is no value of the enum
)
if(CAIRN_WERROR)
    target_compile_options(cairn_warnings INTERFACE -Werror)
endif()

target_compile_definitions(cairn_flags INTERFACE
    _GNU_SOURCE=                         # Linux's calls; empty, as a file that defines it says it
    _FILE_OFFSET_BITS=64                 # files over 2 GiB on 32-bit machines
    $<$<BOOL:${CAIRN_FAILPOINTS}>:CAIRN_FAILPOINTS=1>
)
target_compile_options(cairn_flags INTERFACE
    -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=  # __FILE__ is the path in the tree
    -fno-strict-aliasing                 # the win is small, the bugs are silent
    -fno-strict-overflow                 # a check for overflow is never optimised away
    -fexceptions                         # cleanup attributes run when a C++ caller's exception passes
    -fno-common                          # two globals of one name are an error
)
target_link_options(cairn_flags INTERFACE
    LINKER:--as-needed                   # no dependency that is not used
    LINKER:-z,relro,-z,now               # the GOT is read-only after start
    LINKER:-z,noexecstack                # the stack is not executable
    LINKER:-z,separate-code              # no data in executable pages
)

if(CAIRN_SANITIZE)
    if(NOT CAIRN_SANITIZE MATCHES "^(address,undefined|thread)$")
        message(FATAL_ERROR "CAIRN_SANITIZE is '${CAIRN_SANITIZE}': use address,undefined or thread")
    endif()
    target_compile_options(cairn_flags INTERFACE
        -fsanitize=${CAIRN_SANITIZE}
        -fno-sanitize-recover=all        # the first finding fails the test
        -fno-omit-frame-pointer          # whole stacks in reports
        -U_FORTIFY_SOURCE)               # the sanitizer's own checks come first
    target_link_options(cairn_flags INTERFACE -fsanitize=${CAIRN_SANITIZE})
else()
    cairn_optional_flags(cairn_flags
        -fstack-protector-strong         # canaries
        -fstack-clash-protection         # a large frame can't jump the guard page
        -fcf-protection=full             # CET on x86
        -ftrivial-auto-var-init=zero)    # a forgotten initialiser leaks nothing (GCC 12; clang 16)
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
        target_compile_options(cairn_flags INTERFACE
            # Checks after a dereference stay. Not in debug builds: it silences -Wnull-dereference.
            -fno-delete-null-pointer-checks
            -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 # checked libc calls; needs the optimiser
            # The same bytes from every source and build folder.
            -fdebug-prefix-map=${PROJECT_SOURCE_DIR}=/usr/src/cairn
            -fdebug-prefix-map=${PROJECT_BINARY_DIR}=/usr/src/cairn/build)
    endif()
endif()

if(CAIRN_ANALYZER)
    # malloc-leak: it knows no allocator of ours, and GCC 12 takes each DIR that the cleanup attribute
    # closes for lost; LeakSanitizer looks for both.
    target_compile_options(cairn_flags INTERFACE -fanalyzer -Wno-analyzer-malloc-leak
                           "SHELL:-include ${PROJECT_SOURCE_DIR}/cmake/analyzer.h")
endif()
