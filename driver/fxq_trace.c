// SPDX-License-Identifier: GPL-2.0
/*
 * fxq_trace.c - where the code behind the events of fxq_trace.h stands
 */
#define CREATE_TRACE_POINTS
#include "fxq_trace.h"
