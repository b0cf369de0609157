/*
 * The one cache of a store's keys. A thread that finds them old becomes the one that refreshes; it
 * searches without the lock. Others go on with keys that are valid, else wait for what it finds,
 * and share its failure.
 */
#include "s3_credentials.h"

#include "bounds.h"
#include "cancel.h"
#include "clock.h"
#include "errors.h"
#include "logging.h"
#include "random.h"
#include "s3_credentials_chain.h"

#include <pthread.h>
#include <string.h>

#define JITTER_MS_MAX (CAIRN_S3_REFRESH_AHEAD_MS / 4)

/* Which versions of the profile files the keys came from. */
typedef struct watched {
    char *paths[2]; /* set once, then read without the lock; NULL: none */
    bool used;      /* the keys came by way of them */
    s3_file_stamp stamps[2];
    uint64_t looked_ms;
    bool looking; /* somebody does, without the lock */
} watched;

struct s3_credentials {
    /* Immutable after new. */
    s3_sources sources;
    cairn_log log;
    uint64_t (*wall_ms)(void *context);
    void *clock_context;

    struct {
        pthread_mutex_t lock;
        pthread_cond_t ended; /* a search */
        s3_keys keys;         /* no id: none yet */
        uint64_t refresh_ms;  /* from then on they are renewed; 0: never */
        watched files;
        bool searching;
        bool warned;       /* of open files */
        uint64_t searches; /* that ended */
        bool paused;       /* the last search brought nothing new, at `pause_ms` */
        uint64_t pause_ms;
        cairn_code last_code; /* of the last search */
        cairn_error last_error;
    } synced;
};

static uint64_t real_wall_ms(void *context)
{
    (void)context;
    return clock_wall_ms();
}

static uint64_t now_of(const s3_credentials *self)
{
    return self->wall_ms(self->clock_context);
}

void s3_credentials_set_clock(s3_credentials *credentials, uint64_t (*wall_ms)(void *context),
                              void *context)
{
    credentials->wall_ms = wall_ms;
    credentials->clock_context = context;
}

/* ---- Life cycle ---- */

static cairn_code init_sync(s3_credentials *self, cairn_error *err)
{
    pthread_condattr_t attributes;
    int result = pthread_condattr_init(&attributes);

    if (result != 0) {
        return error_no_memory(err, "condition variable");
    }
    result = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    CAIRN_ASSERT(result == 0);
    result = pthread_cond_init(&self->synced.ended, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (result != 0) {
        return error_errno(err, result, "make a condition variable");
    }
    result = pthread_mutex_init(&self->synced.lock, NULL);
    CAIRN_ASSERT(result == 0);
    return CAIRN_OK;
}

cairn_code s3_credentials_new(const cairn_s3_options *options, const s3_environment *env,
                              const char *region, s3_credentials **out, cairn_error *err)
{
    CAIRN_AUTO(s3_sources) sources = {0};

    CAIRN_TRY(s3_sources_init(&sources, options, env, region, err));
    s3_credentials *self = mem_calloc(1, sizeof(*self));
    if (self == NULL) {
        return error_no_memory(err, "new credentials");
    }
    const cairn_code code = init_sync(self, err);
    if (code != CAIRN_OK) {
        mem_free(self);
        return code;
    }
    self->sources = sources;
    sources = (s3_sources){0};
    self->log = options->log;
    self->wall_ms = real_wall_ms;
    *out = self;
    return CAIRN_OK;
}

static void watched_release(watched *files)
{
    mem_free(files->paths[0]);
    mem_free(files->paths[1]);
    *files = (watched){0};
}

void s3_credentials_free(s3_credentials *credentials)
{
    if (credentials == NULL) {
        return;
    }
    (void)pthread_mutex_destroy(&credentials->synced.lock);
    (void)pthread_cond_destroy(&credentials->synced.ended);
    s3_keys_release(&credentials->synced.keys);
    watched_release(&credentials->synced.files);
    s3_sources_release(&credentials->sources);
    mem_free(credentials);
}

/* ---- What is there ---- */

static bool have_valid_locked(const s3_credentials *self, uint64_t now)
{
    const s3_keys *keys = &self->synced.keys;

    return keys->access_key_id != NULL && (keys->expires_ms == 0 || now < keys->expires_ms);
}

static bool stamps_equal(const s3_file_stamp *a, const s3_file_stamp *b)
{
    return a->size == b->size && a->inode == b->inode && a->device == b->device &&
           a->mtime_ns == b->mtime_ns;
}

/* The wall clock may be set back: then too. */
static bool passed(uint64_t since_ms, uint64_t now, uint64_t span_ms)
{
    return now < since_ms || now - since_ms >= span_ms;
}

/* A look costs two system calls, so not for each signature; they may hang (NFS), so the lock is not
 * held meanwhile. */
static bool files_changed_locked(s3_credentials *self, uint64_t now)
{
    watched *files = &self->synced.files;
    const char *const paths[] = {files->paths[0], files->paths[1]};

    if (!files->used || files->looking || !passed(files->looked_ms, now, CAIRN_S3_FILES_LOOK_MS)) {
        return false;
    }
    files->looked_ms = now;
    files->looking = true;
    (void)pthread_mutex_unlock(&self->synced.lock);
    const s3_file_stamp stamps[] = {s3_file_stamp_of(paths[0]), s3_file_stamp_of(paths[1])};
    (void)pthread_mutex_lock(&self->synced.lock);
    files->looking = false;
    const bool changed = !stamps_equal(&stamps[0], &files->stamps[0]) ||
                         !stamps_equal(&stamps[1], &files->stamps[1]);
    if (changed) {
        /* Until a search read them, each later look must find them changed. */
        files->looked_ms = now - CAIRN_S3_FILES_LOOK_MS;
    }
    return changed;
}

static bool is_paused_locked(const s3_credentials *self, uint64_t now)
{
    return self->synced.paused && !passed(self->synced.pause_ms, now, CAIRN_S3_PAUSE_MS);
}

static bool wants_search_locked(s3_credentials *self, uint64_t now)
{
    const bool old = self->synced.refresh_ms != 0 && now >= self->synced.refresh_ms;

    if (self->synced.searching || is_paused_locked(self, now)) {
        return false;
    }
    /* Others may have begun or ended a search during the look. */
    return old || (files_changed_locked(self, now) && !self->synced.searching &&
                   !is_paused_locked(self, now));
}

/* ---- A search and what follows from it ---- */

/* Keys that live shorter than twice the time ahead are renewed at half of their life: else each
 * call would ask for new ones. */
static uint64_t refresh_time(const s3_keys *keys, uint64_t now)
{
    if (keys->expires_ms == 0) {
        return 0;
    }
    const uint64_t left = keys->expires_ms > now ? keys->expires_ms - now : 0;
    const uint64_t ahead = CAIRN_S3_REFRESH_AHEAD_MS - random_u64() % JITTER_MS_MAX;
    return now + (left > 2 * ahead ? left - ahead : left / 2);
}

static void watch_locked(s3_credentials *self, s3_search *search, uint64_t now)
{
    watched *files = &self->synced.files;
    s3_profiles *profiles = &search->profiles;

    files->looked_ms = now;
    files->used = search->loaded;
    if (!search->loaded) {
        return;
    }
    if (files->paths[0] == NULL && files->paths[1] == NULL) {
        files->paths[0] = CAIRN_TAKE(profiles->config_path);
        files->paths[1] = CAIRN_TAKE(profiles->credentials_path);
    }
    files->stamps[0] = profiles->config_facts.stamp;
    files->stamps[1] = profiles->credentials_facts.stamp;
}

static void accept_locked(s3_credentials *self, s3_search *search, s3_keys *found, uint64_t now)
{
    const bool same = self->synced.keys.access_key_id != NULL &&
                      s3_keys_equal(&self->synced.keys, found);

    self->synced.refresh_ms = refresh_time(found, now);
    self->synced.paused = same;
    self->synced.pause_ms = now;
    s3_keys_move(&self->synced.keys, found);
    watch_locked(self, search, now);
}

/* What the caller of a search is responsible for alone, is neither shared nor a reason to pause. */
static bool is_own_failure(cairn_code code)
{
    return code == CAIRN_E_CANCELLED || code == CAIRN_E_TIMEOUT;
}

static void fail_locked(s3_credentials *self, cairn_code code, uint64_t now)
{
    self->synced.paused = !is_own_failure(code);
    self->synced.pause_ms = now;
}

static void warn_of_open_file(const s3_credentials *self, const char *path)
{
    log_write(&self->log, CAIRN_LOG_WARN,
              "%s can be read by others than its owner: chmod 600 it, as it holds credentials",
              path);
}

/* The lock is not held while it searches, and the sink of the log is never called under it. */
static cairn_code search_locked(s3_credentials *self, const cairn_call *call, cairn_error *err)
{
    cairn_error why = {0};
    CAIRN_AUTO(s3_keys) found = {0};
    CAIRN_AUTO(s3_search)
    search = {.sources = &self->sources, .call = call, .wall_ms = now_of(self)};

    self->synced.searching = true;
    const bool warn = !self->synced.warned;
    (void)pthread_mutex_unlock(&self->synced.lock);
    const cairn_code code = s3_search_keys(&search, &found, &why);
    const bool open = search.loaded && search.profiles.credentials_facts.open_to_others;
    if (warn && open) {
        warn_of_open_file(self, search.profiles.credentials_path);
    }
    (void)pthread_mutex_lock(&self->synced.lock);
    const uint64_t now = now_of(self);
    self->synced.warned = self->synced.warned || open;
    if (code == CAIRN_OK) {
        accept_locked(self, &search, &found, now);
    } else {
        fail_locked(self, code, now);
    }
    self->synced.searching = false;
    self->synced.searches++;
    self->synced.last_code = code;
    self->synced.last_error = why;
    (void)pthread_cond_broadcast(&self->synced.ended);
    if (code != CAIRN_OK && err != NULL) {
        *err = why;
    }
    return code;
}

/* Until the search that runs has ended, or the call must. */
static cairn_code wait_locked(s3_credentials *self, const cairn_call *call, cairn_error *err)
{
    const uint64_t before = self->synced.searches;

    while (self->synced.searches == before) {
        CAIRN_TRY(call_check(call, "wait for S3 credentials", err));
        const struct timespec until = clock_timespec(cairn_deadline_in(CAIRN_CANCEL_POLL_MS));
        (void)pthread_cond_timedwait(&self->synced.ended, &self->synced.lock, &until);
    }
    return CAIRN_OK;
}

static cairn_code last_failure_locked(const s3_credentials *self, cairn_error *err)
{
    if (err != NULL && self->synced.last_code != CAIRN_OK) {
        *err = self->synced.last_error;
    }
    return self->synced.last_code;
}

/* Makes sure that there are valid keys. `kept` tells why they were not renewed, if they are the old
 * ones. */
static cairn_code provide_locked(s3_credentials *self, const cairn_call *call, cairn_error *kept,
                                 cairn_error *err)
{
    while (!have_valid_locked(self, now_of(self))) {
        if (!self->synced.searching) {
            return search_locked(self, call, err);
        }
        CAIRN_TRY(wait_locked(self, call, err));
        const cairn_code code = self->synced.last_code;
        if (code != CAIRN_OK && !is_own_failure(code)) {
            return last_failure_locked(self, err);
        }
    }
    if (!wants_search_locked(self, now_of(self))) {
        return CAIRN_OK;
    }
    const cairn_code code = search_locked(self, call, kept);
    return code != CAIRN_OK && !have_valid_locked(self, now_of(self))
               ? last_failure_locked(self, err)
               : CAIRN_OK;
}

cairn_code s3_credentials_get(s3_credentials *credentials, const cairn_call *call, s3_keys *out,
                              cairn_error *err)
{
    cairn_error kept = {0};
    CAIRN_AUTO(s3_keys) keys = {0};

    (void)pthread_mutex_lock(&credentials->synced.lock);
    cairn_code code = provide_locked(credentials, call, &kept, err);
    code = code == CAIRN_OK ? s3_keys_copy(&credentials->synced.keys, &keys, err) : code;
    (void)pthread_mutex_unlock(&credentials->synced.lock);
    if (code == CAIRN_OK && kept.code != CAIRN_OK && !is_own_failure(kept.code)) {
        log_write(&credentials->log, CAIRN_LOG_WARN,
                  "S3 credentials of the %s are not renewed, the old ones are still valid: %s",
                  keys.origin, kept.message);
    }
    if (code == CAIRN_OK) {
        s3_keys_move(out, &keys);
    }
    return code;
}

static bool is_refused_locked(const s3_credentials *self, const char *refused_id)
{
    const char *id = self->synced.keys.access_key_id;

    return id == NULL || strcmp(id, refused_id) == 0;
}

static cairn_code renew_locked(s3_credentials *self, const cairn_call *call, const char *refused_id,
                               bool *out_new, cairn_error *err)
{
    CAIRN_AUTO(s3_keys) before = {0};

    while (is_refused_locked(self, refused_id) && self->synced.searching) {
        CAIRN_TRY(wait_locked(self, call, err));
    }
    if (!is_refused_locked(self, refused_id)) {
        *out_new = true;
        return CAIRN_OK;
    }
    if (is_paused_locked(self, now_of(self))) {
        *out_new = false;
        return last_failure_locked(self, err);
    }
    if (self->synced.keys.access_key_id != NULL) {
        CAIRN_TRY(s3_keys_copy(&self->synced.keys, &before, err));
    }
    CAIRN_TRY(search_locked(self, call, err));
    *out_new = before.access_key_id == NULL || !s3_keys_equal(&before, &self->synced.keys);
    return CAIRN_OK;
}

cairn_code s3_credentials_refresh(s3_credentials *credentials, const cairn_call *call,
                                  const char *refused_id, bool *out_new, cairn_error *err)
{
    bool is_new = false;

    (void)pthread_mutex_lock(&credentials->synced.lock);
    const cairn_code code = renew_locked(credentials, call, refused_id, &is_new, err);
    (void)pthread_mutex_unlock(&credentials->synced.lock);
    if (code == CAIRN_OK) {
        *out_new = is_new;
    }
    return code;
}
