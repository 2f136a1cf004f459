/* A machine as found, on one page for people: what `tokenroof topology` prints. */
#ifndef TR_REPORT_MACHINE_H
#define TR_REPORT_MACHINE_H

#include "text.h"
#include "tokenroof/machine.h"

/* Appends to `out`; things that are alike share a line, so that a large machine fits too. With
 * `verbose` each module, all places and the limits of each of them have lines of their own. */
int tr_report_machine(const struct tr_machine *machine, const struct tr_term *term, bool verbose,
                      struct tr_strbuf *out);

/* report_machine_glance.c: what to look at first, worth attention where the tone is doubtful or
 * bad.
 */
enum { TR_GLANCE_MOST = 32 };
struct tr_glance_item {
    const char *name;
    char *text; /* heap; may hold what firmware wrote */
    enum tr_tone tone;
};
struct tr_glance {
    struct tr_glance_item items[TR_GLANCE_MOST];
    size_t n;
};
void tr_glance_fill(struct tr_glance *glance, const struct tr_machine *machine);
void tr_glance_finish(struct tr_glance *glance);
void tr_text_glance(struct tr_text *text, const struct tr_machine *machine);
/* report_machine_formats.c: for forums and pull requests, with the whole page in a fence; the
 * limits as a table, one row each. TR_ENOMEM. */
int tr_report_machine_markdown(const struct tr_machine *machine, struct tr_strbuf *out);
int tr_report_machine_csv(const struct tr_machine *machine, struct tr_strbuf *out);

/* report_machine_topology.c. */
void tr_text_topology(struct tr_text *text, const struct tr_machine *machine);
/* report_machine_memory.c: modules, the second witness. report_machine_clocks.c: clocks, sensors.
 * report_machine_limits.c: limits. */
void tr_text_modules(struct tr_text *text, const struct tr_machine *machine);
void tr_text_clocks(struct tr_text *text, const struct tr_machine *machine);
void tr_text_sensors(struct tr_text *text, const struct tr_machine *machine);
void tr_text_machine_limits(struct tr_text *text, const struct tr_machine *machine);

/* report_machine_platform.c: a catalogue row; GPUs and accelerators. */
void tr_text_platform(struct tr_text *text, const struct tr_platform *platform, int packages);
void tr_text_devices(struct tr_text *text, const struct tr_machine *machine);

/* What a series of processors has in common: a table of its members, and the range of each limit.
 * One machine a member, as tr_machine_of_platform() makes them. */
int tr_report_series(const char *name, struct tr_machine *const *members, size_t n,
                     const struct tr_term *term, struct tr_strbuf *out);
/* Least and largest of a limit of the whole machine; false where no member has it. */
bool tr_series_range(struct tr_machine *const *members, size_t n, const char *limit,
                     double ret_range[2]);

/* A line "  <name>      <value>", the value wrapped. Takes over `value` (heap; NULL = out of
 * memory). */
void tr_text_fact(struct tr_text *text, const char *name, char *value);

#endif
