#include "gc_run.h"

#include "clock.h"
#include "epoch.h"
#include "errors.h"
#include "failpoint.h"
#include "logging.h"
#include "random.h"

#include <inttypes.h>
#include <string.h>

/*
 * GC may only judge a job whose newest attempt has said what it starts from, and a worker only its
 * own: between its commit and this pass a newer attempt may have begun.
 */
static cairn_code check_epoch(const gc_rules *rules, const timeline *line, cairn_error *err)
{
    if (rules->own_epoch != 0 && line->claimed != rules->own_epoch) {
        return error_set(err, CAIRN_E_FENCED,
                         "epoch %" PRIu64 " was claimed by a newer attempt; this one is epoch "
                         "%" PRIu64 " and stops",
                         line->claimed, rules->own_epoch);
    }
    if (line->claimed != line->started) {
        return error_set(err, CAIRN_E_STATE,
                         "collect garbage: epoch %" PRIu64 " is claimed but not started; try again "
                         "when its worker runs",
                         line->claimed);
    }
    return CAIRN_OK;
}

static cairn_code write_certificate(const gc_run *run, uint64_t epoch, const gc_plan *plan,
                                    layout_key *out_key, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {.limit = CAIRN_CERTIFICATE_BYTES_MAX};
    record_certificate certificate = {.job = (char *)(uintptr_t)run->job,
                                      .epoch = epoch,
                                      .made_ms = clock_wall_ms(),
                                      .boundary = plan->boundary,
                                      .head = plan->head,
                                      .manifests_read = plan->manifests_read,
                                      .manifests_read_count = plan->manifests_read_count,
                                      .victims = plan->victims.items,
                                      .victim_count = plan->victims.count};

    random_id(certificate.id);
    *out_key = layout_certificate(plan->boundary, certificate.id);
    CAIRN_TRY(record_certificate_print(&certificate, &document, err));
    CAIRN_FAILPOINT("retention.certificate.before", err);
    CAIRN_TRY(cairn_store_put(run->root, run->call, out_key->text, cairn_buf_slice(&document),
                              CAIRN_PUT_CREATE, err));
    CAIRN_FAILPOINT("retention.certificate.after", err);
    return CAIRN_OK;
}

/* Victims that are deleted together. */
typedef struct disposal {
    const gc_run *run;
    char *const *keys;
    size_t kept;         /* the store refuses to delete them */
    size_t failed;       /* for any other reason */
    cairn_error problem; /* of the first of these */
} disposal;

static void note_kept(void *context, size_t index, const cairn_error *why)
{
    disposal *d = context;

    if (why->code == CAIRN_E_ACCESS) {
        d->kept++;
        log_write(d->run->log, CAIRN_LOG_WARN, "%s is kept: the store refuses to delete it",
                  d->keys[index]);
        return;
    }
    if (d->failed++ == 0) {
        d->problem = *why;
    }
}

/* Objects that the store holds (object lock) are kept, not an error. */
static cairn_code dispose(const gc_run *run, char *const *keys, size_t count,
                          cairn_gc_report *report, bool *out_kept, cairn_error *err)
{
    disposal d = {.run = run, .keys = keys};
    const cairn_delete_watch watch = {note_kept, &d};
    cairn_error problem = {0};
    const cairn_code code = cairn_store_delete_many(run->root, run->call, (const char *const *)keys,
                                                    count, &watch, &problem);

    if (code != CAIRN_OK && d.kept + d.failed == 0) {
        return error_set(err, code, "%s", problem.message);
    }
    report->kept += d.kept;
    report->deleted += count - d.kept - d.failed;
    *out_kept = d.kept > 0;
    return d.failed == 0 ? CAIRN_OK : error_set(err, d.problem.code, "%s", d.problem.message);
}

/* Manifests before data; while a manifest is kept, so is all data of this pass: what a standing
 * manifest names must stand. */
static cairn_code delete_victims(const gc_run *run, const gc_plan *plan, cairn_gc_report *report,
                                 cairn_error *err)
{
    const size_t manifests = plan->manifest_victims;
    const size_t data = plan->victims.count - manifests;
    bool kept = false;

    CAIRN_TRY(dispose(run, plan->victims.items, manifests, report, &kept, err));
    if (manifests > 0) {
        CAIRN_FAILPOINT("retention.manifest.deleted", err);
    }
    if (kept) {
        report->kept += data;
        return CAIRN_OK;
    }
    CAIRN_TRY(dispose(run, plan->victims.items + manifests, data, report, &kept, err));
    if (data > 0) {
        CAIRN_FAILPOINT("retention.data.deleted", err);
    }
    return CAIRN_OK;
}

/*
 * Certificate, look, deletes. The look comes after the certificate and before the first delete.
 * `written` (may be NULL) remembers the certificate.
 */
static cairn_code carry_out(const gc_run *run, uint64_t epoch, const gc_plan *plan,
                            key_list *written, cairn_gc_report *report, cairn_error *err)
{
    layout_key certificate;

    CAIRN_FAILPOINT("retention.plan.after", err);
    CAIRN_TRY(write_certificate(run, epoch, plan, &certificate, err));
    if (written != NULL) {
        CAIRN_TRY(key_list_add(written, certificate.text, err));
    }
    CAIRN_TRY(epoch_look(run->root, run->call, epoch, err));
    CAIRN_FAILPOINT("retention.look.after", err);
    return delete_victims(run, plan, report, err);
}

cairn_code gc_run_from_storage(const gc_run *run, cairn_gc_report *report, cairn_error *err)
{
    CAIRN_AUTO(timeline) line = {0};
    CAIRN_AUTO(gc_plan) plan = {0};

    CAIRN_TRY(timeline_read(run->root, run->call, run->job, &line, err));
    CAIRN_TRY(check_epoch(&run->rules, &line, err));
    CAIRN_TRY(epoch_look(run->root, run->call, line.claimed, err));
    CAIRN_TRY(gc_plan_make(&line, &run->rules, &plan, err));
    *report = (cairn_gc_report){
        .boundary = plan.boundary, .objects = line.objects.count, .victims = plan.victims.count};
    for (size_t i = 0; run->visit != NULL && i < plan.victims.count; i++) {
        run->visit(run->visit_context, plan.victims.items[i]);
    }
    if (!run->execute || plan.victims.count == 0) {
        return CAIRN_OK;
    }
    return carry_out(run, line.claimed, &plan, NULL, report, err);
}

/* Ids of aborted checkpoints below the boundary go with it. */
static cairn_code retire_aborted(const ledger *known, gc_plan *plan, cairn_error *err)
{
    for (size_t i = 0; i < known->aborted_count; i++) {
        if (known->aborted[i] < plan->boundary) {
            layout_key key = layout_manifest(known->aborted[i]);
            CAIRN_TRY(key_list_add(&plan->victims, key.text, err));
        }
    }
    return CAIRN_OK;
}

static cairn_code retire_manifests(const session *self, size_t kept, key_list *named, gc_plan *plan,
                                   cairn_error *err)
{
    const ledger *known = &self->ledger;

    for (size_t i = known->chain_count; i-- > kept;) {
        layout_key key = layout_manifest(known->chain[i]->id);
        CAIRN_TRY(key_list_add(&plan->victims, key.text, err));
        CAIRN_TRY(gc_add_named(known->chain[i], named, err));
    }
    return retire_aborted(known, plan, err);
}

/* Of the keys that retired manifests name, those that no kept one names. */
static cairn_code retire_data(const session *self, size_t kept, key_list *named, gc_plan *plan,
                              cairn_error *err)
{
    CAIRN_AUTO(key_list) live = {0};
    const char *last = "";

    for (size_t i = 0; i < kept; i++) {
        CAIRN_TRY(gc_add_named(self->ledger.chain[i], &live, err));
    }
    key_list_sort(&live);
    key_list_sort(named);
    for (size_t i = 0; i < named->count; i++) {
        const char *key = named->items[i];
        if (strcmp(key, last) != 0 && !key_list_contains(&live, key)) {
            CAIRN_TRY(key_list_add(&plan->victims, key, err));
        }
        last = key;
    }
    return CAIRN_OK;
}

static cairn_code note_manifests_read(const session *self, gc_plan *plan, cairn_error *err)
{
    const ledger *known = &self->ledger;

    plan->manifests_read = mem_calloc(known->chain_count, sizeof *plan->manifests_read);
    if (plan->manifests_read == NULL) {
        return error_no_memory(err, "retention");
    }
    plan->manifests_read_count = known->chain_count;
    for (size_t i = 0; i < known->chain_count; i++) {
        plan->manifests_read[i] = known->chain[i]->id;
    }
    return CAIRN_OK;
}

/* The oldest certificates of this attempt beyond those that are kept; the pass adds one. */
static size_t excess_certificates(const session *self)
{
    size_t count = self->ledger.certificates.count + 1;

    return count > CAIRN_CERTIFICATES_KEPT ? count - CAIRN_CERTIFICATES_KEPT : 0;
}

static cairn_code retire_certificates(const session *self, gc_plan *plan, cairn_error *err)
{
    for (size_t i = 0; i < excess_certificates(self); i++) {
        CAIRN_TRY(key_list_add(&plan->victims, self->ledger.certificates.items[i], err));
    }
    return CAIRN_OK;
}

static cairn_code plan_retention(const session *self, size_t kept, gc_plan *plan, cairn_error *err)
{
    CAIRN_AUTO(key_list) named = {0};

    /* Each is older than the one before: else retention would delete what it keeps. */
    for (size_t i = 1; i < self->ledger.chain_count; i++) {
        CAIRN_ASSERT(self->ledger.chain[i]->id < self->ledger.chain[i - 1]->id);
    }
    plan->boundary = self->ledger.chain[kept - 1]->id;
    plan->head = self->ledger.chain[0]->id;
    CAIRN_TRY(note_manifests_read(self, plan, err));
    CAIRN_TRY(retire_manifests(self, kept, &named, plan, err));
    plan->manifest_victims = plan->victims.count;
    CAIRN_TRY(retire_data(self, kept, &named, plan, err));
    return retire_certificates(self, plan, err);
}

/* Forgets what was deleted. */
static void forget(session *self, const gc_plan *plan, size_t kept)
{
    ledger *known = &self->ledger;
    key_list *certificates = &known->certificates;
    size_t left = 0;

    while (known->chain_count > kept) {
        cairn_manifest_free(known->chain[--known->chain_count]);
    }
    for (size_t i = 0; i < known->aborted_count; i++) {
        if (known->aborted[i] >= plan->boundary) {
            known->aborted[left++] = known->aborted[i];
        }
    }
    known->aborted_count = left;
    while (certificates->count > CAIRN_CERTIFICATES_KEPT) {
        mem_free(certificates->items[0]);
        memmove(certificates->items, certificates->items + 1,
                --certificates->count * sizeof *certificates->items);
    }
}

/* Steady state: no listing, everything is known. */
static cairn_code retire_known(session *self, const gc_run *run, cairn_error *err)
{
    CAIRN_AUTO(gc_plan) plan = {0};
    cairn_gc_report report = {0};
    size_t kept = self->num_retained;

    if (self->ledger.chain_count <= kept) {
        return CAIRN_OK;
    }
    CAIRN_TRY(plan_retention(self, kept, &plan, err));
    CAIRN_TRY(carry_out(run, self->epoch, &plan, &self->ledger.certificates, &report, err));
    if (report.kept == 0) {
        forget(self, &plan, kept);
    }
    return CAIRN_OK;
}

/* The first pass of an epoch: what older epochs left behind goes too. */
static cairn_code sweep(session *self, const gc_run *run, cairn_error *err)
{
    cairn_gc_report report = {0};

    CAIRN_TRY(gc_run_from_storage(run, &report, err));
    self->ledger.swept = true;
    if (report.deleted > 0) {
        log_write(self->log, CAIRN_LOG_INFO,
                  "deleted %" PRIu64 " objects that no checkpoint needs any more", report.deleted);
    }
    while (self->ledger.chain_count > self->num_retained) {
        cairn_manifest_free(self->ledger.chain[--self->ledger.chain_count]);
    }
    return CAIRN_OK;
}

cairn_code retention_run(void *argument, cairn_error *err)
{
    session *self = argument;
    cairn_call call = {cairn_deadline_in(CAIRN_RETENTION_TIMEOUT_MS), self->closing};
    cairn_error problem = {0};
    gc_run run = {.root = self->root,
                  .call = &call,
                  .job = self->job,
                  .rules = {.num_retained = self->num_retained, .own_epoch = self->epoch},
                  .execute = true,
                  .log = self->log};

    (void)err;
    cairn_code code = self->ledger.swept ? retire_known(self, &run, &problem)
                                         : sweep(self, &run, &problem);
    if (code == CAIRN_E_FENCED) {
        session_set_fenced(self, &problem);
    } else if (code != CAIRN_OK && code != CAIRN_E_CANCELLED) {
        log_write(self->log, CAIRN_LOG_WARN, "retention failed, it will be repeated: %s",
                  problem.message);
    }
    return CAIRN_OK;
}
