#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "buf.h"
#include "errors.h"
#include "xml_read.h"

#include <stdio.h>

/* Each event as a line: "+path" and "-path=text". */
static cairn_code record(void *context, const xml_event *event, cairn_error *err)
{
    return event->opens ? buf_printf(context, err, "+%s\n", event->path)
                        : buf_printf(context, err, "-%s=%s\n", event->path, event->text);
}

static void documents_are_told_element_by_element(void **state)
{
    (void)state;
    static const struct {
        const char *document;
        const char *events;
    } rows[] = {
        {"<a/>", "+a\n-a=\n"},
        {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>x</a>\n", "+a\n-a=x\n"},
        {" \t\r\n\n<?xml version=\"1.0\"?><a>x</a>", "+a\n-a=x\n"},
        {"<a>1<b>2</b>3<b/>4</a>", "+a\n+a/b\n-a/b=2\n+a/b\n-a/b=\n-a=134\n"},
        /* both servers write the quotes of an ETag so: text comes in pieces */
        {"<a>&#34;5d41&#34;</a>", "+a\n-a=\"5d41\"\n"},
        {"<a>&lt;&gt;&amp;&quot;&apos;</a>", "+a\n-a=<>&\"'\n"},
        {"<a><![CDATA[<&]]>x<!-- y --></a>", "+a\n-a=<&x\n"},
        {"<s:a xmlns:s=\"urn:x\"><s:b>1</s:b></s:a>", "+a\n+a/b\n-a/b=1\n-a=\n"},
        {"<a xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\" b=\"c\">1</a>", "+a\n-a=1\n"},
        {"\xef\xbb\xbf<a>\xc3\xa9</a>", "+a\n-a=\xc3\xa9\n"},
        {"<a>x\r\ny</a>", "+a\n-a=x\ny\n"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        CAIRN_AUTO(cairn_buf) events = {0};
        cairn_error err = {0};

        ASSERT_OK(xml_read(cairn_slice_of(rows[i].document), record, &events, &err), &err);
        assert_string_equal(buf_text(&events), rows[i].events);
    }
}

static void what_is_no_harmless_xml_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *document;
        const char *message;
    } rows[] = {
        {"", "XML, line 1: no element found"},
        {" \n\n ", "XML, line 3: no element found"},
        {"not XML", "XML, line 1: "},
        {"<a>", "XML, line 1: no element found"},
        {"\n<a>\n<b></a>", "XML, line 3: mismatched tag"},
        {"<a/><b/>", "XML, line 1: junk after document element"},
        {"<a/>x", "XML, line 1: "},
        {"<a>&b;</a>", "XML, line 1: undefined entity"},
        {"<a>\x01</a>", "XML, line 1: not well-formed"},
        {"<a>\xff</a>", "XML, line 1: not well-formed"},
        {"<?xml version=\"1.0\" encoding=\"x-odd\"?><a/>", "XML, line 1: unknown encoding"},
        {"<!DOCTYPE a><a/>", "line 1: a document type declaration is not accepted"},
        {"\n<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", "line 2: a document type"},
        {"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "a document type declaration"},
        {"<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>", "a document type"},
        {"<!DOCTYPE l [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c "
         "\"&b;&b;&b;&b;\">]><l>&c;</l>",
         "a document type"},
        {"<?php x ?><a/>", "a processing instruction is not accepted"},
        {"<a><?b c?></a>", "a processing instruction is not accepted"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        CAIRN_AUTO(cairn_buf) events = {0};
        cairn_error err = {0};

        ASSERT_CODE(xml_read(cairn_slice_of(rows[i].document), record, &events, &err),
                    CAIRN_E_INTEGRITY, &err);
        ASSERT_MESSAGE_HAS(&err, rows[i].message);
    }
}

static void nothing_is_told_behind_what_is_refused(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) events = {0};
    cairn_error err = {0};

    ASSERT_CODE(xml_read(cairn_slice_of("<a><b/><?c d?>text<e/></a>"), record, &events, &err),
                CAIRN_E_INTEGRITY, &err);

    assert_string_equal(buf_text(&events), "+a\n+a/b\n-a/b=\n");
}

static void repeat(cairn_buf *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ASSERT_OK(buf_append_text(out, text, NULL), NULL);
    }
}

static cairn_code read_buf(const cairn_buf *document, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) events = {0};

    return xml_read(cairn_buf_slice(document), record, &events, err);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    for (size_t extra = 0; extra <= 1; extra++) {
        CAIRN_AUTO(cairn_buf) document = {0};
        cairn_error err = {0};

        repeat(&document, "<a>", CAIRN_XML_DEPTH_MAX + extra);
        repeat(&document, "</a>", CAIRN_XML_DEPTH_MAX + extra);
        ASSERT_CODE(read_buf(&document, &err), extra == 0 ? CAIRN_OK : CAIRN_E_INTEGRITY, &err);
        if (extra > 0) {
            ASSERT_MESSAGE_HAS(&err, "line 1: elements too deep");
        }
    }
}

static void text_of_one_element_is_bounded(void **state)
{
    (void)state;
    for (size_t extra = 0; extra <= 1; extra++) {
        CAIRN_AUTO(cairn_buf) document = {0};
        cairn_error err = {0};

        repeat(&document, "<a><b>1234</b>", 1);
        repeat(&document, "x", CAIRN_XML_TEXT_BYTES_MAX + extra);
        repeat(&document, "</a>", 1);
        ASSERT_CODE(read_buf(&document, &err), extra == 0 ? CAIRN_OK : CAIRN_E_INTEGRITY, &err);
        if (extra > 0) {
            ASSERT_MESSAGE_HAS(&err, "line 1: text of an element too long");
        }
    }
}

static void names_are_bounded(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) document = {0};
    cairn_error err = {0};

    repeat(&document, "<", 1);
    repeat(&document, "x", CAIRN_XML_TEXT_BYTES_MAX + 1);
    repeat(&document, "/>", 1);

    ASSERT_CODE(read_buf(&document, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "line 1: names too long");
}

static void the_document_is_bounded(void **state)
{
    (void)state;
    for (size_t extra = 0; extra <= 1; extra++) {
        CAIRN_AUTO(cairn_buf) document = {0};
        cairn_error err = {0};

        repeat(&document, "\n", CAIRN_XML_BYTES_MAX + extra - sizeof("<a/>") + 1);
        repeat(&document, "<a/>", 1);
        ASSERT_CODE(read_buf(&document, &err), extra == 0 ? CAIRN_OK : CAIRN_E_INTEGRITY, &err);
        if (extra > 0) {
            ASSERT_MESSAGE_HAS(&err, "8388609 bytes");
        }
    }
}

static cairn_code refuse_b(void *context, const xml_event *event, cairn_error *err)
{
    unsigned *calls = context;

    (*calls)++;
    return strcmp(event->path, "a/b") == 0 ? error_set(err, CAIRN_E_EXISTS, "b is here") : CAIRN_OK;
}

static void an_error_of_the_visitor_ends_the_reading(void **state)
{
    (void)state;
    unsigned calls = 0;
    cairn_error err = {0};

    ASSERT_CODE(xml_read(cairn_slice_of("<a><b/>text<c/></a><"), refuse_b, &calls, &err),
                CAIRN_E_EXISTS, &err);

    ASSERT_MESSAGE_HAS(&err, "b is here");
    assert_int_equal(calls, 2);
}

static void a_cut_document_is_told_up_to_the_cut(void **state)
{
    (void)state;
    static const char document[] = "<Error><Code>SlowDown</Code><Message>x</Message></Error>";

    for (size_t len = 0; len < sizeof(document) - 1; len++) {
        CAIRN_AUTO(cairn_buf) events = {0};
        cairn_error err = {0};

        ASSERT_CODE(xml_read((cairn_slice){document, len}, record, &events, &err),
                    CAIRN_E_INTEGRITY, &err);
        if (len >= sizeof("<Error><Code>SlowDown</Code>") - 1) {
            assert_non_null(strstr(buf_text(&events), "-Error/Code=SlowDown\n"));
        }
    }
}

static void text_is_escaped(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) out = {0};

    ASSERT_OK(buf_append_text(&out, "x", NULL), NULL);
    ASSERT_OK(xml_escape("a&b<c>d\"e'f\n\x7f\xc3\xa9", &out, NULL), NULL);

    assert_string_equal(buf_text(&out), "xa&amp;b&lt;c&gt;d&quot;e&apos;f&#10;&#127;\xc3\xa9");
}

static void escaped_text_that_does_not_fit_is_not_begun(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) out = {.limit = 4};
    cairn_error err = {0};

    ASSERT_CODE(xml_escape("&", &out, &err), CAIRN_E_LIMIT, &err);
    ASSERT_CODE(xml_escape("abcde", &out, &err), CAIRN_E_LIMIT, &err);

    assert_int_equal(out.len, 0);
}

static cairn_code read_a_document(void *context, cairn_error *err)
{
    static const char document[] =
        "<?xml version=\"1.0\"?><a><b c=\"d\">text &amp; more</b><b>x\ny</b>z</a>";
    CAIRN_AUTO(cairn_buf) events = {0};

    (void)context;
    CAIRN_TRY(xml_escape("a & b", &events, err));
    return xml_read(cairn_slice_of(document), record, &events, err);
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;
    alloc_sweep(read_a_document, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_told_element_by_element),
        cmocka_unit_test(what_is_no_harmless_xml_is_refused_with_its_line),
        cmocka_unit_test(nothing_is_told_behind_what_is_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(text_of_one_element_is_bounded),
        cmocka_unit_test(names_are_bounded),
        cmocka_unit_test(the_document_is_bounded),
        cmocka_unit_test(an_error_of_the_visitor_ends_the_reading),
        cmocka_unit_test(a_cut_document_is_told_up_to_the_cut),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(escaped_text_that_does_not_fit_is_not_begun),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
