/*
 * The checkpoint protocol (epochs, one key per decision, head and ancestors, retention, garbage
 * collection, step back, savepoints, published output) as a Promela model for spin.
 *
 * Every atomic or d_step block holds at most ONE store request, and the local work that follows it.
 * Between two blocks any other process may run for any length of time, so a stall is a process that
 * the search runs late, and a crash is one that it never runs again. Neither needs code.
 *
 * Configuration (-D): E attempts, N checkpoint ids, W workers of an attempt, GCS passes of a GC
 * from outside, and the switches STEP (start from an older checkpoint on purpose), AHEAD (n+1 is
 * begun while n is undecided), TRANSIT (a create may reach the store after its sender gave up
 * waiting), SAVEPOINT. A mutant (-DM_...) breaks one rule. README.md beside this file explains
 * them all.
 */
#ifndef E
#define E 2
#endif
#ifndef N
#define N 2
#endif
#ifndef W
#define W 1
#endif
#ifndef GCS
#define GCS 0
#endif

#if W > 1 && defined(AHEAD)
#error "AHEAD is modelled for one worker"
#endif

#if N * E * W > 14
#define SET int
#else
#define SET short
#endif

/* Sets. A pair (checkpoint n, epoch x that wrote it) is one bit; so is an object of subtask w. */
#define PAIRS         (N * E)
#define PAIR(n, x)    (1 << (((n) - 1) * E + (x) - 1))
#define BELOW(n)      ((1 << (((n) - 1) * E)) - 1)
#define OBJ(n, x, w)  (PAIR(n, x) << (((w) - 1) * PAIRS))
#define SUBTASK(w)    (((1 << PAIRS) - 1) << (((w) - 1) * PAIRS))
#define ROWS          (((1 << (PAIRS * W)) - 1) / ((1 << E) - 1))
#define OLDER(x)      (((1 << ((x) - 1)) - 1) * ROWS)
#define ANY(n, w)     ((((1 << E) - 1) << (((n) - 1) * E)) << (((w) - 1) * PAIRS))
#ifdef M_KEYS_WITHOUT_EPOCH
#define DATA(n, x, w) OBJ(n, 1, w)
#else
#define DATA(n, x, w) OBJ(n, x, w)
#endif
#define PARTS(n, x)   (DATA(n, x, 1) | DATA(n, x, W))

#define SAVED (N + 1) /* the id by which a start names the savepoint */
#ifdef SAVEPOINT
#define IS_SAVED(n) ((n) == SAVED)
#else
#define IS_SAVED(n) false
#endif

/* ---- The store: what a listing of the job's folder would show -------------------------------- */

byte claims;           /* epochs 1..claims hold a claim.json; claims are never deleted */
bit started[E + 1];    /* start.json: */
byte from[E + 1];      /*   the checkpoint that it names, 0 for none */
byte from_by[E + 1];   /*   and which epoch wrote that (the manifest's digest stands for it) */
byte bound[E + 1];     /*   the retirement boundary that the attempt saw after its claim */
byte first[E + 1];     /*   the lowest id that this epoch may use */
byte cert[E + 1];      /* the highest boundary among the certificates made in an epoch */

byte by[N + 1];        /* chk-<n>/manifest.json: the epoch that created it, 0 if absent */
bit aborted[N + 1];    /*   it records an abort */
byte parent[N + 1];
SET refs[N + 1];       /*   the objects that it names */

SET obj;               /* data objects (with the output and the part of their subtask) */
#if W > 1
SET based;             /* content of a part: it re-references the base's files of its subtask */
#endif
SET pub;               /* published output; the name holds n and the subtask, not the epoch */

#ifdef SAVEPOINT
byte saved_by;         /* savepoints/s/manifest.json, 0 if absent: its epoch, */
byte saved_at;         /*   and the checkpoint at whose position it was taken */
byte saved_obj;        /* the savepoint's own objects, one bit for each epoch's attempt at it */
byte saved_vic;        /* those that certificates name as victims */
#endif

#ifdef TRANSIT
byte late_n, late_by, late_parent; /* a create that is still on its way */
SET late_refs;
#endif

/* ---- Ghosts: what the properties speak about; no process decides by them --------------------- */

SET line[E + 1];       /* the one linear history of each epoch */
SET told;              /* reported as committed to anybody */
SET gone[E + 1];       /* told, then dropped by a step back on purpose that an epoch stands on */
#ifdef SAVEPOINT
SET cut[E + 1];        /* before a savepoint that was started from: history, but no ancestors */
bit saved_told;
#endif

/* Scratch for one d_step; no part of the state. */
hidden byte t_s, t_b, t_h, t_k, t_f;
hidden int t_set, t_x;
hidden byte t_ok;

/* ---- The reader's rules ---------------------------------------------------------------------- */

/* t_s = the newest started epoch. */
inline newest_started()
{
    t_s = E;
    do
    :: t_s > 0 && !started[t_s] -> t_s--
    :: else -> break
    od
}

/* t_b = the retirement boundary in force in epoch `s`. */
inline boundary_in(s)
{
#ifdef M_ALL_CERTIFICATES_COUNT
    t_b = 1;
    t_k = 1;
    do
    :: t_k > E -> break
    :: else ->
        if
        :: cert[t_k] > t_b -> t_b = cert[t_k]
        :: else
        fi;
        t_k++
    od
#else
    t_b = (s == 0 -> 1 : (cert[s] > bound[s] -> cert[s] : bound[s]))
#endif
}

/* t_h = the head for `s`: the highest checkpoint it committed, else the one its start names. */
inline head_of(s)
{
    t_h = N;
#ifdef M_HEAD_IS_HIGHEST_ID
    do
    :: t_h > 0 && (by[t_h] == 0 || aborted[t_h]) -> t_h--
    :: else -> break
    od
#else
    do
    :: t_h > 0 && (s == 0 || by[t_h] != s || aborted[t_h]) -> t_h--
    :: else -> break
    od;
    if
    :: t_h == 0 && s != 0 -> t_h = from[s]
    :: else
    fi
#endif
}

/*
 * Walks from t_h down the parent links to the boundary `b`: t_set = the checkpoints that count,
 * t_ok = every manifest on the way stands. A savepoint has no parent.
 */
inline walk(b)
{
    t_set = 0;
    t_ok = 1;
    t_k = t_h;
    do
    :: t_k == 0 -> break
#ifdef SAVEPOINT
    :: t_k == SAVED -> t_ok = (saved_by != 0); break
#endif
#ifdef M_NO_BOUNDARY
    :: t_k != 0 && !IS_SAVED(t_k) && by[t_k] == 0 -> break
#else
    :: t_k != 0 && !IS_SAVED(t_k) && t_k < b -> break
#endif
    :: else ->
        if
        :: by[t_k] == 0 || aborted[t_k] -> t_ok = 0; break
        :: else -> t_set = t_set | PAIR(t_k, by[t_k]); t_k = parent[t_k]
        fi
    od
}

/* ---- The properties, checked in the same step as each write ---------------------------------- */

#define PUBLISHED(w) ((pub >> (((w) - 1) * PAIRS)) & ((1 << PAIRS) - 1))
#ifdef SAVEPOINT
#define CUT cut[t_s]
#else
#define CUT 0
#endif

inline check()
{
    newest_started();
    if
    :: t_s == 0 ->
        assert(told == 0 && pub == 0)
    :: else ->
        boundary_in(t_s);
        head_of(t_s);
#ifndef M_NO_BOUNDARY
        assert(t_h == 0 || t_h >= t_b); /* I2: the head itself is never retired */
#endif
        walk(t_b);
        assert(t_ok); /* I2: what counts stands */
#ifdef M_NO_BOUNDARY
        t_x = t_set;
#else
        t_x = line[t_s] & ~BELOW(t_b) & ~CUT;
#endif
        assert(t_set == t_x); /* I2: a reader finds exactly the history that is not retired */
        t_k = 1;
        do
        :: t_k > N -> break
        :: else -> /* I4: everything that a counting checkpoint names stands */
            assert(!(by[t_k] && (t_set & PAIR(t_k, by[t_k]))) || (refs[t_k] & ~obj) == 0);
            t_k++
        od;
        assert((told & ~gone[t_s] & ~line[t_s]) == 0); /* I2: told stays in the history */
        /* Output: nothing published that the history lacks, nothing lacking but the head's. */
        t_x = (t_h == 0 || t_h == SAVED || by[t_h] == 0 -> 0 : PAIR(t_h, by[t_h]));
        assert((PUBLISHED(1) & ~gone[t_s] & ~line[t_s]) == 0);
        assert((line[t_s] & ~t_x & ~PUBLISHED(1)) == 0);
#if W > 1
        assert((PUBLISHED(2) & ~gone[t_s] & ~line[t_s]) == 0);
        assert((line[t_s] & ~t_x & ~PUBLISHED(2)) == 0);
#endif
#ifdef SAVEPOINT
        assert(t_h != SAVED || (saved_by && (saved_obj & (1 << saved_by))));
#endif
    fi
#ifdef SAVEPOINT
    ;
    assert(!saved_told || (saved_by && (saved_obj & (1 << saved_by))))
#endif
}

/* ---- Store requests -------------------------------------------------------------------------- */

#define FENCED (claims > e) /* for worker code: e is its attempt */

#ifdef M_OVERWRITE
#define FREE(n) true
#else
#define FREE(n) (by[n] == 0)
#endif

/* Create-only write of the decision on n. */
inline create_decision(n, x, is_abort, up, names)
{
    if
    :: FREE(n) ->
        by[n] = x;
        aborted[n] = is_abort;
        parent[n] = (is_abort -> 0 : up);
        refs[n] = (is_abort -> 0 : names);
        if
        :: !is_abort -> line[x] = line[x] | PAIR(n, x)
        :: else
        fi;
        check()
    :: else
    fi
}

inline delete_decision(n)
{
    by[n] = 0;
    aborted[n] = 0;
    parent[n] = 0;
    refs[n] = 0;
    check()
}

/* Deletes the lowest object of `set` and takes it out of the set. */
inline delete_lowest(set)
{
    t_x = set & -set;
    obj = obj & ~t_x;
    set = set & ~t_x;
    check()
}

/* Create-only write of output n of subtask w under its public name, from the object of epoch x. */
inline publish(n, x, w)
{
    t_x = pub & ANY(n, w);
    if
    :: t_x == 0 && (obj & DATA(n, x, w)) -> pub = pub | OBJ(n, x, w); check()
    :: t_x == 0 && !(obj & DATA(n, x, w)) -> assert(FENCED) /* its source is gone */
    :: else -> assert(t_x == OBJ(n, x, w)) /* the name is taken: by the same output */
    fi
}

#ifdef SAVEPOINT
#define UP_TO(n) ((n) == SAVED -> saved_at : (n))
#else
#define UP_TO(n) (n)
#endif

#ifdef M_COMMIT_WITHOUT_ALL_PARTS
#define ALL_PARTS true
#else
#define ALL_PARTS ((obj & PARTS(n, e)) == PARTS(n, e))
#endif

/* With several workers, what n names is read from the parts again. */
#if W > 1
#define FORGET n_refs = 0
#else
#define FORGET skip
#endif

/* What the part of subtask k adds to the new objects. */
#define NAMED_BY_PART(k) ((based & DATA(n, e, k)) -> h_refs & SUBTASK(k) : 0)

/* An older checkpoint that may be started from: it counts. */
#define BACK_TO(n) ((n) != 0 && (n) != SAVED && (n) >= b && by[n] != 0)

/* ---- A worker of attempt e ------------------------------------------------------------------- */

proctype worker(byte e; byte w)
{
    byte n;          /* the checkpoint in hand */
    byte h, h_by;    /* the last confirmed checkpoint: base and parent of the next; who wrote it */
    byte s, b, f;    /* newest started epoch, boundary (also in retention), first id */
    bit back;        /* a step back on purpose */
    bit giving_up;
    SET h_refs;      /* what h names */
    SET n_refs;      /* what n will name */
    SET victims;
#ifdef SAVEPOINT
    byte suspect;    /* savepoint objects that certificates name as victims */
#endif
#ifdef AHEAD
    bit ahead;       /* n+1 is begun as well: */
    byte ahead_base; /*   on this base, */
    SET ahead_refs;  /*   and will name these */
#endif
#ifdef M_LOWER_IDS_UNDECIDED
    byte skipped;
#endif

#ifndef M_READ_BEFORE_CLAIM
    atomic {
        if
        :: claims == e - 1 -> claims = e
        :: W > 1 && claims >= e /* a fellow worker claimed: join */
        fi
    }
#else
    claims == e - 1;
#endif

    /* Read: starts, certificates, manifests. */
    atomic {
        d_step { newest_started(); s = t_s; t_s = 0; }
        if
        :: s > e -> goto stop
        :: s == e -> goto join
        :: else
        fi
    }
    d_step {
        boundary_in(s);
        b = t_b;
#ifdef SAVEPOINT
        suspect = saved_vic;
#endif
    }
    atomic {
        d_step {
            head_of(s);
            h = t_h;
            f = (s == 0 -> 1 : first[s]);
#ifdef M_NO_FIRST_ID
            f = 1;
#endif
            t_k = N;
            do
            :: t_k > 0 && by[t_k] == 0 -> t_k--
            :: else -> break
            od;
            f = (t_k >= f -> t_k + 1 : f);
        }
#ifdef STEP
        do
        :: h != 0 && h != SAVED && BACK_TO(parent[h]) -> h = parent[h]; back = 1
        :: break
        od;
#endif
#ifdef SAVEPOINT
#ifdef M_SAVEPOINT_NOT_CHECKED
        suspect = 0;
#endif
        if
        :: true
        :: saved_by != 0 && !(suspect & (1 << saved_by)) -> h = SAVED; back = 1
        fi;
        suspect = 0;
        h_by = (h == SAVED -> saved_by : (h == 0 -> 0 : by[h]));
#else
        h_by = (h == 0 -> 0 : by[h]);
#endif
        h_refs = (h == 0 || h == SAVED -> 0 : refs[h])
    }
#ifdef M_READ_BEFORE_CLAIM
    atomic { claims == e - 1 -> claims = e }
#endif

#ifndef M_NO_LOOK_AFTER_READ
    atomic {
        if
        :: FENCED -> goto stop
        :: else
        fi
    }
#endif

    /* Start. */
    d_step {
        if
        :: !started[e] ->
            started[e] = 1;
            from[e] = h;
            from_by[e] = h_by;
            bound[e] = b;
            first[e] = f;
            line[e] = (h == 0 -> 0 : line[h_by] & BELOW(UP_TO(h) + 1));
            gone[e] = (s == 0 -> 0 : gone[s]) | (back -> told & ~line[e] : 0);
#ifdef SAVEPOINT
            cut[e] = (h == SAVED -> line[e] : (h == 0 -> 0 : cut[h_by]));
#endif
            check()
        :: else
        fi;
        back = 0;
        s = 0;
        b = 0;
        f = 0;
        n = first[e]
    }
join:
#if W > 1
    /* The start record that won names the checkpoint; its manifest is read again. */
    atomic {
        h = from[e];
        h_by = from_by[e];
        n = first[e];
        f = 0;
        s = 0;
        b = 0;
        back = 0
    }
    atomic {
        if
        :: h != 0 && by[h] != h_by -> goto stop
        :: h != 0 && by[h] == h_by -> h_refs = refs[h]
        :: else -> h_refs = 0
        fi
    }
#endif

    /* Look; now the head is reported, and its output is published if it is missing. */
    atomic {
        if
#ifndef M_NO_LOOK_AFTER_START
        :: FENCED -> goto stop
#endif
        :: else ->
            d_step {
                told = told | (h == 0 || h == SAVED -> 0 : PAIR(h, h_by));
                check()
            }
        fi
    }
#ifndef M_HEAD_NOT_PUBLISHED
    if
    :: h != 0 && h != SAVED -> d_step { publish(h, h_by, w); h_by = 0; }
    :: else -> h_by = 0
    fi;
#endif
#ifndef M_SAVEPOINT_IS_PARENT
    h = (h == SAVED -> 0 : h); /* a savepoint is no base and no parent */
#endif

next:
    if
    :: n > N -> goto stop
    :: else
    fi;
#ifdef AHEAD
    if
    :: ahead -> d_step { n_refs = ahead_refs; ahead_refs = 0; ahead = 0; ahead_base = 0; }
    :: else ->
#endif
        /* Upload: the checkpoint names its own new object and, or not, what its base names. */
        atomic {
            if
            :: n_refs = DATA(n, e, w)
            :: h_refs != 0 -> n_refs = DATA(n, e, w) | (h_refs & SUBTASK(w))
            fi;
            d_step {
                obj = obj | DATA(n, e, w);
#if W > 1
                based = (n_refs == DATA(n, e, w) -> based & ~DATA(n, e, w) : based | DATA(n, e, w));
                n_refs = 0;
#endif
                check()
            }
        }
#ifdef AHEAD
    fi;
    if
    :: true
    :: n < N ->
        atomic {
            ahead = 1;
            ahead_base = h;
            if
            :: ahead_refs = DATA(n + 1, e, w)
#ifdef M_BASE_UNCONFIRMED
            :: ahead_refs = DATA(n + 1, e, w) | n_refs
#else
            :: h_refs != 0 -> ahead_refs = DATA(n + 1, e, w) | h_refs
#endif
            fi;
            obj = obj | DATA(n + 1, e, w)
        }
    fi;
#endif
#ifdef M_PUBLISH_BEFORE_COMMIT
    d_step { publish(n, e, w) };
#endif

decide:
    /* Commit or give up. A reply that is lost leads back here: the worker does not know. */
    atomic {
        giving_up = 0;
        if
#if W > 1
        :: ALL_PARTS -> /* every part is there */
            n_refs = PARTS(n, e) | NAMED_BY_PART(1) | NAMED_BY_PART(2)
        :: by[n] != 0 -> goto found
#else
        :: true
#endif
        :: giving_up = 1
#ifdef M_LOWER_IDS_UNDECIDED
        :: ahead && skipped == 0 -> /* goes on with n+1 and comes back to n later */
            skipped = n;
            n++;
            t_x = n_refs;
            n_refs = ahead_refs;
            ahead_refs = t_x
#endif
        fi
    }
#ifdef M_ABORT_WITHOUT_KEY
    if
    :: giving_up -> goto undone
    :: else
    fi;
#endif
    atomic {
        if
        :: FREE(n) ->
#ifdef TRANSIT
            if
            :: true
            :: late_n == 0 && !giving_up -> /* the request outlives its sender's patience */
                d_step { late_n = n; late_by = e; late_parent = h; late_refs = n_refs; };
                goto decide
            fi;
#endif
#ifdef M_LOWER_IDS_UNDECIDED
            d_step {
                t_f = n - 1;
                do
                :: t_f > 0 && (by[t_f] != e || aborted[t_f]) -> t_f--
                :: else -> break
                od;
                t_f = (t_f == 0 -> from[e] : t_f);
                create_decision(n, e, giving_up, t_f, n_refs)
            };
#else
            d_step { create_decision(n, e, giving_up, h, n_refs) };
#endif
            if
            :: giving_up -> goto undone
            :: !giving_up -> goto done
            :: FORGET; goto decide /* the reply is lost */
            fi
        :: else
        fi
    }
found:
    /* The key is taken: read it back. */
    atomic {
        if
        :: by[n] == 0 -> FORGET; goto decide
        :: by[n] > e -> goto stop
#ifndef M_TAKEN_KEY_NOT_COMPARED
        :: by[n] == e && !aborted[n] -> n_refs = refs[n]; goto done
#endif
        :: else -> goto undone
        fi
    }

undone:
    /* Aborted, or the id is burnt. Look, then delete what this worker alone uploaded. */
    atomic {
        giving_up = 0;
        if
#ifndef M_NO_LOOK_AFTER_ABORT
        :: FENCED -> goto stop
#endif
        :: else
        fi
    }
    d_step {
        obj = obj & ~DATA(n, e, w);
        n_refs = 0;
        n++;
        check()
    }
    goto next;

done:
    /* Committed. Look, then report. */
    atomic {
        giving_up = 0;
        if
#ifndef M_NO_LOOK_AFTER_COMMIT
        :: FENCED -> goto stop
#endif
        :: else -> d_step { told = told | PAIR(n, e); check(); }
        fi
    }
#ifdef M_PUBLISH_LATE
    if
    :: true
    :: d_step { publish(n, e, w) }
    fi;
#else
    d_step { publish(n, e, w) };
#endif
    d_step {
        h = n;
        h_refs = n_refs;
        n_refs = 0
    }

#ifdef SAVEPOINT
    /* A savepoint here, or none: its objects, its manifest (create-only), look, report. */
    if
    :: goto retire
    :: saved_by == 0 -> d_step { saved_obj = saved_obj | (1 << e); check(); }
    fi;
    atomic {
        if
        :: saved_by == 0 -> d_step { saved_by = e; saved_at = n; }
        :: else -> goto name_taken
        fi
    }
    atomic {
        if
#ifndef M_NO_LOOK_AFTER_SAVEPOINT
        :: FENCED -> goto stop
#endif
        :: else -> d_step { saved_told = 1; check(); }
        fi;
        goto retire
    }
name_taken:
    atomic {
        if
        :: FENCED -> goto stop
        :: else
        fi
    }
    d_step { saved_obj = saved_obj & ~(1 << e); check(); }
retire:
#endif
    /* Retention by the living writer, or not: everything below the boundary is retired. */
    b = n;
#ifdef AHEAD
#if !defined(M_BASE_NOT_PINNED) && !defined(M_RETENTION_IGNORES_IN_FLIGHT)
    b = (ahead && ahead_base < b -> ahead_base : b);
#endif
#endif
    atomic {
        if
        :: goto advance
        :: b > 1 && b > cert[e] && b > bound[e]
        fi;
#ifndef M_NO_CERTIFICATE
        d_step { cert[e] = b; check(); }
#endif
    }
    atomic {
        if
#ifndef M_NO_LOOK_AFTER_CERTIFICATE
        :: FENCED -> goto stop
#endif
        :: else ->
            d_step { /* local: what it will delete, what must stay */
                victims = 0;
                t_set = h_refs;
                t_k = 1;
                do
                :: t_k > N -> break
                :: else ->
                    if
                    :: by[t_k] && (line[e] & PAIR(t_k, by[t_k])) ->
                        if
                        :: t_k < b -> victims = victims | refs[t_k]
                        :: else -> t_set = t_set | refs[t_k]
                        fi
                    :: else
                    fi;
                    t_k++
                od;
#if defined(AHEAD) && !defined(M_RETENTION_IGNORES_IN_FLIGHT)
                t_set = t_set | ahead_refs;
#endif
                victims = victims & ~t_set & SUBTASK(w)
            }
        fi
    }
#ifdef M_DATA_BEFORE_MANIFEST
    do
    :: victims != 0 -> d_step { delete_lowest(victims); }
    :: else -> break
    od;
#endif
    f = 1;
    do
    :: f < b ->
        d_step {
            if
            :: by[f] && (line[e] & PAIR(f, by[f])) -> delete_decision(f)
            :: else
            fi;
            f++
        }
    :: else -> break
    od;
    f = 0;
    do
    :: victims != 0 -> d_step { delete_lowest(victims); }
    :: else -> break
    od;

advance:
    atomic {
        b = 0;
        n++;
#ifdef M_LOWER_IDS_UNDECIDED
        if
        :: skipped != 0 && n == skipped + 2 -> n = skipped
        :: skipped != 0 && n == skipped + 1 -> n++
        :: else
        fi;
#endif
        goto next
    }

stop:
    atomic {
        n = 0; h = 0; h_by = 0; s = 0; b = 0; f = 0;
        back = 0; giving_up = 0; h_refs = 0; n_refs = 0; victims = 0;
#ifdef SAVEPOINT
        suspect = 0;
#endif
#ifdef AHEAD
        ahead = 0; ahead_base = 0; ahead_refs = 0;
#endif
    }
}

/* ---- GC from outside ------------------------------------------------------------------------- */

#ifdef M_GC_FREES_LIVING_IDS
#define NO_LIVING_ID(n) true
#else
#define NO_LIVING_ID(n) ((n) < first[s])
#endif

/* Whose unreferenced objects are garbage. */
#if defined(M_GC_TOUCHES_LIVING)
#define DEAD OLDER(s + 1)
#elif defined(M_GC_ON_CLAIM_ALONE)
#define DEAD OLDER(c)
#else
#define DEAD OLDER(s)
#endif

#if GCS > 0
proctype gc()
{
    byte c, s, b, k; /* highest claim, newest started epoch, boundary */
    byte keys;   /* decisions to delete, one bit each */
    SET victims;
#ifdef SAVEPOINT
    byte saved_victims;
#endif

    /* Claims and starts: the highest claim must be started. */
    atomic {
#if defined(M_GC_ON_CLAIM_ALONE) || defined(M_GC_WITH_CLAIM_PENDING)
        started[1] || started[E];
#else
        started[claims];
#endif
        d_step { newest_started(); s = t_s; }
        c = claims
    }
#ifndef M_GC_MANIFESTS_FIRST
    atomic {
        victims = obj & DEAD;
#ifdef SAVEPOINT
        saved_victims = saved_obj & ((1 << s) - 1);
#endif
    }
#endif
    d_step { boundary_in(s); b = t_b; }
    /* Manifests. The boundary may rise, never above what the newest start names. */
    atomic {
        d_step {
            head_of(s);
            t_f = from[s];
#ifdef M_GC_RETIRES_TO_HEAD
            t_f = t_h;
#endif
        }
        if
        :: true
        :: t_f > b && t_f != SAVED -> b = t_f
        fi;
        d_step {
            walk(b);
#ifdef M_GC_MANIFESTS_FIRST
            victims = DEAD;
#endif
            keys = 0;
            t_k = 1;
            do
            :: t_k > N -> break
            :: else ->
                if
                :: by[t_k] == 0
                :: by[t_k] && by[t_k] < s && NO_LIVING_ID(t_k) && !(t_set & PAIR(t_k, by[t_k])) ->
                    keys = keys | (1 << t_k)
                :: else -> victims = victims & ~refs[t_k]
                fi;
                t_k++
            od;
#if defined(SAVEPOINT) && !defined(M_GC_IGNORES_SAVEPOINTS)
            saved_victims = (saved_by -> saved_victims & ~(1 << saved_by) : saved_victims)
#endif
        }
        if
        :: !t_ok -> goto stop
        :: else
        fi
    }
#ifdef M_GC_MANIFESTS_FIRST
    victims = victims & obj;
#endif
#ifndef M_GC_NO_SECOND_CLAIMS
    atomic {
        if
        :: claims != c -> goto stop
        :: else
        fi
    }
#endif
    d_step {
        cert[s] = (b > cert[s] -> b : cert[s]);
#ifdef SAVEPOINT
        saved_vic = saved_vic | saved_victims;
#endif
        check()
    }
#ifndef M_GC_NO_LOOK_AFTER_CERTIFICATE
    atomic {
        if
        :: claims != c -> goto stop
        :: else
        fi;
        c = 0
    }
#endif
    atomic { s = 0; b = 0; k = 1; }
    /* Deletes; the reply to one may be lost, then it is sent again. */
    do
    :: k > N -> break
    :: k <= N && (keys & (1 << k)) ->
        atomic {
            d_step { delete_decision(k) };
            if
            :: k++
            :: true
            fi
        }
    :: k <= N && !(keys & (1 << k)) -> k++
    od;
    do
    :: victims != 0 -> d_step { delete_lowest(victims); }
    :: else -> break
    od;
#ifdef SAVEPOINT
    do
    :: saved_victims != 0 ->
        d_step {
            t_x = saved_victims & -saved_victims;
            saved_obj = saved_obj & ~t_x;
            saved_victims = saved_victims & ~t_x;
            check()
        }
    :: else -> break
    od;
#endif
stop:
    atomic {
        c = 0; s = 0; b = 0; k = 0; keys = 0; victims = 0;
#ifdef SAVEPOINT
        saved_victims = 0;
#endif
    }
}
#endif

#ifdef SAVEPOINT
/* The user deletes the savepoint when no head stands on it and no attempt is about to start. */
proctype user()
{
    do
    :: atomic {
            saved_told && started[claims] ->
            d_step { newest_started(); head_of(t_s); }
            if
            :: t_h != SAVED -> d_step { saved_by = 0; saved_at = 0; saved_told = 0; check(); }
            :: else
            fi
        }
    od
}
#endif

#ifdef TRANSIT
proctype network()
{
    do
    :: late_n != 0 ->
        d_step {
            create_decision(late_n, late_by, 0, late_parent, late_refs);
            late_n = 0;
            late_by = 0;
            late_parent = 0;
            late_refs = 0
        }
    od
}
#endif

init
{
    atomic {
        byte i = 1;
        do
        :: i > E -> break
        :: else ->
            bound[i] = 1;
            cert[i] = 1;
            run worker(i, 1);
#if W > 1
            run worker(i, 2);
#endif
            i++
        od;
        i = 0;
        do
        :: i >= GCS -> break
        :: else ->
#if GCS > 0
            run gc();
#endif
            i++
        od;
        i = 0;
#ifdef SAVEPOINT
        run user();
#endif
#ifdef TRANSIT
        run network();
#endif
    }
}
