#include "session.h"

#include "epoch.h"
#include "errors.h"

layout_writer session_writer(const session *self)
{
    return (layout_writer){self->operator_uid, 0, self->epoch, self->attempt};
}

void session_set_fenced(session *self, const cairn_error *err)
{
    (void)pthread_mutex_lock(&self->synced.lock);
    if (!self->synced.fenced) {
        self->synced.fenced = true;
        self->synced.fenced_error = *err;
    }
    (void)pthread_mutex_unlock(&self->synced.lock);
}

cairn_code session_check(session *self, cairn_error *err)
{
    (void)pthread_mutex_lock(&self->synced.lock);
    bool fenced = self->synced.fenced;
    if (fenced && err != NULL) {
        *err = self->synced.fenced_error;
    }
    (void)pthread_mutex_unlock(&self->synced.lock);
    return fenced ? CAIRN_E_FENCED : CAIRN_OK;
}

cairn_code session_look(session *self, const cairn_call *call, cairn_error *err)
{
    cairn_error local = {0};

    cairn_code code = epoch_look(self->root, call, self->epoch, &local);
    if (code == CAIRN_E_FENCED) {
        session_set_fenced(self, &local);
    }
    if (code != CAIRN_OK && err != NULL) {
        *err = local;
    }
    return code;
}

cairn_code ledger_push(ledger *self, cairn_manifest *manifest, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *owned = manifest;

    if (self->chain_count > 0 && self->chain[0]->id == manifest->id) {
        return CAIRN_OK; /* a commit that was settled once more */
    }
    if (self->chain_count == self->chain_capacity) {
        size_t capacity = self->chain_capacity == 0 ? 8 : self->chain_capacity * 2;
        cairn_manifest **chain = mem_realloc_array(self->chain, capacity, sizeof(cairn_manifest *));
        if (chain == NULL) {
            return error_no_memory(err, "list of checkpoints");
        }
        self->chain = chain;
        self->chain_capacity = capacity;
    }
    for (size_t i = self->chain_count; i > 0; i--) {
        self->chain[i] = self->chain[i - 1];
    }
    self->chain[0] = CAIRN_TAKE(owned);
    self->chain_count++;
    return CAIRN_OK;
}

cairn_code ledger_add_aborted(ledger *self, uint64_t id, cairn_error *err)
{
    if (self->aborted_count == self->aborted_capacity) {
        size_t capacity = self->aborted_capacity == 0 ? 8 : self->aborted_capacity * 2;
        uint64_t *aborted = mem_realloc_array(self->aborted, capacity, sizeof *aborted);
        if (aborted == NULL) {
            return error_no_memory(err, "list of aborted checkpoints");
        }
        self->aborted = aborted;
        self->aborted_capacity = capacity;
    }
    self->aborted[self->aborted_count++] = id;
    return CAIRN_OK;
}

void ledger_release(ledger *self)
{
    for (size_t i = 0; i < self->chain_count; i++) {
        cairn_manifest_free(self->chain[i]);
    }
    mem_free(self->chain);
    mem_free(self->aborted);
    engine_files_release(&self->base);
    key_list_release(&self->undecided_keys);
    key_list_release(&self->certificates);
    *self = (ledger){0};
}
