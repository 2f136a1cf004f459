/* measure --engine: an engine's kernels on the shapes of data/engine_shapes.csv. */
#ifndef TR_CMD_ENGINE_MEASURE_H
#define TR_CMD_ENGINE_MEASURE_H

#include "output.h"
#include "tokenroof/calibration.h"
#include "tokenroof/machine.h"

/* Times every type with one thread and with all (one a core) and appends what it found to the
 * calibration's `engines`. A type that the engine lacks, or crashes on, costs one warning there.
 * TR_EUNAVAILABLE with the reason if nothing could be timed; TR_ESTOPPED. */
int tr_engine_measure(const char *folder, const struct tr_machine *machine,
                      const struct tr_output_options *output, struct tr_calibration *calibration,
                      struct tr_err *reterr);

#endif
