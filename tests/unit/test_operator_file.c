#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "operator_file.h"
#include "operator_world.h"

#include <stdlib.h>

/* Version 1, to the byte: docs/format.md. */
static const uint8_t golden[] = {
    'c', 'a', 'i', 'r', 'n', '-', 'o', 's', 0, 0, 0, 1, /* magic, version */
    0,   0,   0,   2,                                   /* states */
    5,   'r', 'u', 'l', 'e', 's', 2,                    /* name, broadcast */
    5,   'b', 'y', 't', 'e', 's', 0,   0,   0, 1,       /* keys */
    5,   'b', 'y', 't', 'e', 's', 0,   0,   0, 1,       /* values */
    0,   0,   0,   0,   0,   0,   0,   2,               /* entries */
    0,   0,   0,   0,   0,   0,   0,   8,               /* bytes */
    1,   'a', 1,   'x', 2,   'a', 'b', 0,               /* a: x, ab: empty */
    4,   's', 'e', 'e', 'n', 0,                         /* name, list */
    5,   'b', 'y', 't', 'e', 's', 0,   0,   0, 1,       /* keys */
    3,   'u', '6', '4', 0,   0,   0,   7,               /* values */
    0,   0,   0,   0,   0,   0,   0,   3,               /* elements */
    0,   0,   0,   0,   0,   0,   0,   5,               /* bytes */
    1,   'q', 0,   1,   'r',                            /* q, empty, r */
};

static cairn_slice golden_slice(void)
{
    return (cairn_slice){golden, sizeof golden};
}

static operator_image read_golden(void)
{
    operator_image image = {0};
    cairn_error err = {0};

    ASSERT_OK(operator_file_read(golden_slice(), &image, &err), &err);
    return image;
}

static void the_golden_file_reads_as_what_it_holds(void **state)
{
    (void)state;
    operator_image image = read_golden();

    assert_int_equal(image.count, 2);
    assert_string_equal(image.states[0].info.name, "rules");
    assert_int_equal(image.states[0].info.mode, CAIRN_OPERATOR_BROADCAST);
    assert_int_equal(image.states[0].info.elements, 2);
    assert_string_equal(op_text(&image, "rules"), "a x ab ");
    assert_string_equal(image.states[1].info.name, "seen");
    assert_int_equal(image.states[1].info.mode, CAIRN_OPERATOR_LIST);
    assert_string_equal(image.states[1].info.value_serializer.id, "u64");
    assert_int_equal(image.states[1].info.value_serializer.version, 7);
    assert_string_equal(op_text(&image, "seen"), "q  r");
    operator_image_release(&image);
}

static void what_is_read_is_written_as_the_same_bytes(void **state)
{
    (void)state;
    operator_image image = read_golden();
    cairn_buf file = op_file(&image);

    assert_int_equal(file.len, sizeof golden);
    assert_memory_equal(file.data, golden, sizeof golden);
    cairn_buf_release(&file);
    operator_image_release(&image);
}

static void every_prefix_and_anything_behind_the_end_is_damage(void **state)
{
    (void)state;
    uint8_t longer[sizeof golden + 1] = {0};
    memcpy(longer, golden, sizeof golden);

    for (size_t len = 0; len <= sizeof longer; len++) {
        operator_image image = {0};
        cairn_error err = {0};

        if (len != sizeof golden) {
            ASSERT_CODE(operator_file_read((cairn_slice){longer, len}, &image, &err),
                        CAIRN_E_INTEGRITY, &err);
            ASSERT_MESSAGE_HAS(&err, "file of operator state");
            assert_null(image.states);
        }
    }
}

/* The manifest's digest finds every flip; the reader must take none for something else than it is:
 * what it accepts, it writes as the same bytes. */
static void a_flipped_bit_is_refused_or_read_as_it_stands(void **state)
{
    (void)state;
    size_t refused = 0;

    for (size_t bit = 0; bit < 8 * sizeof golden; bit++) {
        uint8_t bytes[sizeof golden];
        operator_image image = {0};

        memcpy(bytes, golden, sizeof golden);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (operator_file_read((cairn_slice){bytes, sizeof bytes}, &image, NULL) == CAIRN_OK) {
            cairn_buf file = op_file(&image);

            assert_int_equal(file.len, sizeof bytes);
            assert_memory_equal(file.data, bytes, sizeof bytes);
            cairn_buf_release(&file);
        } else {
            refused++;
        }
        operator_image_release(&image);
    }
    assert_true(refused > 8 * sizeof golden / 2);
}

static void what_is_no_such_file_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t at;
        const char *bytes;
        size_t len;
        cairn_code code;
        const char *message;
    } cases[] = {
        {"another magic", 7, "x", 1, CAIRN_E_INTEGRITY, "begins otherwise"},
        {"version 0", 8, "\0\0\0\0", 4, CAIRN_E_INTEGRITY, "version 0"},
        {"version 2", 8, "\0\0\0\2", 4, CAIRN_E_INCOMPATIBLE, "version 2; this cairn reads"},
        {"257 states", 12, "\0\0\1\1", 4, CAIRN_E_INTEGRITY, "beyond its bound"},
        {"one state more", 12, "\0\0\0\3", 4, CAIRN_E_INTEGRITY, "name"},
        {"one state less", 12, "\0\0\0\1", 4, CAIRN_E_INTEGRITY, "behind its end"},
        {"a name that is none", 17, "/", 1, CAIRN_E_INTEGRITY, "name"},
        {"an unknown mode", 22, "\3", 1, CAIRN_E_INTEGRITY, "beyond its bound"},
        {"too many elements", 45, "\1", 1, CAIRN_E_INTEGRITY, "beyond its bound"},
        {"too many bytes", 53, "\1", 1, CAIRN_E_INTEGRITY, "beyond its bound"},
        {"another number of entries", 50, "\1", 1, CAIRN_E_INTEGRITY, "number of entries"},
        {"another number of elements", 98, "\4", 1, CAIRN_E_INTEGRITY, "number of elements"},
        {"keys that are not sorted", 60, "c", 1, CAIRN_E_INTEGRITY, "sorted"},
        {"a key that stands twice", 63, "\1a\1y", 4, CAIRN_E_INTEGRITY, "sorted"},
        {"an element that ends too late", 110, "\3", 1, CAIRN_E_INTEGRITY, "ends too late"},
        {"names that are not sorted", 68, "abcd", 4, CAIRN_E_INTEGRITY, "sorted"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        uint8_t bytes[sizeof golden];
        operator_image image = {0};
        cairn_error err = {0};

        memcpy(bytes, golden, sizeof golden);
        memcpy(bytes + cases[i].at, cases[i].bytes, cases[i].len);
        const cairn_code code =
            operator_file_read((cairn_slice){bytes, sizeof bytes}, &image, &err);
        if (code != cases[i].code) {
            fail_msg("%s: %s (%s)", cases[i].what, cairn_code_name(code), err.message);
        }
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
        assert_null(image.states);
    }
}

static void a_name_that_stands_twice_is_damage(void **state)
{
    (void)state;
    operator_image image = {0};
    operator_image read = {0};
    cairn_error err = {0};
    op_add(&image, "s", CAIRN_OPERATOR_LIST, "a");
    op_add(&image, "s", CAIRN_OPERATOR_UNION, "a");
    cairn_buf file = op_file(&image);

    ASSERT_CODE(operator_file_read(cairn_buf_slice(&file), &read, &err), CAIRN_E_INTEGRITY, &err);

    ASSERT_MESSAGE_HAS(&err, "not unique");
    cairn_buf_release(&file);
    operator_image_release(&image);
}

static void a_file_with_other_states_than_its_manifest_says_is_damage(void **state)
{
    (void)state;

    for (int what = 0; what <= 8; what++) {
        operator_image image = read_golden();
        cairn_operator_state_info infos[2] = {image.states[0].info, image.states[1].info};
        cairn_operator_states_info told = {.states = infos, .state_count = 2};
        cairn_error err = {0};

        told.state_count -= what == 1;
        infos[1].name = what == 2 ? (char[]){"saw"} : infos[1].name;
        infos[1].mode = what == 3 ? CAIRN_OPERATOR_UNION : infos[1].mode;
        infos[0].elements += what == 4;
        infos[0].key_serializer.version += what == 5;
        infos[0].value_serializer.version += what == 6;
        infos[1].key_serializer.id = what == 7 ? (char[]){"u64"} : infos[1].key_serializer.id;
        infos[1].value_serializer.id = what == 8 ? (char[]){"i64"} : infos[1].value_serializer.id;

        ASSERT_CODE(operator_image_check(&image, &told, &err),
                    what == 0 ? CAIRN_OK : CAIRN_E_INTEGRITY, &err);

        operator_image_release(&image);
    }
}

static cairn_code read_work(void *context, cairn_error *err)
{
    CAIRN_AUTO(operator_image) image = {0};

    (void)context;
    return operator_file_read(golden_slice(), &image, err);
}

static cairn_code write_work(void *context, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) file = {0};
    const operator_image *image = context;

    CAIRN_TRY(operator_file_begin(&file, image->count, err));
    for (size_t i = 0; i < image->count; i++) {
        CAIRN_TRY(operator_file_add(&file, &image->states[i].info,
                                    cairn_buf_slice(&image->states[i].bytes), err));
    }
    return CAIRN_OK;
}

static void every_failed_allocation_is_out_of_memory_and_no_leak(void **state)
{
    (void)state;
    operator_image image = read_golden();

    alloc_sweep(read_work, NULL);
    alloc_sweep(write_work, &image);

    operator_image_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_file_reads_as_what_it_holds),
        cmocka_unit_test(what_is_read_is_written_as_the_same_bytes),
        cmocka_unit_test(every_prefix_and_anything_behind_the_end_is_damage),
        cmocka_unit_test(a_flipped_bit_is_refused_or_read_as_it_stands),
        cmocka_unit_test(what_is_no_such_file_is_told),
        cmocka_unit_test(a_name_that_stands_twice_is_damage),
        cmocka_unit_test(a_file_with_other_states_than_its_manifest_says_is_damage),
        cmocka_unit_test(every_failed_allocation_is_out_of_memory_and_no_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
