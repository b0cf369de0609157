#include "s3_ahead.h"

#include "errors.h"
#include "workpool.h"

/* One part that is hashed, or waits to be taken. */
typedef struct slot {
    workgroup *group; /* of its one job */
    http_source source;
    s3_digests digests;
} slot;

struct s3_ahead {
    s3_ahead_plan plan;
    workpool *pool; /* NULL: there is no thread, nothing is begun */
    unsigned begun;
    unsigned taken;
    slot slots[CAIRN_S3_AHEAD_MAX]; /* part i has slot i % lead */
};

http_source s3_ahead_source(const s3_ahead_plan *plan, uint64_t index)
{
    const uint64_t offset = index * plan->part_bytes;
    const uint64_t rest = plan->body->source.length - offset;

    return s3_body_part(plan->body, offset, rest < plan->part_bytes ? rest : plan->part_bytes);
}

void s3_ahead_free(s3_ahead *ahead)
{
    if (ahead == NULL) {
        return;
    }
    workpool_free(ahead->pool);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(ahead->slots); i++) {
        workgroup_free(ahead->slots[i].group);
    }
    mem_free(ahead);
}

static cairn_code hash(void *argument, cairn_error *err)
{
    slot *s = argument;

    return s3_digest(&s->source, &s->digests, err);
}

/* As many as may be ahead. */
static cairn_code begin_parts(s3_ahead *ahead, cairn_error *err)
{
    const s3_ahead_plan *plan = &ahead->plan;

    while (ahead->pool != NULL && ahead->begun < plan->parts &&
           ahead->begun - ahead->taken < plan->lead) {
        slot *s = &ahead->slots[ahead->begun % plan->lead];
        s->source = s3_ahead_source(plan, ahead->begun);
        s->digests = (s3_digests){.by_crc32c = plan->by_crc32c};
        CAIRN_TRY(workgroup_new(ahead->pool, &s->group, err));
        CAIRN_TRY(workgroup_submit(s->group, hash, s, err));
        ahead->begun++;
    }
    return CAIRN_OK;
}

cairn_code s3_ahead_new(const s3_ahead_plan *plan, s3_ahead **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(s3_ahead_free) s3_ahead *ahead = mem_calloc(1, sizeof(*ahead));

    CAIRN_ASSERT(plan->lead >= 1 && plan->lead <= CAIRN_S3_AHEAD_MAX);
    if (ahead == NULL) {
        return error_no_memory(err, "an upload");
    }
    ahead->plan = *plan;
    (void)workpool_new(1, &ahead->pool, NULL);
    CAIRN_TRY(begin_parts(ahead, err));
    *out = CAIRN_TAKE(ahead);
    return CAIRN_OK;
}

static slot *next_slot(s3_ahead *ahead)
{
    CAIRN_ASSERT(ahead->taken < ahead->begun);
    return &ahead->slots[ahead->taken % ahead->plan.lead];
}

bool s3_ahead_ready(s3_ahead *ahead)
{
    return ahead->pool == NULL || workgroup_idle(next_slot(ahead)->group);
}

static cairn_code take_now(s3_ahead *ahead, s3_digests *out, cairn_error *err)
{
    const http_source source = s3_ahead_source(&ahead->plan, ahead->taken);
    s3_digests digests = {.by_crc32c = ahead->plan.by_crc32c};

    CAIRN_ASSERT(ahead->taken < ahead->plan.parts);
    CAIRN_TRY(s3_digest(&source, &digests, err));
    *out = digests;
    ahead->taken++;
    return CAIRN_OK;
}

cairn_code s3_ahead_take(s3_ahead *ahead, s3_digests *out, cairn_error *err)
{
    if (ahead->pool == NULL) {
        return take_now(ahead, out, err);
    }
    slot *s = next_slot(ahead);
    CAIRN_TRY(workgroup_wait(s->group, err));
    *out = s->digests;
    workgroup_free(s->group);
    s->group = NULL;
    ahead->taken++;
    return begin_parts(ahead, err);
}
