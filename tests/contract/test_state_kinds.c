/*
 * What the kinds of keyed state promise, one rule a row, on every engine and on the plain model
 * that random sequences are compared with (tests/unit/test_state_random.c).
 */
#include "test.h"

#include "check.h"
#include "state_model.h"
#include "state_world.h"

#include <stdio.h>

typedef struct rule {
    const char *name;
    const char *script; /* state_script.h */
} rule;

static const rule rules[] = {
    /* --- keys and namespaces --- */
    {"without a key nothing is read or written",
     "value.get => !STATE;value.update x => !STATE;value.clear => !STATE;list.get => !STATE;"
     "list.add x => !STATE;list.all x y => !STATE;list.update x => !STATE;list.clear => !STATE;"
     "list.merge a b => !STATE;map.get k => !STATE;map.put k v => !STATE;map.remove k => !STATE;"
     "map.contains k => !STATE;map.is_empty => !STATE;map.clear => !STATE;map.entries => !STATE;"
     "reducing.get => !STATE;reducing.add x => !STATE;reducing.clear => !STATE;"
     "reducing.merge a b => !STATE;aggregating.get => !STATE;aggregating.add x => !STATE;"
     "aggregating.clear => !STATE;aggregating.merge a b => !STATE;namespace n => !STATE;"
     "key a;value.get => -;map.entries => -"},
    {"what is written under one key is not seen under another",
     "key a;value.update 1;list.add 1;map.put k 1;reducing.add 1;aggregating.add 1;"
     "key b;value.get => -;list.get => -;map.get k => -;map.entries => -;reducing.get => -;"
     "aggregating.get => -;value.clear;list.clear;map.clear;reducing.clear;aggregating.clear;"
     "key a;value.get => 1;list.get => 1;map.entries => k=1;reducing.get => 1;"
     "aggregating.get => <.1>"},
    {"what is written in one namespace is not seen in another",
     "key a;value.update 1;list.add 1;map.put k 1;reducing.add 1;aggregating.add 1;"
     "namespace n;value.get => -;list.get => -;map.get k => -;map.entries => -;reducing.get => -;"
     "aggregating.get => -;value.update 2;list.add 2;map.put k 2;reducing.add 2;aggregating.add 2;"
     "namespace _;value.get => 1;list.get => 1;map.entries => k=1;reducing.get => 1;"
     "aggregating.get => <.1>;namespace n;value.get => 2;list.get => 2;map.entries => k=2;"
     "reducing.get => 2;aggregating.get => <.2>"},
    {"a clear is of the current key and namespace alone",
     "key a;value.update 1;list.add 1;map.put k 1;reducing.add 1;aggregating.add 1;"
     "namespace n;value.update 2;list.add 2;map.put k 2;reducing.add 2;aggregating.add 2;"
     "value.clear;list.clear;map.clear;reducing.clear;aggregating.clear;value.get => -;"
     "list.get => -;map.entries => -;reducing.get => -;aggregating.get => -;"
     "namespace _;value.get => 1;list.get => 1;map.entries => k=1;reducing.get => 1;"
     "aggregating.get => <.1>"},
    {"a new key begins in the void namespace",
     "key a;namespace n;value.update 1;key a;value.get => -;namespace n;value.get => 1"},
    {"two states of a kind are apart",
     "key a;value.update 1;list.add 1;map.put k 1;reducing.add 1;aggregating.add 1;"
     "value2.get => -;list2.get => -;map2.entries => -;reducing2.get => -;aggregating2.get => -;"
     "value2.update 2;list2.clear;map2.put k 2;map2.drop_all => k=2;map.entries => k=1;"
     "value.get => 1;list.get => 1"},
    {"keys and namespaces of any bytes don't run into each other",
     "key a;namespace b\\0;value.update 1;map.put k 1;key a\\0;namespace b;value.get => -;"
     "map.entries => -;value.update 2;map.put k 2;key ab;value.get => -;map.entries => -;key a;"
     "namespace _;map.entries => -;namespace b;map.entries => -;namespace b\\0;value.get => 1;"
     "map.entries => k=1;key _;namespace _;value.get => -"},
    {"the entries of a map don't run into the next namespace or key",
     "key a;map.put _ 0;map.put \\0 1;namespace \\0;map.put _ 2;namespace n;map.put k 3;"
     "map.entries => k=3;namespace _;map.entries => \\0=1,=0"},

    /* --- value --- */
    {"an empty value is a value", "key a;value.update _;value.get => ;value.keys => a/"},
    {"a value that is cleared is absent, and clearing what is absent is fine",
     "key a;value.clear;value.update 1;value.update 2;value.get => 2;value.clear;value.get => -;"
     "value.clear"},

    /* --- list --- */
    {"a list that was never written is empty", "key a;list.get => -"},
    {"elements stand in the order of their adds",
     "key a;list.add c;list.add a;list.all b a;list.get => c,a,b,a"},
    {"an empty element is an element", "key a;list.add _;list.add _;list.get => ,;list.keys => a/"},
    {"adding no elements changes nothing",
     "key a;list.all;list.get => -;list.keys => -;key a;list.add x;list.all;list.get => x"},
    {"an update replaces the list", "key a;list.all a b c;list.update d e;list.get => d,e"},
    {"an update with no elements clears",
     "key a;list.all a b c;list.update;list.get => -;list.keys => -"},
    {"adds go on after an update and after a clear",
     "key a;list.add a;list.update b;list.add c;list.get => b,c;list.clear;list.add d;"
     "list.get => d"},

    /* --- map --- */
    {"a map without entries is empty, and absent user keys are not contained",
     "key a;map.is_empty => yes;map.get k => -;map.contains k => no;map.entries => -;"
     "map.remove k;map.clear"},
    {"an empty value is contained, and so is an empty user key",
     "key a;map.put k _;map.get k => ;map.contains k => yes;map.put _ v;map.get _ => v;"
     "map.entries => =v,k="},
    {"a put replaces the value of its user key",
     "key a;map.put k 1;map.put j 2;map.put k 3;map.entries => j=2,k=3"},
    {"removing the last entry leaves nothing behind",
     "key a;map.put k 1;map.is_empty => no;map.remove k;map.is_empty => yes;map.keys => -"},
    {"a clear removes every entry", "key a;map.put a 1;map.put b 2;map.put c 3;map.clear;"
                                    "map.entries => -;map.is_empty => yes;map.keys => -"},
    {"an iterator shows each entry once", "key a;map.put c 1;map.put a 2;map.put b 3;"
                                          "map.entries => a=2,b=3,c=1"},
    {"the entry at hand may be removed while iterating",
     "key a;map.put a 1;map.put b 2;map.put c 3;map.drop b => a=1,b=2,c=3;map.entries => a=1,c=3;"
     "map.drop c => a=1,c=3;map.drop a => a=1;map.is_empty => yes"},
    {"the entry at hand may be set while iterating",
     "key a;map.put a 1;map.put b 2;map.put c 3;map.set b 7 => a=1,b=2,c=3;"
     "map.entries => a=1,b=7,c=3;map.set a 8 => a=1,b=7,c=3;map.set c longer-than-before => "
     "a=8,b=7,c=3;map.entries => a=8,b=7,c=longer-than-before"},
    {"all entries may be removed while iterating",
     "key a;map.put a 1;map.put b 2;map.put c 3;map.drop_all => a=1,b=2,c=3;map.entries => -;"
     "map.keys => -"},
    {"an iterator stays with the key under which it began",
     "key b;map.put z 9;key a;map.put x 1;map.put y 2;map.elsewhere b 5 => x=1,y=2;"
     "map.entries => z=9;key a;map.entries => x=5,y=5"},

    /* --- reducing --- */
    {"a reducing state that was never added to is absent", "key a;reducing.get => -"},
    {"the first element is stored as it is, later ones behind what stands there",
     "key a;reducing.add 1;reducing.get => 1;reducing.add 2;reducing.add 3;reducing.get => 1+2+3;"
     "reducing.clear;reducing.add 4;reducing.get => 4"},
    {"an empty sum is a sum", "key a;reducing.add _;reducing.get => ;reducing.add 1;"
                              "reducing.get => +1"},
    {"a function that fails changes nothing",
     "key a;reducing.add 1;reducing.add fail => !FAILED;reducing.get => 1;"
     "aggregating.add fail => !FAILED;aggregating.get => -;aggregating.add 1;"
     "aggregating.add fail => !FAILED;aggregating.get => <.1>"},

    /* --- aggregating --- */
    {"an aggregating state that was never added to has no result", "key a;aggregating.get => -"},
    {"the accumulator is made at the first add, and the result is its own",
     "key a;aggregating.add 1;aggregating.get => <.1>;aggregating.add 2;aggregating.get => <.1.2>;"
     "aggregating.get => <.1.2>;aggregating.clear;aggregating.get => -;aggregating.add 3;"
     "aggregating.get => <.3>"},

    /* --- merge of namespaces --- */
    {"a merge moves the sources behind the target, in their order",
     "key a;namespace t;list.add 0;reducing.add 0;aggregating.add 0;namespace p;list.all 1 2;"
     "reducing.add 1;aggregating.add 1;namespace q;list.add 3;reducing.add 2;aggregating.add 2;"
     "list.merge t q p;reducing.merge t q p;aggregating.merge t q p;namespace t;"
     "list.get => 0,3,1,2;reducing.get => 0+2+1;aggregating.get => <.0|<.2|<.1>;namespace p;"
     "list.get => -;reducing.get => -;aggregating.get => -;namespace q;list.get => -;"
     "reducing.get => -;aggregating.get => -;list.keys => a/t;reducing.keys => a/t;"
     "aggregating.keys => a/t"},
    {"a merge makes a target that was absent",
     "key a;namespace p;list.add 1;reducing.add 1;aggregating.add 1;list.merge t p;"
     "reducing.merge t p;aggregating.merge t p;namespace t;list.get => 1;reducing.get => 1;"
     "aggregating.get => <.1>"},
    {"a merge leaves the current namespace as it is",
     "key a;namespace p;list.add 1;namespace n;list.add 9;list.merge t p;list.get => 9;"
     "list.add 8;list.get => 9,8"},
    {"sources that are absent are skipped, and without any nothing changes",
     "key a;namespace t;list.add 0;reducing.add 0;aggregating.add 0;list.merge t p q;"
     "reducing.merge t p q;aggregating.merge t p q;list.merge t;reducing.merge t;"
     "aggregating.merge t;list.get => 0;reducing.get => 0;aggregating.get => <.0>;namespace q;"
     "list.add 1;reducing.add 1;aggregating.add 1;list.merge t p q;reducing.merge t p q;"
     "aggregating.merge t p q;namespace t;list.get => 0,1;reducing.get => 0+1;"
     "aggregating.get => <.0|<.1>;list.merge u v;namespace u;list.get => -;list.keys => a/t"},
    {"a target among its sources counts once and is not lost",
     "key a;namespace t;list.add 0;reducing.add 0;aggregating.add 0;list.merge t t;"
     "reducing.merge t t;aggregating.merge t t;list.get => 0;reducing.get => 0;"
     "aggregating.get => <.0>;namespace p;list.add 1;reducing.add 1;aggregating.add 1;"
     "list.merge t t p t;reducing.merge t t p t;aggregating.merge t t p t;namespace t;"
     "list.get => 0,1;reducing.get => 0+1;aggregating.get => <.0|<.1>"},
    {"a source that is named twice counts once",
     "key a;namespace p;list.add 1;reducing.add 1;aggregating.add 1;list.merge t p p;"
     "reducing.merge t p p;aggregating.merge t p p;namespace t;list.get => 1;reducing.get => 1;"
     "aggregating.get => <.1>"},
    {"a merge is of the current key alone",
     "key b;namespace p;list.add 9;key a;namespace p;list.add 1;list.merge t p;key b;namespace p;"
     "list.get => 9;namespace t;list.get => -"},
    {"the void namespace may be target and source",
     "key a;list.add 0;namespace p;list.add 1;list.merge _ p;namespace _;list.get => 0,1;"
     "list.merge p _;list.get => -;namespace p;list.get => 0,1"},
    {"a merge whose function fails changes nothing",
     "key a;namespace t;reducing.add 0;namespace p;reducing.add 1;namespace q;reducing.add fail;"
     "reducing.merge t p q => !FAILED;reducing.get => fail;namespace p;reducing.get => 1;"
     "namespace t;reducing.get => 0"},

    /* --- keys --- */
    {"a state that holds nothing has no keys",
     "value.keys => -;list.keys => -;map.keys => -;reducing.keys => -;aggregating.keys => -"},
    {"each key and namespace is visited once, a map's too",
     "key a;map.put x 1;map.put y 2;map.put _ 3;namespace n;map.put x 1;map.put y 1;key b;"
     "map.put x 1;value.update 1;list.all 1 2;reducing.add 1;aggregating.add 1;"
     "map.keys => a/,a/n,b/;value.keys => b/;list.keys => b/;reducing.keys => b/;"
     "aggregating.keys => b/"},
    {"the keys of one namespace are visited alone",
     "key a;list.add 1;namespace n;list.add 1;key b;namespace n;list.add 1;list.keys_in n => "
     "a/n,b/n;list.keys_in _ => a/;list.keys_in m => -"},
    {"after a visit no key is set", "key a;value.update 1;value.keys => a/;value.get => !STATE;"
                                    "list.keys => -;namespace n => !STATE"},
    {"a state may be cleared at each of its keys",
     "key a;value.update 1;map.put x 1;map.put y 1;namespace n;map.put x 1;list.add 1;key b;"
     "map.put z 1;map.wipe n => a/n;map.keys => a/,b/;map.wipe => a/,b/;map.keys => -;"
     "value.wipe => a/;list.wipe => a/n;value.keys => -;list.keys => -"},
    {"what is visited was fixed when the visit began",
     "key a;value.update 1;list.add 1;map.put k 1;reducing.add 1;aggregating.add 1;key b;"
     "value.update 1;value.grow => a/,b/;value.keys => a/,ax/,b/,bx/;list.grow => a/;"
     "list.keys => a/,ax/;map.grow => a/;map.keys => a/,ax/;reducing.grow => a/;"
     "reducing.keys => a/,ax/;aggregating.grow => a/;aggregating.keys => a/,ax/"},

    /* --- snapshots --- */
    {"all kinds come back from a snapshot",
     "key a;value.update 1;list.all 1 2;map.put x 1;map.put y 2;reducing.add 1;reducing.add 2;"
     "aggregating.add 1;namespace n;value.update 2;list.add 3;restore;value.get => !STATE;key a;"
     "value.get => 1;list.get => 1,2;map.entries => x=1,y=2;reducing.get => 1+2;"
     "aggregating.get => <.1>;namespace n;value.get => 2;list.get => 3;list.add 4;reducing.get => "
     "-;restore;key a;namespace n;list.get => 3,4;value.keys => a/,a/n"},
    {"what is written after a snapshot is not in it",
     "key a;value.update 1;list.add 1;map.put x 1;reducing.add 1;aggregating.add 1;key b;"
     "value.update 1;map.put x 1;snapshot;key a;value.update 2;list.add 2;map.put y 2;"
     "map.put x 3;reducing.add 2;aggregating.add 2;key b;value.clear;map.clear;key c;"
     "value.update 3;restore;key a;value.get => 1;list.get => 1;map.entries => x=1;"
     "reducing.get => 1;aggregating.get => <.1>;key b;value.get => 1;map.entries => x=1;key c;"
     "value.get => -"},
    {"what was removed before a snapshot stays away",
     "key a;value.update 1;list.add 1;map.put x 1;map.put y 1;restore;key a;value.clear;"
     "list.clear;map.remove x;restore;key a;value.get => -;list.get => -;map.entries => y=1;"
     "map.clear;restore;map.keys => -;list.keys => -;value.keys => -;key a;map.put x 2;"
     "map.entries => x=2"},

    /* --- times to live (10 ms); what is said of expired entries holds to the millisecond --- */
    {"what was written is there until its time is over",
     "key a;value_t.update 1;list_t.all 1 2;map_t.put k 1;reducing_t.add 1;aggregating_t.add 1;"
     "advance 9;value_t.get => 1;list_t.get => 1,2;map_t.get k => 1;map_t.contains k => yes;"
     "map_t.entries => k=1;map_t.is_empty => no;reducing_t.get => 1;aggregating_t.get => <.1>;"
     "advance 1;value_t.get => -;list_t.get => -;map_t.get k => -;map_t.contains k => no;"
     "map_t.entries => -;map_t.is_empty => yes;reducing_t.get => -;aggregating_t.get => -"},
    {"states without a time to live keep what they hold",
     "key a;value.update 1;list.add 1;map.put k 1;reducing.add 1;aggregating.add 1;"
     "advance 1000000000;value.get => 1;list.get => 1;map.entries => k=1;reducing.get => 1;"
     "aggregating.get => <.1>"},
    {"a write renews",
     "key a;value_t.update 1;map_t.put k 1;reducing_t.add 1;aggregating_t.add 1;list_t.update 1;"
     "advance 6;value_t.update 2;map_t.put k 2;reducing_t.add 2;aggregating_t.add 2;"
     "list_t.update 2;advance 6;value_t.get => 2;map_t.get k => 2;reducing_t.get => 1+2;"
     "aggregating_t.get => <.1.2>;list_t.get => 2;advance 4;value_t.get => -;map_t.get k => -;"
     "reducing_t.get => -;aggregating_t.get => -;list_t.get => -"},
    {"a read renews only where it is said to",
     "key a;value_t.update 1;value_r.update 1;list_t.add 1;list_r.add 1;map_t.put k 1;"
     "map_r.put k 1;map_r.put j 2;map_r.put i 3;map_r.put h 4;reducing_t.add 1;reducing_r.add 1;"
     "aggregating_t.add 1;aggregating_r.add 1;advance 6;value_t.get => 1;value_r.get => 1;"
     "list_t.get => 1;list_r.get => 1;map_t.get k => 1;map_r.get k => 1;map_r.contains j => yes;"
     "map_r.is_empty => no;reducing_t.get => 1;reducing_r.get => 1;aggregating_t.get => <.1>;"
     "aggregating_r.get => <.1>;map_r.keys => a/;key a;advance 6;value_t.get => -;"
     "value_r.get => 1;list_t.get => -;list_r.get => 1;map_t.get k => -;"
     "map_r.entries => j=2,k=1;reducing_t.get => -;reducing_r.get => 1;aggregating_t.get => -;"
     "aggregating_r.get => <.1>;advance 9;map_r.entries => j=2,k=1;advance 9;map_r.is_empty => no;"
     "advance 1;map_r.is_empty => yes"},
    {"an iterator that renews may be written through all the same",
     "key a;map_r.put x 1;map_r.put y 2;map_r.put z 3;advance 6;map_r.set y 7 => x=1,y=2,z=3;"
     "advance 6;map_r.drop x => x=1,y=7,z=3;advance 6;map_r.elsewhere b 5 => y=7,z=3;"
     "map_r.entries => -;key a;advance 9;map_r.entries => y=5,z=5;advance 9;"
     "map_r.drop_all => y=5,z=5;map_r.is_empty => yes"},
    {"elements of a list expire one by one",
     "key a;list_t.add 1;advance 3;list_t.all 2 3;advance 3;list_t.add 4;list_t.get => 1,2,3,4;"
     "advance 4;list_t.get => 2,3,4;advance 3;list_t.get => 4;list_t.add 5;advance 3;"
     "list_t.get => 5;advance 7;list_t.get => -;list_t.add 6;list_t.get => 6"},
    {"a read of a list renews the elements that are left",
     "key a;list_r.add 1;advance 6;list_r.add 2;advance 4;list_r.get => 2;advance 9;"
     "list_r.get => 2;advance 9;list_r.add 3;list_r.get => 2,3;advance 10;list_r.get => -"},
    {"entries of a map expire one by one",
     "key a;map_t.put x 1;advance 3;map_t.put y 2;advance 3;map_t.put z 3;advance 4;"
     "map_t.entries => y=2,z=3;map_t.contains x => no;advance 3;map_t.drop z => z=3;"
     "map_t.is_empty => yes;map_t.put x 4;map_t.entries => x=4"},
    {"a clear takes away what has expired too",
     "key a;map_t.put x 1;map_s.put x 1;advance 10;map_t.put y 2;map_s.put y 2;map_t.clear;"
     "map_s.clear;map_t.is_empty => yes;map_s.entries => -"},
    {"an expired accumulator counts as absent",
     "key a;reducing_t.add 1;aggregating_t.add 1;advance 10;reducing_t.add 2;aggregating_t.add 2;"
     "reducing_t.get => 2;aggregating_t.get => <.2>"},
    {"an add that fails renews nothing",
     "key a;reducing_t.add 1;reducing_r.add 1;aggregating_r.add 1;advance 6;"
     "reducing_t.add fail => !FAILED;reducing_r.add fail => !FAILED;"
     "aggregating_r.add fail => !FAILED;advance 4;reducing_t.get => -;reducing_r.get => -;"
     "aggregating_r.get => -"},
    {"a merge of lists keeps the times of elements",
     "key a;namespace t;list_t.add 0;advance 3;namespace p;list_t.add 1;advance 3;"
     "list_t.merge t p;namespace t;list_t.get => 0,1;advance 4;list_t.get => 1;advance 3;"
     "list_t.get => -"},
    {"a merge of the others renews, and leaves out what has expired",
     "key a;namespace t;reducing_t.add 0;aggregating_t.add 0;advance 6;namespace p;"
     "reducing_t.add 1;aggregating_t.add 1;advance 4;namespace q;reducing_t.add 2;"
     "aggregating_t.add 2;reducing_t.merge t p q;aggregating_t.merge t p q;namespace t;advance 9;"
     "reducing_t.get => 1+2;aggregating_t.get => <.1|<.2>;advance 1;reducing_t.get => -;"
     "reducing_t.keys => -"},
    {"a merge of sources that have expired changes nothing",
     "key a;namespace p;reducing_t.add 1;list_t.add 1;advance 5;namespace t;reducing_t.add 0;"
     "list_t.add 0;advance 5;reducing_t.merge t p;list_t.merge t p;reducing_t.get => 0;"
     "list_t.get => 0;advance 5;reducing_t.get => -;list_t.get => -"},
    {"keys all of whose entries have expired are not visited",
     "key a;value_t.update 1;list_t.add 1;map_t.put x 1;reducing_t.add 1;aggregating_t.add 1;"
     "advance 5;map_t.put y 1;list_t.add 2;key b;value_t.update 1;list_t.add 1;map_t.put x 1;"
     "reducing_t.add 1;aggregating_t.add 1;advance 5;value_t.keys => b/;list_t.keys => a/,b/;"
     "map_t.keys => a/,b/;reducing_t.keys => b/;aggregating_t.keys => b/;advance 5;"
     "value_t.keys => -;list_t.keys => -;map_t.keys => -;map_t.wipe => -"},
    {"a read that may return what has expired returns it once",
     "key a;value_s.update 1;list_s.add 1;map_s.put x 1;reducing_s.add 1;aggregating_s.add 1;"
     "advance 10;value_s.get => 1;value_s.get => -;list_s.get => 1;list_s.get => -;"
     "map_s.get x => 1;map_s.get x => -;reducing_s.get => 1;reducing_s.get => -;"
     "aggregating_s.get => <.1>;aggregating_s.get => -"},
    {"the same by the iterator and by contains, while is_empty and visits of keys take nothing",
     "key a;map_s.put x 1;map_s.put y 2;advance 10;map_s.is_empty => no;map_s.is_empty => no;"
     "map_s.keys => a/;key a;map_s.contains x => yes;map_s.contains x => no;map_s.entries => y=2;"
     "map_s.entries => -;map_s.is_empty => yes"},
    {"a list that returns what has expired keeps the rest",
     "key a;list_s.add 1;advance 6;list_s.add 2;advance 4;list_s.get => 1,2;list_s.get => 2;"
     "advance 6;list_s.get => 2;list_s.get => -"},
    {"an expired accumulator that may be returned takes part in an add and a merge",
     "key a;namespace p;reducing_s.add 1;advance 10;reducing_s.merge t p;namespace t;"
     "reducing_s.get => 1;reducing_s.add 2;reducing_s.get => 1+2"},
    {"what a restore brings back has the time left that it had",
     "key a;value_t.update 1;list_t.add 1;map_t.put x 1;reducing_t.add 1;aggregating_t.add 1;"
     "advance 4;list_t.add 2;map_t.put y 2;advance 2;restore;advance 3;key a;value_t.get => 1;"
     "list_t.get => 1,2;map_t.entries => x=1,y=2;reducing_t.get => 1;aggregating_t.get => <.1>;"
     "restore;advance 1;key a;value_t.get => -;list_t.get => 2;map_t.entries => y=2;"
     "reducing_t.get => -;aggregating_t.get => -;restore;key a;list_t.get => 2;advance 4;"
     "list_t.get => -;map_t.is_empty => yes"},
    {"the time in which the job stood counts",
     "key a;value_t.update 1;map_t.put x 1;list_t.add 1;snapshot;advance 100;restore;key a;"
     "value_t.get => -;map_t.entries => -;list_t.get => -;value_t.keys => -"},
    {"a read that has renewed stands in the snapshot after it",
     "key a;value_r.update 1;list_r.add 1;map_r.put x 1;advance 6;value_r.get => 1;"
     "list_r.get => 1;map_r.entries => x=1;restore;advance 6;key a;value_r.get => 1;"
     "list_r.get => 1;map_r.get x => 1"},
};

static bool holds_on_model(const rule *tried)
{
    state_model *model = state_model_new();
    const state_subject subject = state_model_subject(model);
    const bool good = state_script_run(tried->script, &subject);

    state_model_free(model);
    return good;
}

static bool holds_on(const state_engine_kind *kind, const rule *tried)
{
    state_world *world = state_world_new(kind);
    const state_subject subject = state_world_subject(world);
    const bool good = world != NULL && state_script_run(tried->script, &subject);

    state_world_free(world);
    return good;
}

static void report(const char *on, const rule *tried, unsigned *failures)
{
    (void)fprintf(stderr, "%s: broken: %s\n", on, tried->name);
    (*failures)++;
}

static void each_rule_holds_on_the_model(void **state)
{
    unsigned failures = 0;

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rules); i++) {
        if (!holds_on_model(&rules[i])) {
            report("model", &rules[i], &failures);
        }
    }
    assert_int_equal(failures, 0);
}

static void each_rule_holds_on_each_engine(void **state)
{
    unsigned failures = 0;

    (void)state;
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        for (size_t j = 0; j < CAIRN_ARRAY_LEN(rules); j++) {
            if (!holds_on(&state_engine_kinds[i], &rules[j])) {
                report(state_engine_kinds[i].name, &rules[j], &failures);
            }
        }
    }
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_holds_on_the_model),
        cmocka_unit_test(each_rule_holds_on_each_engine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
