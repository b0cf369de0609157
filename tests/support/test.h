/*
 * First include of every test program: cmocka with the headers that it needs before it, and
 * assertions on result codes that print the error's message when they fail.
 *
 * cmocka leaves a failed test by longjmp: assert on the test's own thread only, and record facts on
 * other threads to assert them after the join.
 */
#ifndef CAIRN_TESTS_TEST_H
#define CAIRN_TESTS_TEST_H

#include <cairn/error.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*
 * Random and swept counts are divided by these. A sanitizer makes a test slower by five to twenty
 * times, and the build without one does the whole count. TEST_STRIDE is for sweeps over every call
 * that may fail, one at a time: the address sanitizer looks for what each of them leaks, the thread
 * sanitizer sees no other locks in one than in its neighbour.
 */
#if defined(__SANITIZE_THREAD__)
#    define TEST_SHARE  5
#    define TEST_STRIDE 7
#elif defined(__SANITIZE_ADDRESS__)
#    define TEST_SHARE  5
#    define TEST_STRIDE 1
#else
#    define TEST_SHARE  1
#    define TEST_STRIDE 1
#endif

/* `expr` gives CAIRN_OK; `err` is the error that it was called with, or NULL. */
#define ASSERT_OK(expr, err) ASSERT_CODE(expr, CAIRN_OK, err)

/* `expr` gives `expected`. */
#define ASSERT_CODE(expr, expected, err) \
    test_assert_code((expr), (expected), (err), #expr, __FILE__, __LINE__)

/* The message holds `text`, is one line and has no full stop at its end. */
#define ASSERT_MESSAGE_HAS(err, text) test_assert_message((err), (text), __FILE__, __LINE__)

void test_assert_code(cairn_code actual, cairn_code expected, const cairn_error *err,
                      const char *expr, const char *file, int line);

void test_assert_message(const cairn_error *err, const char *text, const char *file, int line);

#endif
