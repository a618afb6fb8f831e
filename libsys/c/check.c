/* What a program in C can rely on; `cargo xtask test` compiles it, runs it in the guest and looks at what it prints. */
#include "borrow.h"

static int failures;

static void check(int holds, const char *what) {
    printf("%s ... %s\n", what, holds ? "ok" : "FAILED");
    failures += !holds;
}

static void arguments(int argc, char **argv) {
    check(argc == 3 && strcmp(argv[0], "check-c") == 0 && strcmp(argv[1], "a b") == 0 && strcmp(argv[2], "-17") == 0,
          "arguments arrive");
    check(argv[argc] == NULL, "arguments end with a null");
    check(atoi(argv[2]) == -17 && atoi("  +42x") == 42, "atoi reads numbers");
}

static void formats(void) {
    printf("[%d|%5u|%-5d|%05d|%x|%08X|%c|%s|%6s|%.2s|%%|%p]\n", -7, 42u, 42, -42, 0xbeefu, 0xbeefu, 'c', "text", "right", "cut",
           (void *)0x1000);
    printf("[%lld|%llu|%ld]\n", -1234567890123ll, 12345678901234567890ull, 5l);
}

static void strings(void) {
    char buffer[8];
    memset(buffer, 'x', sizeof buffer);
    memcpy(buffer, "abc", 4);
    check(strlen(buffer) == 3 && buffer[4] == 'x', "strlen and memcpy agree");
    check(strcmp("abc", "abd") < 0 && strcmp("b", "a") > 0 && strcmp("", "") == 0, "strcmp compares");
    check(strncmp("abc", "abd", 2) == 0 && strncmp("abc", "abd", 3) < 0, "strncmp compares");
    const char *text = "a=b";
    check(strchr(text, '=') == text + 1 && strchr(text, 'z') == NULL && strchr(text, 0) == text + 3, "strchr finds");
    memmove(buffer + 1, buffer, 4);
    check(memcmp(buffer, "aabc", 5) == 0, "memmove copes with overlap");
}

static void heap(void) {
    struct borrow_system_info before, after;
    unsigned char *small = malloc(100), *large = calloc(100, 4096);
    check(small && large && (uintptr_t)small % 16 == 0 && (uintptr_t)large % 16 == 0, "malloc and calloc give aligned memory");
    int is_zero = 1;
    for (int i = 0; i < 100 * 4096; i++)
        is_zero &= large[i] == 0;
    check(is_zero, "calloc gives zeros");
    memset(small, 7, 100);
    small = realloc(small, 200 * 1000);
    check(small && small[0] == 7 && small[99] == 7, "realloc keeps what was there");
    borrow_system_info(&before);
    free(large);
    borrow_system_info(&after);
    check(after.pages_promised + 100 <= before.pages_promised, "free gives large blocks back to the kernel");
    free(small);
    free(NULL);
    check(calloc(0x10000, 0x10000) == NULL && malloc(0xFFFFFFFFu) == NULL, "too much is refused");
}

static void calls(void) {
    uint32_t start = borrow_allocate_memory(3 * BORROW_PAGE_SIZE);
    check(!borrow_is_error(start) && start % BORROW_PAGE_SIZE == 0, "AllocateMemory returns a page's address");
    volatile unsigned char *bytes = (volatile unsigned char *)start;
    bytes[5] = 1;
    struct borrow_mapping mapping;
    check(borrow_get_mapping((void *)start, &mapping) == 0 && mapping.physical_page_plus_one != 0, "a touched page has a frame");
    check(borrow_get_mapping((char *)start + 4096, &mapping) == 0 && mapping.physical_page_plus_one == 0, "another has none");
    check(borrow_free_memory((void *)start) == 0, "FreeMemory frees it");
    uint32_t again = borrow_free_memory((void *)start);
    check(borrow_is_error(again) && borrow_error_of(again) == BORROW_BAD_ADDRESS, "and not twice");
    check(strcmp(borrow_error_text(again), "bad address") == 0, "errors have a text");
    start = borrow_allocate_memory(3 * BORROW_PAGE_SIZE);
    check(borrow_free_pages((char *)start + 4096, BORROW_PAGE_SIZE) == 0, "FreePages frees a page between two others");
    check(borrow_get_mapping((char *)start + 4096, &mapping) != 0 && borrow_get_mapping((char *)start + 8192, &mapping) == 0, "and no other");
    void *pool = (void *)0x20000000;
    check(borrow_register_pool(pool, 4 * BORROW_PAGE_SIZE) == 0, "RegisterPool takes a free range");
    check(borrow_error_of(borrow_register_pool(pool, BORROW_PAGE_SIZE)) == BORROW_OVERLAPS, "and not twice");
    volatile int *number = (volatile int *)borrow_allocate_in_pool(pool, sizeof *number);
    check((void *)number == pool && *number == 0, "AllocateInPool begins where the pool does");
    *number = 7;
    check(borrow_unregister_pool(pool) == 0 && borrow_get_mapping((void *)number, &mapping) != 0, "with the pool its regions go");
    struct borrow_time time;
    check(borrow_time(&time) == 0 && time.tsc_hz > 1000000, "64-bit fields are where they should be");
}

static void children(void) {
    struct borrow_exit_status status;
    const char words[] = "one\0two";
    borrow_flush();
    uint32_t pid = borrow_create_process("hello-c", 7, words, sizeof words, 0);
    check(borrow_wait(pid, &status) == pid && status.pid == pid, "a child is waited for");
    check(status.reason.how == BORROW_EXITED && status.reason.what == 0, "its exit code comes back");
    pid = borrow_create_process("assist", 6, "write\0" "0", 8, 0);
    borrow_wait(pid, &status);
    check(status.reason.how == BORROW_BROKE_A_RULE && status.reason.what == BORROW_RULE_NULL_POINTER && status.reason.access == 1 &&
              status.reason.address == 0,
          "a broken rule is told");
    check(status.account.faults > 0, "its account comes with it");
    uint32_t nobody = borrow_create_process("nobody", 6, "", 0, 0);
    check(borrow_error_of(nobody) == BORROW_NO_SUCH_FILE, "a program that is not there is refused");
}

int main(int argc, char **argv) {
    arguments(argc, argv);
    formats();
    strings();
    heap();
    calls();
    children();
    printf("%d failures\n", failures);
    exit(failures ? 1 : 42);
}
