#include "buf.h"
#include "http.h"

#include <string.h>

void http_reply_release(http_reply *reply)
{
    cairn_buf_release(&reply->headers);
    cairn_buf_release(&reply->body);
    *reply = (http_reply){.status = 0};
}

static cairn_slice trim(const char *begin, const char *end)
{
    while (begin < end && (*begin == ' ' || *begin == '\t')) {
        begin++;
    }
    while (end > begin && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        end--;
    }
    return (cairn_slice){begin, (size_t)(end - begin)};
}

bool http_header(const http_reply *reply, const char *name, cairn_slice *out)
{
    const char *line = (const char *)reply->headers.data;
    const char *all_end = line == NULL ? NULL : line + reply->headers.len;
    const size_t name_len = strlen(name);

    while (line != NULL && line < all_end) {
        const char *end = memchr(line, '\n', (size_t)(all_end - line));
        if (end == NULL) {
            end = all_end;
        }
        if ((size_t)(end - line) > name_len && line[name_len] == ':' &&
            memcmp(line, name, name_len) == 0) {
            *out = trim(line + name_len + 1, end);
            return true;
        }
        line = end + 1;
    }
    return false;
}
