#include "state_descriptor.h"

#include "bounds.h"
#include "encode.h"
#include "errors.h"
#include "state_handle.h"

#include <string.h>

static cairn_code check_name(const char *what, const char *name, cairn_error *err)
{
    if (name == NULL || !is_safe_name(cairn_slice_of(name))) {
        return error_set(err, CAIRN_E_INVALID,
                         "open state: the %s must match ^[A-Za-z0-9._-]{1,255}$", what);
    }
    return CAIRN_OK;
}

static cairn_code check_ttl(const cairn_ttl *ttl, cairn_error *err)
{
    if (ttl->update < CAIRN_TTL_ON_CREATE_AND_WRITE || ttl->update > CAIRN_TTL_ON_READ_AND_WRITE ||
        ttl->visibility < CAIRN_TTL_NEVER_RETURN_EXPIRED ||
        ttl->visibility > CAIRN_TTL_RETURN_EXPIRED_IF_NOT_CLEANED_UP) {
        return error_set(err, CAIRN_E_INVALID,
                         "open state: update or visibility of the time to "
                         "live is unknown");
    }
    return CAIRN_OK;
}

static bool is_from(const cairn_migration *migration, const char *id, uint32_t version)
{
    return strcmp(migration->from_serializer, id) == 0 && migration->from_version == version;
}

/* NULL: there is none among the first `count`. */
static const cairn_migration *find_migration(const cairn_state_descriptor *descriptor, size_t count,
                                             const char *id, uint32_t version)
{
    for (size_t i = 0; i < count; i++) {
        if (is_from(&descriptor->migrations[i], id, version)) {
            return &descriptor->migrations[i];
        }
    }
    return NULL;
}

static cairn_code check_migration(const cairn_state_descriptor *descriptor, size_t index,
                                  cairn_error *err)
{
    const cairn_migration *const migration = &descriptor->migrations[index];

    CAIRN_TRY(check_name("serializer that a migration begins at", migration->from_serializer, err));
    if (migration->convert == NULL) {
        return error_set(err, CAIRN_E_INVALID, "open state: the migration from %s has no convert",
                         migration->from_serializer);
    }
    if (find_migration(descriptor, index, migration->from_serializer, migration->from_version) !=
        NULL) {
        return error_set(err, CAIRN_E_INVALID, "open state: two migrations from %s version %u",
                         migration->from_serializer, migration->from_version);
    }
    return CAIRN_OK;
}

static cairn_code check_migrations(const cairn_state_descriptor *descriptor, cairn_error *err)
{
    const size_t count = descriptor->migration_count;

    if (count > CAIRN_MIGRATIONS_MAX || (count > 0 && descriptor->migrations == NULL)) {
        return error_set(err, CAIRN_E_INVALID, "open state: %zu migrations, %s", count,
                         count > CAIRN_MIGRATIONS_MAX ? "which are too many" : "but none is named");
    }
    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(check_migration(descriptor, i, err));
    }
    return CAIRN_OK;
}

cairn_code state_descriptor_check(const cairn_state_descriptor *descriptor, cairn_error *err)
{
    if (descriptor == NULL || descriptor->version != CAIRN_STATE_DESCRIPTOR_VERSION) {
        return error_set(err, CAIRN_E_INVALID, "open state: no descriptor of version %d",
                         CAIRN_STATE_DESCRIPTOR_VERSION);
    }
    CAIRN_TRY(check_name("name", descriptor->name, err));
    CAIRN_TRY(check_name("key serializer", descriptor->key_serializer, err));
    CAIRN_TRY(check_name("value serializer", descriptor->value_serializer, err));
    CAIRN_TRY(check_ttl(&descriptor->ttl, err));
    return check_migrations(descriptor, err);
}

static bool is_same(const cairn_serializer_id *stored, const char *id, uint32_t version)
{
    return strcmp(stored->id, id) == 0 && stored->version == version;
}

static cairn_code compare_key(const cairn_state_info *stored,
                              const cairn_state_descriptor *descriptor, cairn_error *err)
{
    const cairn_serializer_id *const key = &stored->key_serializer;

    if (is_same(key, descriptor->key_serializer, descriptor->key_serializer_version)) {
        return CAIRN_OK;
    }
    return error_set(err, CAIRN_E_INCOMPATIBLE,
                     "open state '%s': its key serializer is %s version %u, not %s version %u; "
                     "keys are never migrated",
                     stored->name, key->id, key->version, descriptor->key_serializer,
                     descriptor->key_serializer_version);
}

static cairn_code compare_value(const cairn_state_info *stored,
                                const cairn_state_descriptor *descriptor,
                                const cairn_migration **out, cairn_error *err)
{
    const cairn_serializer_id *const value = &stored->value_serializer;
    const cairn_migration *migration = NULL;

    if (!is_same(value, descriptor->value_serializer, descriptor->value_serializer_version)) {
        migration =
            find_migration(descriptor, descriptor->migration_count, value->id, value->version);
        if (migration == NULL) {
            return error_set(err, CAIRN_E_INCOMPATIBLE,
                             "open state '%s': its value serializer is %s version %u, not %s "
                             "version %u, and no migration from the one to the other is registered",
                             stored->name, value->id, value->version, descriptor->value_serializer,
                             descriptor->value_serializer_version);
        }
    }
    *out = migration;
    return CAIRN_OK;
}

cairn_code state_descriptor_compare(const cairn_state_info *stored, cairn_state_kind kind,
                                    const cairn_state_descriptor *descriptor,
                                    const cairn_migration **out_migration, cairn_error *err)
{
    if (stored->kind != kind) {
        return error_set(err, CAIRN_E_INCOMPATIBLE, "open state '%s': its kind is %s, not %s",
                         stored->name, state_kind_name(stored->kind), state_kind_name(kind));
    }
    CAIRN_TRY(compare_key(stored, descriptor, err));
    return compare_value(stored, descriptor, out_migration, err);
}

static cairn_code text_copy(const char *text, char **out, cairn_error *err)
{
    *out = mem_strdup(text);
    return *out == NULL ? error_no_memory(err, "state descriptor") : CAIRN_OK;
}

cairn_code state_descriptor_describe(const cairn_state_descriptor *descriptor,
                                     cairn_state_kind kind, cairn_state_info *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_state_info)
    info = {
        .kind = kind,
        .key_serializer = {NULL, descriptor->key_serializer_version},
        .value_serializer = {NULL, descriptor->value_serializer_version},
        .ttl_ms = descriptor->ttl.ttl_ms,
    };

    CAIRN_TRY(text_copy(descriptor->name, &info.name, err));
    CAIRN_TRY(text_copy(descriptor->key_serializer, &info.key_serializer.id, err));
    CAIRN_TRY(text_copy(descriptor->value_serializer, &info.value_serializer.id, err));
    state_info_move(&info, out);
    return CAIRN_OK;
}
