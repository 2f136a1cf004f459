/* Binding threads to hardware threads, and the proof that they are there. */
#ifndef TR_MACHINE_BIND_H
#define TR_MACHINE_BIND_H

#include <stdbool.h>

#include "tokenroof/machine.h"

/* Binds the calling thread, strictly. TR_EUNAVAILABLE if the operating system refuses. */
int tr_bind_thread(const struct tr_machine *machine, int cpu, struct tr_err *reterr);
/* The calling thread may run on `cpu` only, and is running there now. */
bool tr_thread_is_bound(const struct tr_machine *machine, int cpu);
/* Lets the calling thread run on all allowed CPUs again. */
void tr_unbind_thread(const struct tr_machine *machine);
int tr_current_cpu(void);

#endif
