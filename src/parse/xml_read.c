#include "xml_read.h"

#include "bounds.h"
#include "buf.h"
#include "errors.h"

#include <string.h>

#include <expat.h>

/* The open elements. `path_before[d]` is the length of the path without the element of depth d. */
typedef struct xml_reader {
    XML_Parser parser;
    xml_visit visit;
    void *context;
    cairn_error *err;
    cairn_code code; /* the first failure; nothing is visited after it */
    unsigned long line_before;
    size_t depth;
    cairn_buf path;
    size_t path_before[CAIRN_XML_DEPTH_MAX];
    cairn_buf text[CAIRN_XML_DEPTH_MAX];
} xml_reader;

static void release_reader(xml_reader *reader)
{
    if (reader->parser != NULL) {
        XML_ParserFree(reader->parser);
    }
    cairn_buf_release(&reader->path);
    for (size_t i = 0; i < CAIRN_XML_DEPTH_MAX; i++) {
        cairn_buf_release(&reader->text[i]);
    }
}
CAIRN_DEFINE_AUTO(xml_reader, release_reader)

static void *resize(void *block, size_t size)
{
    return mem_realloc_array(block, size, 1);
}

static cairn_code refuse(const xml_reader *reader, const char *why)
{
    return error_set(reader->err, CAIRN_E_INTEGRITY, "XML, line %lu: %s",
                     reader->line_before + XML_GetCurrentLineNumber(reader->parser), why);
}

/* expat may call handlers a few times more after it was stopped: they look at the code. */
static void stop(xml_reader *reader, cairn_code code)
{
    if (reader->code == CAIRN_OK && code != CAIRN_OK) {
        reader->code = code;
        (void)XML_StopParser(reader->parser, XML_FALSE);
    }
}

/* What a buffer said; its bound is one of the document's. */
static cairn_code of_append(const xml_reader *reader, cairn_code code, const char *what)
{
    return code == CAIRN_E_LIMIT ? refuse(reader, what) : code;
}

static cairn_code push_name(xml_reader *reader, const char *name)
{
    const char *colon = strrchr(name, ':');

    reader->path_before[reader->depth] = reader->path.len;
    if (reader->depth > 0) {
        CAIRN_TRY(
            of_append(reader, buf_append_byte(&reader->path, '/', reader->err), "names too long"));
    }
    return of_append(reader,
                     buf_append_text(&reader->path, colon == NULL ? name : colon + 1, reader->err),
                     "names too long");
}

static cairn_code visit_now(xml_reader *reader, const char *text, bool opens)
{
    const xml_event event = {.path = buf_text(&reader->path), .text = text, .opens = opens};

    if (event.path == NULL || event.text == NULL) {
        return error_no_memory(reader->err, "parse XML");
    }
    return reader->visit(reader->context, &event, reader->err);
}

static cairn_code open_element(xml_reader *reader, const char *name)
{
    if (reader->depth == CAIRN_XML_DEPTH_MAX) {
        return refuse(reader, "elements too deep in each other");
    }
    CAIRN_TRY(push_name(reader, name));
    buf_clear(&reader->text[reader->depth]);
    reader->depth++;
    return visit_now(reader, "", true);
}

static cairn_code close_element(xml_reader *reader)
{
    CAIRN_ASSERT(reader->depth > 0);
    reader->depth--;
    CAIRN_TRY(visit_now(reader, buf_text(&reader->text[reader->depth]), false));
    reader->path.len = reader->path_before[reader->depth];
    return CAIRN_OK;
}

static void XMLCALL on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    xml_reader *reader = user;

    (void)attributes;
    if (reader->code == CAIRN_OK) {
        stop(reader, open_element(reader, name));
    }
}

static void XMLCALL on_end(void *user, const XML_Char *name)
{
    xml_reader *reader = user;

    (void)name;
    if (reader->code == CAIRN_OK) {
        stop(reader, close_element(reader));
    }
}

/* Comes in pieces: around references and line ends. */
static void XMLCALL on_text(void *user, const XML_Char *text, int len)
{
    xml_reader *reader = user;

    if (reader->code == CAIRN_OK && reader->depth > 0) {
        cairn_buf *to = &reader->text[reader->depth - 1];

        stop(reader, of_append(reader, buf_append(to, text, (size_t)len, reader->err),
                               "text of an element too long"));
    }
}

static void XMLCALL on_doctype(void *user, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_subset)
{
    xml_reader *reader = user;

    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_subset;
    if (reader->code == CAIRN_OK) {
        stop(reader, refuse(reader, "a document type declaration is not accepted"));
    }
}

static void XMLCALL on_instruction(void *user, const XML_Char *target, const XML_Char *data)
{
    xml_reader *reader = user;

    (void)target;
    (void)data;
    if (reader->code == CAIRN_OK) {
        stop(reader, refuse(reader, "a processing instruction is not accepted"));
    }
}

static cairn_code begin(xml_reader *reader)
{
    static const XML_Memory_Handling_Suite memory = {mem_alloc, resize, mem_free};

    reader->parser = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (reader->parser == NULL) {
        return error_no_memory(reader->err, "parse XML");
    }
    cairn_buf_init(&reader->path, CAIRN_XML_TEXT_BYTES_MAX);
    for (size_t i = 0; i < CAIRN_XML_DEPTH_MAX; i++) {
        cairn_buf_init(&reader->text[i], CAIRN_XML_TEXT_BYTES_MAX);
    }
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    XML_SetProcessingInstructionHandler(reader->parser, on_instruction);
    return CAIRN_OK;
}

/* XML itself allows white space only behind the declaration. */
static cairn_slice skip_white(cairn_slice text, unsigned long *out_lines)
{
    const char *at = text.data;
    size_t len = text.len;

    for (; len > 0 && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'); at++, len--) {
        *out_lines += *at == '\n' ? 1 : 0;
    }
    return (cairn_slice){at, len};
}

cairn_code xml_read(cairn_slice text, xml_visit visit, void *context, cairn_error *err)
{
    CAIRN_AUTO(xml_reader) reader = {.visit = visit, .context = context, .err = err};

    if (text.len > CAIRN_XML_BYTES_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "XML: %zu bytes, more than %zu", text.len,
                         CAIRN_XML_BYTES_MAX);
    }
    const cairn_slice document = skip_white(text, &reader.line_before);
    CAIRN_TRY(begin(&reader));
    const enum XML_Status status =
        XML_Parse(reader.parser, document.data, (int)document.len, XML_TRUE);
    if (reader.code != CAIRN_OK) {
        return reader.code;
    }
    const enum XML_Error error = XML_GetErrorCode(reader.parser);
    if (status == XML_STATUS_OK) {
        return CAIRN_OK;
    }
    return error == XML_ERROR_NO_MEMORY ? error_no_memory(err, "parse XML")
                                        : refuse(&reader, XML_ErrorString(error));
}

/* The reference that stands for a byte, or NULL if it stands for itself. */
static const char *reference_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    default:
        return NULL;
    }
}

cairn_code xml_escape(const char *text, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) escaped = {.limit = out->limit};

    for (const char *at = text; *at != '\0'; at++) {
        const char *reference = reference_of(*at);
        const uint8_t byte = (uint8_t)*at;

        if (reference != NULL) {
            CAIRN_TRY(buf_append_text(&escaped, reference, err));
        } else if (byte < ' ' || byte == 0x7f) {
            CAIRN_TRY(buf_printf(&escaped, err, "&#%u;", (unsigned)byte));
        } else {
            CAIRN_TRY(buf_append_byte(&escaped, byte, err));
        }
    }
    return buf_append(out, escaped.data, escaped.len, err);
}
