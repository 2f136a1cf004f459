/* Taking out of a recording what names a host or its owner: host names, serial numbers, UUIDs,
 * asset tags. What is left decides figures; all else is blanked, so that recordings can be passed
 * on. */
#ifndef TR_MACHINE_SANITISE_H
#define TR_MACHINE_SANITISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TR_SECRETS_MOST = 16 };

/* Words to be replaced by "x" wherever they stand. Zeroed = none. */
struct tr_secrets {
    char *words[TR_SECRETS_MOST];
    size_t n;
};

/* A copy of the word; NULL, too short ones and more than there is room for are left out. */
void tr_secrets_add(struct tr_secrets *secrets, const char *word);
/* A host name with and without its domain; "localhost" is no secret. */
void tr_secrets_add_host(struct tr_secrets *secrets, const char *name);
/* A serial number or tag; makers' placeholders ("Default string") are no secrets. */
void tr_secrets_add_serial(struct tr_secrets *secrets, const char *serial);
void tr_secrets_finish(struct tr_secrets *secrets);

/* Files that are not copied at all. */
bool tr_path_is_secret(const char *path);
/* A copy without lines whose key speaks of a serial number, UUID or asset tag, without UUIDs, MAC
 * addresses, long hexadecimal numbers (ids of machines and containers) and without the words. Also
 * fit for paths. NULL when out of memory. */
char *tr_sanitise_text(const char *text, const struct tr_secrets *secrets);
/* hwloc's XML with the <info> elements that this program or a reader needs, and no others; secrets
 * in what is left are replaced as in texts. */
char *tr_sanitise_xml(const char *xml, const struct tr_secrets *secrets);
/* In place; the length and the numbers of structures stay. Structures of unknown types keep their
 * header alone; what does not parse is zeroed. */
void tr_sanitise_smbios(uint8_t *table, size_t length);

#endif
