/* Where URIs lead, with and without Hadoop's configuration. */
#include "test.h"

#include <cairn/hdfs.h>

#include "buf.h"
#include "check.h"
#include "fsutil.h"
#include "hdfs_config.h"
#include "tmpdir.h"

#define PROPERTY(name, value) "<property><name>" name "</name><value>" value "</value></property>"
#define CONFIGURATION(text)   "<?xml version=\"1.0\"?>\n<configuration>" text "</configuration>"

static int set_up(void **state)
{
    *state = tmpdir_new();
    return *state == NULL;
}

static int tear_down(void **state)
{
    tmpdir_free(*state);
    return 0;
}

static void write_config(const tmpdir *dir, const char *name, const char *text)
{
    char path[TMPDIR_PATH_BYTES];

    ASSERT_OK(fs_write_file(tmpdir_join(dir, name, path), cairn_slice_of(text), NULL), NULL);
}

static void expect_place(const char *uri, const char *conf_dir, const char *namenodes,
                         const char *root)
{
    cairn_hdfs_place place = {.root = NULL};
    cairn_error err = {0};
    CAIRN_AUTO(cairn_buf) all = {0};

    ASSERT_OK(cairn_hdfs_locate(uri, conf_dir, &place, &err), &err);
    for (size_t i = 0; place.namenodes[i] != NULL; i++) {
        ASSERT_OK(buf_printf(&all, NULL, "%s ", place.namenodes[i]), NULL);
    }
    assert_string_equal(buf_text(&all), namenodes);
    assert_string_equal(place.root, root);
    cairn_hdfs_place_release(&place);
}

static void a_web_address_is_taken_as_it_is(void **state)
{
    static const struct {
        const char *uri;
        const char *namenodes;
        const char *root;
    } cases[] = {
        {"webhdfs://nn:9870/a/b", "http://nn:9870 ", "/a/b"},
        {"webhdfs://nn/a//", "http://nn:9870 ", "/a"},
        {"swebhdfs://nn/", "https://nn:9871 ", "/"},
        {"SWEBHDFS://nn.example.com:1", "https://nn.example.com:1 ", "/"},
        {"webhdfs://[fd00::1]:9870/a", "http://[fd00::1]:9870 ", "/a"},
        {"webhdfs://[fd00::1]/a", "http://[fd00::1]:9870 ", "/a"},
        {"hdfs://nn:8020/a", "http://nn:9870 ", "/a"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        expect_place(cases[i].uri, NULL, cases[i].namenodes, cases[i].root);
    }
}

static void what_is_no_place_is_refused(void **state)
{
    static const char *const uris[] = {"",
                                       "nn:9870/a",
                                       "file:///a",
                                       "webhdfs:///a",
                                       "webhdfs://u@nn/a",
                                       "webhdfs://nn:9870?x/a",
                                       "hdfs:///a",
                                       NULL};
    (void)state;

    for (size_t i = 0; uris[i] != NULL; i++) {
        cairn_hdfs_place place = {.root = NULL};
        cairn_error err = {0};
        ASSERT_CODE(cairn_hdfs_locate(uris[i], NULL, &place, &err), CAIRN_E_INVALID, &err);
        assert_null(place.root);
    }
}

static void a_name_service_has_the_addresses_of_the_configuration(void **state)
{
    const tmpdir *dir = *state;
    write_config(dir, "core-site.xml", CONFIGURATION(PROPERTY("fs.defaultFS", "hdfs://ns")));
    write_config(dir, "hdfs-site.xml",
                 CONFIGURATION(
                     PROPERTY("dfs.nameservices", " other , ns ")
                         PROPERTY("dfs.ha.namenodes.ns", "nn1,nn2 , nn3")
                             PROPERTY("dfs.namenode.http-address.ns.nn1", "h1.example.com:50070")
                                 PROPERTY("dfs.namenode.http-address.ns.nn2", "0.0.0.0:9999")
                                     PROPERTY("dfs.namenode.rpc-address.ns.nn2", "h2:8020")
                                         PROPERTY("dfs.namenode.rpc-address.ns.nn3", "${base}:8020")
                                             PROPERTY("base", "h3")));

    expect_place("hdfs://ns/a", dir->path,
                 "http://h1.example.com:50070 http://h2:9999 http://h3:9870 ", "/a");
    expect_place("hdfs:///a", dir->path,
                 "http://h1.example.com:50070 http://h2:9999 http://h3:9870 ", "/a");
    expect_place("hdfs://single:8020/", dir->path, "http://single:9870 ", "/");
}

static void the_configuration_of_another_cluster_is_not_taken(void **state)
{
    const tmpdir *dir = *state;
    write_config(dir, "core-site.xml", CONFIGURATION(PROPERTY("fs.defaultFS", "hdfs://nn1:8020")));
    write_config(dir, "hdfs-site.xml",
                 CONFIGURATION(PROPERTY("dfs.namenode.http-address", "web1:50070")));

    expect_place("hdfs://nn1:8020/a", dir->path, "http://web1:50070 ", "/a");
    expect_place("hdfs://nn2:8020/a", dir->path, "http://nn2:9870 ", "/a");
}

static void https_only_has_other_addresses(void **state)
{
    const tmpdir *dir = *state;
    write_config(dir, "hdfs-site.xml",
                 CONFIGURATION(PROPERTY("dfs.http.policy", "HTTPS_ONLY")
                                   PROPERTY("dfs.namenode.http-address", "wrong:1")
                                       PROPERTY("dfs.namenode.https-address", "0.0.0.0:9999")));

    expect_place("hdfs://nn:8020/a", dir->path, "https://nn:9999 ", "/a");
}

static void a_final_property_stays(void **state)
{
    CAIRN_AUTO(hdfs_config) config = {.count = 0};
    CAIRN_AUTO(cairn_buf) first = {0};
    CAIRN_AUTO(cairn_buf) second = {0};
    CAIRN_AUTO(cairn_buf) none = {0};
    (void)state;
    ASSERT_OK(hdfs_config_add(&config,
                              cairn_slice_of(CONFIGURATION(
                                  "<property><name>a</name><value>1</value><final>true</final>"
                                  "</property>" PROPERTY("b", "1") PROPERTY("loop", "${loop}")
                                      PROPERTY("env", "${env.X}"))),
                              NULL),
              NULL);
    ASSERT_OK(
        hdfs_config_add(
            &config, cairn_slice_of(CONFIGURATION(PROPERTY("a", "2") PROPERTY("b", " 2 "))), NULL),
        NULL);

    ASSERT_OK(hdfs_config_get(&config, "a", &first, NULL), NULL);
    ASSERT_OK(hdfs_config_get(&config, "b", &second, NULL), NULL);
    ASSERT_OK(hdfs_config_get(&config, "loop", &none, NULL), NULL);
    ASSERT_OK(hdfs_config_get(&config, "env", &none, NULL), NULL);
    ASSERT_OK(hdfs_config_get(&config, "absent", &none, NULL), NULL);

    assert_string_equal(buf_text(&first), "1");
    assert_string_equal(buf_text(&second), "2");
    assert_int_equal(none.len, 0);
}

static void a_configuration_that_is_none_is_told(void **state)
{
    const tmpdir *dir = *state;
    cairn_hdfs_place place = {.root = NULL};
    cairn_error err = {0};

    ASSERT_CODE(cairn_hdfs_locate("hdfs://ns/a", dir->path, &place, &err), CAIRN_E_INVALID, &err);
    write_config(dir, "core-site.xml", "<configuration>");
    ASSERT_CODE(cairn_hdfs_locate("hdfs://ns/a", dir->path, &place, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "core-site.xml");
}

#define CASE(run) cmocka_unit_test_setup_teardown(run, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_web_address_is_taken_as_it_is),
        CASE(what_is_no_place_is_refused),
        CASE(a_name_service_has_the_addresses_of_the_configuration),
        CASE(the_configuration_of_another_cluster_is_not_taken),
        CASE(https_only_has_other_addresses),
        CASE(a_final_property_stays),
        CASE(a_configuration_that_is_none_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
