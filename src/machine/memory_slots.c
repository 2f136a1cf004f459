/* What firmware writes about a slot's place follows no standard: "DIMM 0" in bank "P0 CHANNEL A",
 * "CPU0_DIMM_A1", "P1-DIMMA1" in "P0_Node0_Channel0_Dimm0", "Controller0-ChannelA-DIMM0". The names
 * are read for the parts that matter (package, controller, channel, place in the channel); what
 * they do not tell stays unknown. */
#include "memory_slots.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- names of slots -------------------------------------------------------------------------- */

/* The text behind `word` and separators; NULL if the word is not there. It must not be the tail of
 * a longer word ("SODIMM" for "DIMM" is allowed with `inside`). */
static const char *after_word(const char *text, const char *word, bool inside) {
    for (const char *at = text; (at = strcasestr(at, word)) != NULL; at++) {
        if (!inside && at > text && isalpha((unsigned char)at[-1]))
            continue;
        const char *rest = at + strlen(word);
        return rest + strspn(rest, " _-.:#");
    }
    return NULL;
}

static int number_after(const char *text, const char *word) {
    const char *rest = after_word(text, word, false);
    return rest && isdigit((unsigned char)*rest) ? (int)strtol(rest, NULL, 10) & 0xffff : -1;
}

static int read_package(const char *text) {
    static const char *const words[] = {"CPU", "PROCESSOR", "PROC", "SOCKET"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        int package = number_after(text, words[i]);
        if (package >= 0)
            return package;
    }
    for (const char *at = text; *at; at++) /* "P0", as a word of its own */
        if (toupper((unsigned char)*at) == 'P' && isdigit((unsigned char)at[1]) &&
            (at == text || !isalnum((unsigned char)at[-1])))
            return at[1] - '0';
    return -1;
}

/* A letter (and perhaps a number behind it: the place in the channel) as channel. */
static bool take_letter(const char *at, struct tr_slot *slot) {
    if (!isalpha((unsigned char)*at) || isalpha((unsigned char)at[1]))
        return false;
    slot->channel[0] = (char)toupper((unsigned char)*at);
    slot->channel[1] = '\0';
    if (isdigit((unsigned char)at[1]))
        slot->place = (int)strtol(at + 1, NULL, 10) & 0xffff;
    return true;
}

/* "Channel A", "ChannelB-DIMM1", "Channel0", "CH0", "ChannelA" as the hexadecimal ten: only
 * whether two names are equal matters. */
static bool read_channel_word(const char *text, struct tr_slot *slot) {
    static const char *const words[] = {"CHANNEL", "CHAN", "CH"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const char *rest = after_word(text, words[i], false);
        if (!rest)
            continue;
        size_t digits = strspn(rest, "0123456789");
        if (digits && digits < sizeof(slot->channel)) {
            memcpy(slot->channel, rest, digits);
            slot->channel[digits] = '\0';
            return true;
        }
        if (take_letter(rest, slot))
            return true;
    }
    return false;
}

/* "DIMM_A1", "DIMMA1", "DIMM A"; else a letter with a number as a word of its own: "CPU0.A0",
 * "DIMM_P0_A0", "A1". */
static bool read_channel_letter(const char *text, struct tr_slot *slot) {
    const char *rest = after_word(text, "DIMM", true);
    if (rest && take_letter(rest, slot) && slot->channel[0] != 'P')
        return true;
    slot->channel[0] = '\0';
    for (const char *at = text; *at;) {
        size_t n = 0;
        while (isalnum((unsigned char)at[n]))
            n++;
        if (n >= 2 && n <= 3 && toupper((unsigned char)*at) != 'P' &&
            strspn(at + 1, "0123456789") == n - 1 && take_letter(at, slot)) {
            slot->bare = at == text && at[n] == '\0';
            return true;
        }
        at += n + (at[n] != '\0');
    }
    return false;
}

void tr_slot_read(const struct tr_memory_module *module, struct tr_slot *ret_slot) {
    const char *locator = module->locator ? module->locator : "";
    const char *bank = module->bank ? module->bank : "";
    struct tr_slot found = {.array = -1, .package = -1, .controller = -1, .place = -1};
    struct tr_slot *slot = &found;
    slot->package_bank = read_package(bank);
    slot->package_locator = read_package(locator);
    if (!read_channel_word(bank, slot) && !read_channel_word(locator, slot) &&
        !read_channel_letter(locator, slot))
        read_channel_letter(bank, slot);
    slot->controller = number_after(locator, "CONTROLLER");
    slot->half_channels = slot->controller >= 0;
    for (int i = 0; i < 2 && slot->controller < 0; i++) {
        const char *text = i ? bank : locator;
        slot->controller = number_after(text, "MC");
        if (slot->controller < 0)
            slot->controller = number_after(text, "IMC");
        /* A die of a first-generation EPYC: "P0_Node1_Channel0". */
        if (slot->controller < 0 && after_word(text, "CHANNEL", false))
            slot->controller = number_after(text, "NODE");
    }
    if (slot->place < 0)
        slot->place = number_after(locator, "DIMM");
    if (slot->place < 0)
        slot->place = number_after(bank, "DIMM");
    *ret_slot = found;
}

/* --- packages -------------------------------------------------------------------------------- */

/* Firmware counts sockets from 0 or from 1, and some in both ways at once: the smallest number that
 * it uses is package 0. The bank's count is taken where all slots have one, else the locator's,
 * else the order of the memory arrays. */
static void resolve_packages(struct tr_slot *slots, size_t n, int sockets, int n_arrays) {
    bool all_bank = true, all_locator = true;
    int first_bank = INT32_MAX, first_locator = INT32_MAX;
    for (size_t i = 0; i < n; i++) {
        all_bank = all_bank && slots[i].package_bank >= 0;
        all_locator = all_locator && slots[i].package_locator >= 0;
        if (slots[i].package_bank < first_bank)
            first_bank = slots[i].package_bank;
        if (slots[i].package_locator < first_locator)
            first_locator = slots[i].package_locator;
    }
    for (size_t i = 0; i < n; i++) {
        struct tr_slot *slot = &slots[i];
        if (sockets == 1)
            slot->package = 0;
        else if (all_bank)
            slot->package = slot->package_bank - first_bank;
        else if (all_locator)
            slot->package = slot->package_locator - first_locator;
        else if (sockets > 1 && n_arrays == sockets)
            slot->package = slot->array;
    }
}

/* Dell's servers: "A1".."A16" are the slots of the first CPU, "B1".. those of the second. */
static void resolve_bare_names(struct tr_slot *slots, size_t n, int sockets) {
    int highest = 0;
    for (size_t i = 0; i < n; i++) {
        if (!slots[i].bare)
            return;
        if (slots[i].place > highest)
            highest = slots[i].place;
    }
    if (n == 0 || (highest <= 2 && sockets <= 1))
        return;
    for (size_t i = 0; i < n; i++) {
        slots[i].package = slots[i].channel[0] - 'A';
        slots[i].channel[0] = '\0';
    }
}

void tr_slots_resolve(struct tr_slot *slots, size_t n, int sockets, int n_arrays) {
    resolve_packages(slots, n, sockets, n_arrays);
    resolve_bare_names(slots, n, sockets);
}
