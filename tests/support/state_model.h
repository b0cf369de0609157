/*
 * The plain model of keyed state: a table of cells, each with what was put there, in order. It
 * shares with the product only the functions of reducing and aggregating states.
 */
#ifndef CAIRN_TESTS_STATE_MODEL_H
#define CAIRN_TESTS_STATE_MODEL_H

#include "state_script.h"

typedef struct state_model state_model;

state_model *state_model_new(void);
void state_model_free(state_model *model);

/* Borrowed from the model. */
state_subject state_model_subject(state_model *model);

#endif
