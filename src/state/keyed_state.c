#include "keyed_state.h"

#include "bounds.h"
#include "encode.h"
#include "errors.h"
#include "state_handle.h"
#include "state_key.h"

#include <string.h>

/* RocksDB makes this family by itself, so a state of that name finds it rather than creates it. */
#define DEFAULT_FAMILY "default"

struct keyed_state {
    rocks_db *db; /* borrowed */
    uint32_t max_parallelism;
    cairn_key_group_range range;
    cairn_buf key_bytes; /* reused by every set_key */
    current_key current;
    /* Both arrays have `capacity` places and go together; handles don't move when others come. */
    cairn_state_info *infos;
    cairn_value_state **handles;
    size_t count;
    size_t capacity;
};

static void info_release(cairn_state_info *info)
{
    mem_free(info->name);
    mem_free(info->key_serializer.id);
    mem_free(info->value_serializer.id);
    *info = (cairn_state_info){0};
}

CAIRN_DEFINE_AUTO(cairn_state_info, info_release)

static void info_move(cairn_state_info *from, cairn_state_info *to)
{
    *to = *from;
    *from = (cairn_state_info){0};
}

static cairn_code text_copy(const char *text, char **out, cairn_error *err)
{
    *out = mem_strdup(text);
    return *out == NULL ? error_no_memory(err, "state registry") : CAIRN_OK;
}

static cairn_code info_copy(const cairn_state_info *from, cairn_state_info *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_state_info) copy = *from;

    copy.name = NULL;
    copy.key_serializer.id = NULL;
    copy.value_serializer.id = NULL;
    CAIRN_TRY(text_copy(from->name, &copy.name, err));
    CAIRN_TRY(text_copy(from->key_serializer.id, &copy.key_serializer.id, err));
    CAIRN_TRY(text_copy(from->value_serializer.id, &copy.value_serializer.id, err));
    info_move(&copy, out);
    return CAIRN_OK;
}

/* The place of `name` in the registry, or where it belongs. */
static size_t find(const keyed_state *states, const char *name, bool *out_found)
{
    size_t low = 0;
    size_t high = states->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(states->infos[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_found = low < states->count && strcmp(states->infos[low].name, name) == 0;
    return low;
}

static cairn_code reserve_one(keyed_state *states, cairn_error *err)
{
    size_t capacity = states->capacity == 0 ? 4 : 2 * states->capacity;
    void *block;

    if (states->count == CAIRN_STATES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "more than %d states", CAIRN_STATES_MAX);
    }
    if (states->count < states->capacity) {
        return CAIRN_OK;
    }
    block = mem_realloc_array(states->infos, capacity, sizeof(*states->infos));
    if (block == NULL) {
        return error_no_memory(err, "state registry");
    }
    states->infos = block;
    block = mem_realloc_array(states->handles, capacity, sizeof(cairn_value_state *));
    if (block == NULL) {
        return error_no_memory(err, "state registry");
    }
    states->handles = block;
    states->capacity = capacity;
    return CAIRN_OK;
}

/* Takes both; cannot fail after reserve_one. */
static void insert_at(keyed_state *states, size_t place, cairn_state_info *info,
                      cairn_value_state *handle)
{
    size_t after = states->count - place;

    CAIRN_ASSERT(states->count < states->capacity);
    memmove(states->infos + place + 1, states->infos + place, after * sizeof(*states->infos));
    memmove(states->handles + place + 1, states->handles + place,
            after * sizeof(cairn_value_state *));
    info_move(info, &states->infos[place]);
    states->handles[place] = handle;
    states->count++;
}

static cairn_code add_restored(keyed_state *states, const cairn_state_info *from, cairn_error *err)
{
    CAIRN_AUTO(cairn_state_info) info = {0};
    CAIRN_AUTO_FREE cairn_value_state *handle = mem_calloc(1, sizeof(*handle));
    bool found;
    size_t place = find(states, from->name, &found);

    if (handle == NULL) {
        return error_no_memory(err, "state");
    }
    if (found) {
        return error_set(err, CAIRN_E_INTEGRITY, "restored state '%s' is named twice", from->name);
    }
    *handle = (cairn_value_state){states->db, rocks_family_find(states->db, from->name),
                                  &states->current};
    if (handle->family == NULL) {
        return error_set(err, CAIRN_E_INTEGRITY, "restored state '%s' has no column family",
                         from->name);
    }
    CAIRN_TRY(info_copy(from, &info, err));
    CAIRN_TRY(reserve_one(states, err));
    insert_at(states, place, &info, CAIRN_TAKE(handle));
    return CAIRN_OK;
}

static cairn_code check_options(const keyed_state_options *options, cairn_error *err)
{
    if (options->max_parallelism == 0 || options->max_parallelism > CAIRN_PARALLELISM_MAX ||
        options->range.first > options->range.last ||
        options->range.last >= options->max_parallelism) {
        return error_set(err, CAIRN_E_INVALID, "keyed state: key groups %u..%u of %u",
                         options->range.first, options->range.last, options->max_parallelism);
    }
    return CAIRN_OK;
}

cairn_code keyed_state_new(const keyed_state_options *options, keyed_state **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(keyed_state_free) keyed_state *states = NULL;

    CAIRN_TRY(check_options(options, err));
    states = mem_calloc(1, sizeof(*states));
    if (states == NULL) {
        return error_no_memory(err, "keyed state");
    }
    states->db = options->db;
    states->max_parallelism = options->max_parallelism;
    states->range = options->range;
    for (size_t i = 0; i < options->restored_count; i++) {
        CAIRN_TRY(add_restored(states, &options->restored[i], err));
    }
    *out = CAIRN_TAKE(states);
    return CAIRN_OK;
}

void keyed_state_free(keyed_state *states)
{
    if (states == NULL) {
        return;
    }
    for (size_t i = 0; i < states->count; i++) {
        info_release(&states->infos[i]);
        mem_free(states->handles[i]);
    }
    mem_free(states->infos);
    mem_free(states->handles);
    cairn_buf_release(&states->key_bytes);
    mem_free(states);
}

static cairn_code encode_current(keyed_state *states, cairn_slice key, uint32_t key_group,
                                 cairn_error *err)
{
    cairn_slice void_namespace = {NULL, 0};

    CAIRN_TRY(state_key_begin(&states->key_bytes, key_group, states->max_parallelism, key, err));
    return state_key_append_namespace(&states->key_bytes, void_namespace, err);
}

/* A caller that overlooks a failure must not go on under the key before. */
static cairn_code begin_key(keyed_state *states, cairn_slice key, cairn_error *err)
{
    states->current.bytes = (cairn_slice){NULL, 0};
    if (key.data == NULL && key.len > 0) {
        return error_set(err, CAIRN_E_INVALID, "set key: %zu bytes at NULL", key.len);
    }
    if (key.len > CAIRN_KEY_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "set key: %zu bytes, at most %zu are allowed", key.len,
                         CAIRN_KEY_BYTES_MAX);
    }
    return CAIRN_OK;
}

static cairn_code finish_key(keyed_state *states, cairn_slice key, uint32_t key_group,
                             cairn_error *err)
{
    if (key_group < states->range.first || key_group > states->range.last) {
        return error_set(err, CAIRN_E_INVALID, "set key: key group %u is not owned (%u..%u are)",
                         key_group, states->range.first, states->range.last);
    }
    CAIRN_TRY(encode_current(states, key, key_group, err));
    states->current.bytes = (cairn_slice){states->key_bytes.data, states->key_bytes.len};
    return CAIRN_OK;
}

cairn_code keyed_state_set_key_in_group(keyed_state *states, cairn_slice key, uint32_t key_group,
                                        cairn_error *err)
{
    CAIRN_TRY(begin_key(states, key, err));
    return finish_key(states, key, key_group, err);
}

cairn_code keyed_state_set_key(keyed_state *states, cairn_slice key, cairn_error *err)
{
    CAIRN_TRY(begin_key(states, key, err));
    return finish_key(states, key, cairn_key_group_of(key, states->max_parallelism), err);
}

static cairn_code check_name(const char *what, const char *name, cairn_error *err)
{
    if (name == NULL || !is_safe_name(cairn_slice_of(name))) {
        return error_set(err, CAIRN_E_INVALID,
                         "open state: the %s must match ^[A-Za-z0-9._-]{1,255}$", what);
    }
    return CAIRN_OK;
}

static cairn_code check_descriptor(const cairn_state_descriptor *descriptor, cairn_error *err)
{
    if (descriptor == NULL || descriptor->version != CAIRN_STATE_DESCRIPTOR_VERSION) {
        return error_set(err, CAIRN_E_INVALID, "open state: no descriptor of version %d",
                         CAIRN_STATE_DESCRIPTOR_VERSION);
    }
    CAIRN_TRY(check_name("name", descriptor->name, err));
    CAIRN_TRY(check_name("key serializer", descriptor->key_serializer, err));
    return check_name("value serializer", descriptor->value_serializer, err);
}

static cairn_code check_serializer(const char *state, const char *what,
                                   const cairn_serializer_id *stored, const char *id,
                                   uint32_t version, cairn_error *err)
{
    if (strcmp(stored->id, id) != 0 || stored->version != version) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "open state '%s': its %s serializer is %s version %u, not %s version %u",
                         state, what, stored->id, stored->version, id, version);
    }
    return CAIRN_OK;
}

static cairn_code check_same(const cairn_state_info *stored,
                             const cairn_state_descriptor *descriptor, cairn_error *err)
{
    if (stored->kind != CAIRN_STATE_VALUE) {
        return error_set(err, CAIRN_E_INCOMPATIBLE, "open state '%s': it is not a value state",
                         stored->name);
    }
    CAIRN_TRY(check_serializer(stored->name, "key", &stored->key_serializer,
                               descriptor->key_serializer, descriptor->key_serializer_version,
                               err));
    return check_serializer(stored->name, "value", &stored->value_serializer,
                            descriptor->value_serializer, descriptor->value_serializer_version,
                            err);
}

static cairn_code describe(const cairn_state_descriptor *descriptor, cairn_state_info *out,
                           cairn_error *err)
{
    CAIRN_AUTO(cairn_state_info)
    info = {
        .kind = CAIRN_STATE_VALUE,
        .key_serializer = {NULL, descriptor->key_serializer_version},
        .value_serializer = {NULL, descriptor->value_serializer_version},
    };

    CAIRN_TRY(text_copy(descriptor->name, &info.name, err));
    CAIRN_TRY(text_copy(descriptor->key_serializer, &info.key_serializer.id, err));
    CAIRN_TRY(text_copy(descriptor->value_serializer, &info.value_serializer.id, err));
    info_move(&info, out);
    return CAIRN_OK;
}

/* A family that nobody registered holds bytes of unknown serializers. */
static cairn_code family_of_new(rocks_db *db, const char *name, rocks_family **out,
                                cairn_error *err)
{
    rocks_family *family = rocks_family_find(db, name);

    if (family == NULL) {
        return rocks_family_create(db, name, out, err);
    }
    if (strcmp(name, DEFAULT_FAMILY) != 0) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "open state '%s': its column family exists, but no checkpoint names it",
                         name);
    }
    *out = family;
    return CAIRN_OK;
}

/* The family comes last: what fails before leaves nothing behind in the database. */
static cairn_code add_new(keyed_state *states, size_t place,
                          const cairn_state_descriptor *descriptor, cairn_error *err)
{
    CAIRN_AUTO(cairn_state_info) info = {0};
    CAIRN_AUTO_FREE cairn_value_state *handle = mem_calloc(1, sizeof(*handle));
    rocks_family *family = NULL;

    if (handle == NULL) {
        return error_no_memory(err, "state");
    }
    CAIRN_TRY(describe(descriptor, &info, err));
    CAIRN_TRY(reserve_one(states, err));
    CAIRN_TRY(family_of_new(states->db, descriptor->name, &family, err));
    *handle = (cairn_value_state){states->db, family, &states->current};
    insert_at(states, place, &info, CAIRN_TAKE(handle));
    return CAIRN_OK;
}

cairn_code keyed_state_open_value(keyed_state *states, const cairn_state_descriptor *descriptor,
                                  cairn_value_state **out, cairn_error *err)
{
    bool found;
    size_t place;

    CAIRN_TRY(check_descriptor(descriptor, err));
    place = find(states, descriptor->name, &found);
    CAIRN_TRY(found ? check_same(&states->infos[place], descriptor, err)
                    : add_new(states, place, descriptor, err));
    *out = states->handles[place];
    return CAIRN_OK;
}

const cairn_state_info *keyed_state_infos(const keyed_state *states, size_t *out_count)
{
    *out_count = states->count;
    return states->infos;
}
