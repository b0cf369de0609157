#include "hdfs_config.h"

#include "bounds.h"
#include "errors.h"
#include "fsutil.h"
#include "xml_read.h"

#include <string.h>

#define BLANKS "\t\n\r "

void hdfs_config_release(hdfs_config *config)
{
    for (size_t i = 0; i < config->count; i++) {
        mem_free(config->settings[i].name);
        mem_free(config->settings[i].value);
    }
    mem_free(config->settings);
    *config = (hdfs_config){.count = 0};
}

static hdfs_setting *find(const hdfs_config *config, const char *name, size_t len)
{
    for (size_t i = 0; i < config->count; i++) {
        const char *known = config->settings[i].name;
        if (strlen(known) == len && memcmp(known, name, len) == 0) {
            return &config->settings[i];
        }
    }
    return NULL;
}

static cairn_code make_room(hdfs_config *config, cairn_error *err)
{
    const size_t wanted = config->capacity == 0 ? 64 : config->capacity * 2;

    if (config->count < config->capacity) {
        return CAIRN_OK;
    }
    if (wanted > CAIRN_HDFS_SETTINGS_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "more than %d properties", CAIRN_HDFS_SETTINGS_MAX);
    }
    hdfs_setting *settings =
        mem_realloc_array(config->settings, wanted, sizeof(config->settings[0]));
    if (settings == NULL) {
        return error_no_memory(err, "Hadoop's configuration");
    }
    config->settings = settings;
    config->capacity = wanted;
    return CAIRN_OK;
}

/* A copy without blanks around it; NULL without memory. */
static char *trimmed(const char *text)
{
    text += strspn(text, BLANKS);
    size_t len = strlen(text);
    while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL) {
        len--;
    }
    return mem_strndup(text, len);
}

/* The property that is being read. */
typedef struct reading {
    hdfs_config *config;
    hdfs_setting now;
} reading;

static void reading_release(reading *r)
{
    mem_free(r->now.name);
    mem_free(r->now.value);
    r->now = (hdfs_setting){.name = NULL};
}
CAIRN_DEFINE_AUTO(reading, reading_release)

static cairn_code keep(reading *r, cairn_error *err)
{
    if (r->now.name == NULL || r->now.value == NULL) {
        return CAIRN_OK;
    }
    hdfs_setting *old = find(r->config, r->now.name, strlen(r->now.name));
    if (old != NULL) {
        if (!old->final) {
            mem_free(old->value);
            old->value = CAIRN_TAKE(r->now.value);
            old->final = r->now.final;
        }
        return CAIRN_OK;
    }
    CAIRN_TRY(make_room(r->config, err));
    r->config->settings[r->config->count++] = r->now;
    r->now = (hdfs_setting){.name = NULL};
    return CAIRN_OK;
}

static cairn_code take_text(char **to, const char *text, cairn_error *err)
{
    mem_free(*to);
    *to = trimmed(text);
    return *to != NULL ? CAIRN_OK : error_no_memory(err, "Hadoop's configuration");
}

static cairn_code on_element(void *context, const xml_event *event, cairn_error *err)
{
    reading *r = context;

    if (event->opens) {
        return CAIRN_OK;
    }
    if (strcmp(event->path, "configuration/property/name") == 0) {
        return take_text(&r->now.name, event->text, err);
    }
    if (strcmp(event->path, "configuration/property/value") == 0) {
        return take_text(&r->now.value, event->text, err);
    }
    if (strcmp(event->path, "configuration/property/final") == 0) {
        r->now.final = strstr(event->text, "true") != NULL;
    }
    if (strcmp(event->path, "configuration/property") != 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(keep(r, err));
    reading_release(r);
    return CAIRN_OK;
}

cairn_code hdfs_config_add(hdfs_config *config, cairn_slice document, cairn_error *err)
{
    CAIRN_AUTO(reading) r = {.config = config};

    return xml_read(document, on_element, &r, err);
}

static cairn_code load_file(hdfs_config *config, const char *folder, const char *name,
                            bool *out_there, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {.limit = CAIRN_HDFS_CONFIG_BYTES_MAX};
    char *path CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(fs_join(folder, name, &path, err));
    if (!fs_exists(path)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(fs_read_file(path, CAIRN_HDFS_CONFIG_BYTES_MAX, &document, err));
    *out_there = true;
    const cairn_code code = hdfs_config_add(config, cairn_buf_slice(&document), err);
    return code == CAIRN_OK ? code : error_prefix(err, code, "read %s", path);
}

cairn_code hdfs_config_load(hdfs_config *config, const char *folder, cairn_error *err)
{
    bool there = false;

    CAIRN_TRY(load_file(config, folder, "core-site.xml", &there, err));
    CAIRN_TRY(load_file(config, folder, "hdfs-site.xml", &there, err));
    return there ? CAIRN_OK
                 : error_set(err, CAIRN_E_INVALID,
                             "neither core-site.xml nor hdfs-site.xml is in %s", folder);
}

/* The place of the first "${name}" in a text that names a known property. */
static char *find_variable(const hdfs_config *config, char *text, size_t *out_len,
                           const hdfs_setting **out)
{
    for (char *at = strstr(text, "${"); at != NULL; at = strstr(at + 2, "${")) {
        const size_t len = strcspn(at + 2, "}");
        *out = at[2 + len] == '}' ? find(config, at + 2, len) : NULL;
        *out_len = len + 3;
        if (*out != NULL) {
            return at;
        }
    }
    return NULL;
}

static cairn_code substitute(const hdfs_config *config, char **text, bool *out_changed,
                             cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) next = {.limit = CAIRN_HDFS_CONFIG_BYTES_MAX};
    const hdfs_setting *setting = NULL;
    size_t len = 0;
    const char *at = find_variable(config, *text, &len, &setting);

    *out_changed = at != NULL;
    if (at == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(
        buf_printf(&next, err, "%.*s%s%s", (int)(at - *text), *text, setting->value, at + len));
    mem_free(*text);
    *text = mem_strdup(buf_text(&next));
    return *text != NULL ? CAIRN_OK : error_no_memory(err, "Hadoop's configuration");
}

cairn_code hdfs_config_get(const hdfs_config *config, const char *name, cairn_buf *out,
                           cairn_error *err)
{
    const hdfs_setting *setting = find(config, name, strlen(name));
    char *text CAIRN_AUTO_FREE = setting == NULL ? NULL : mem_strdup(setting->value);
    bool changed = text != NULL;

    for (unsigned i = 0; changed && i < CAIRN_HDFS_SUBSTITUTIONS_MAX; i++) {
        CAIRN_TRY(substitute(config, &text, &changed, err));
    }
    if (text == NULL || strstr(text, "${") != NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(buf_append_text(out, text, err));
    return buf_text(out) == NULL ? error_no_memory(err, "Hadoop's configuration") : CAIRN_OK;
}
