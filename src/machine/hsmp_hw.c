/* The one place that talks to /dev/hsmp: tests put recorded answers in its place. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hsmp.h"

/* struct hsmp_message and HSMP_IOCTL_CMD of <asm/amd_hsmp.h>, which kernels before 5.18 and other
 * architectures do not have. */
#pragma pack(push, 4)
struct message {
    uint32_t id;
    uint16_t n_arguments, n_words;
    uint32_t words[TR_HSMP_MAX_WORDS]; /* arguments, then the answer */
    uint16_t package;
};
#pragma pack(pop)

#define ASK _IOWR(0xF8, 0, struct message)

/* "Get" messages of the kernel's table, by number: a list with any other is refused whole. */
static bool only_asks(uint32_t message) {
    static const uint32_t ids[] = {0x02, 0x03, 0x04, 0x06, 0x07, 0x0b, 0x0f,
                                   0x10, 0x11, 0x14, 0x15, 0x19, 0x1c};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        if (ids[i] == message)
            return true;
    return false;
}

int tr_hsmp_ask(struct tr_hsmp_request *requests, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!only_asks(requests[i].message) || requests[i].n_words > TR_HSMP_MAX_WORDS)
            return EINVAL;
    int fd = open("/dev/hsmp", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    bool hopeless = false;
    for (size_t i = 0; i < n; i++) {
        struct tr_hsmp_request *request = &requests[i];
        struct message message = {.id = request->message,
                                  .n_words = (uint16_t)request->n_words,
                                  .package = (uint16_t)request->package};
        request->error = hopeless ? ETIMEDOUT : ioctl(fd, ASK, &message) ? errno : 0;
        hopeless = request->error == ETIMEDOUT;
        memcpy(request->words, message.words, sizeof(request->words));
    }
    close(fd);
    return 0;
}
