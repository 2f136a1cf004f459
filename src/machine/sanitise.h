/* Taking out of a recording what names a host or its owner: host names, serial numbers, UUIDs,
 * asset tags. What is left decides figures; all else is blanked, so that recordings can be passed
 * on. */
#ifndef TR_MACHINE_SANITISE_H
#define TR_MACHINE_SANITISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words to be replaced by "x" wherever they stand; NULL or too short ones are left out. */
struct tr_secrets {
    char *words[3];
};

/* Host name and machine id of this machine. */
void tr_secrets_init(struct tr_secrets *secrets);
void tr_secrets_finish(struct tr_secrets *secrets);

/* Files that are not copied at all. */
bool tr_path_is_secret(const char *path);
/* A copy without lines whose key speaks of a serial number, UUID or asset tag, without UUIDs and
 * without the words. Also fit for paths. NULL when out of memory. */
char *tr_sanitise_text(const char *text, const struct tr_secrets *secrets);
/* hwloc's XML with the <info> elements that this program or a reader needs, and no others. */
char *tr_sanitise_xml(const char *xml);
/* In place; the length and the numbers of structures stay. Structures of unknown types keep their
 * header alone; what does not parse is zeroed. */
void tr_sanitise_smbios(uint8_t *table, size_t length);

#endif
