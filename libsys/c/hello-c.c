/* A BorrowOS program in C. Compile it in this folder with
 *
 *     cc -m32 -march=i586 -O2 -ffreestanding -fno-pic -no-pie -fno-stack-protector -static -nostdlib -Wl,-T,borrow.ld,--build-id=none,--gc-sections,-z,noexecstack hello-c.c -L. -lborrow -o hello-c
 *
 * and run it with
 *
 *     cargo xtask run --with FOLDER/hello-c -- hello-c one two
 */
#include "borrow.h"

int main(int argc, char **argv) {
    struct borrow_system_info info;
    uint32_t result = borrow_system_info(&info);
    if (borrow_is_error(result)) {
        printf("%s: %s\n", argv[0], borrow_error_text(result));
        return 1;
    }
    printf("Hello from C, process %u of %u", borrow_get_pid(), info.processes);
    for (int i = 1; i < argc; i++)
        printf("%s %s", i == 1 ? ":" : "", argv[i]);
    puts("!");
    return 0;
}
