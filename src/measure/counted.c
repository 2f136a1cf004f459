#include "counted.h"

#include <jansson.h>
#include <math.h>

#include "calibration_json.h"
#include "tokenroof/calibration.h"

/* Bytes: what is written back later than the sample, or was dirty before it, and what other
 * programs and page tables move, is some per cent. The clock: a chain's bursts are a part of the
 * sample, the counted cycles are all of it and the wait for the other threads. */
static const double bytes_tolerance = 0.10, clock_tolerance = 0.05;

void tr_count_add(int64_t *sum, int64_t before, int64_t after) {
    *sum = *sum < 0 || before < 0 || after < 0 ? -1 : *sum + after - before;
}

void tr_counted_add(struct tr_counted *counted, const struct tr_counts *before,
                    const struct tr_counts *after) {
    tr_count_add(&counted->cycles, before->cycles, after->cycles);
    tr_count_add(&counted->instructions, before->instructions, after->instructions);
    tr_count_add(&counted->cpu_ns, before->cpu_ns, after->cpu_ns);
}

void tr_counted_add_traffic(struct tr_counted *counted, const struct tr_traffic *before,
                            const struct tr_traffic *after, double nominal_bytes) {
    counted->nominal_bytes += nominal_bytes;
    counted->read_bytes += after->read_bytes - before->read_bytes;
    counted->written_bytes += after->written_bytes - before->written_bytes;
}

void tr_counted_sum(struct tr_counted *sum, const struct tr_counted *counted) {
    tr_count_add(&sum->cycles, counted->cycles < 0 ? -1 : 0, counted->cycles);
    tr_count_add(&sum->instructions, counted->instructions < 0 ? -1 : 0, counted->instructions);
    tr_count_add(&sum->cpu_ns, counted->cpu_ns < 0 ? -1 : 0, counted->cpu_ns);
    sum->nominal_bytes += counted->nominal_bytes;
    sum->read_bytes += counted->read_bytes;
    sum->written_bytes += counted->written_bytes;
}

static int check_clock(const struct tr_counted *counted, struct tr_measurement *m) {
    double ghz = (double)counted->cycles / (double)counted->cpu_ns;
    if (counted->cycles <= 0 || counted->cpu_ns <= 0 || !(m->core_ghz > 0) ||
        fabs(ghz / m->core_ghz - 1) <= clock_tolerance)
        return 0;
    return tr_strings_add(
        &m->warnings,
        "%s, %d threads: the core clock is %.3f GHz by a chain of additions, %.3f "
        "by the processor's own count of cycles. Efficiencies are in doubt",
        m->kernel, m->threads, m->core_ghz, ghz);
}

static int keep_bytes(struct tr_measurement *m, double read, double written) {
    json_t *bytes = json_pack("{s:o, s:o}", "read_per_nominal", tr_json_number(read),
                              "written_per_nominal", tr_json_number(written));
    if (!m->extra)
        m->extra = json_object();
    return json_object_set_new(m->extra, "memory_counters", bytes) ? TR_ENOMEM : 0;
}

static int check_bytes(const struct tr_counted *counted, double expected,
                       struct tr_measurement *m) {
    if (!(counted->nominal_bytes > 0))
        return 0;
    double read = counted->read_bytes / counted->nominal_bytes;
    double written = counted->written_bytes / counted->nominal_bytes;
    int code = keep_bytes(m, read, written);
    if (code || isnan(expected) || fabs((read + written) / expected - 1) <= bytes_tolerance)
        return code;
    return tr_strings_add(
        &m->warnings,
        "%s, %d threads: the memory controllers moved %.2f bytes for each nominal byte (%.2f read, "
        "%.2f written), %.2f were expected: %s",
        m->kernel, m->threads, read + written, read, written, expected,
        read + written > expected
            ? "other programs use the memory, or the processor reads more than was asked for"
            : "caches help, or the processor saves reads for ownership");
}

int tr_counted_check(const struct tr_counted *counted, double expected, struct tr_measurement *m) {
    int code = check_clock(counted, m);
    return code ? code : check_bytes(counted, expected, m);
}
