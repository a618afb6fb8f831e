/* What a BorrowOS program in C is compiled with.
 *
 * Made by `cargo xtask sdk` from the tables that the kernel is made from; do not edit. */
#ifndef BORROW_H
#define BORROW_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define BORROW_ASSERT static_assert
#else
#define BORROW_ASSERT _Static_assert
#endif

/* ---- Records that calls fill in ---- */

@RECORDS@
/* ---- Errors ---- */

/* A call returns a value, or the negated number of one of these errors; ask borrow_is_error(). */
enum borrow_error {
@ERRORS@};

/* Nonzero if the result of a call is an error. */
static inline int borrow_is_error(uint32_t result) {
    return result >= 0xFFFFF001u;
}

/* The error that a result is. */
static inline enum borrow_error borrow_error_of(uint32_t result) {
    return (enum borrow_error)(0u - result);
}

/* What went wrong, as a phrase in lower case. */
static inline const char *borrow_error_text(uint32_t result) {
    switch (0u - result) {
@ERROR_TEXTS@    default: return borrow_is_error(result) ? "unknown error" : "no error";
    }
}

/* What struct borrow_exit_reason says in `how`. */
enum borrow_how {
    BORROW_EXITED = 0,
    BORROW_KILLED = 1,
    BORROW_BROKE_A_RULE = 2,
};

/* What it says in `what` if a rule was broken. */
enum borrow_rule {
@RULES@};

/* ---- The kernel's calls ---- */

@CALLS@
/* ---- A little of C's library ---- */

/* Bytes in a page and in a frame. */
#define BORROW_PAGE_SIZE @PAGE_SIZE@u

/* Prints what printf, puts and putchar have collected of a line, and ends the program. */
void exit(int code) __attribute__((noreturn));

/* %d %i %u %x %X %c %s %p %%, with width, precision for strings, `-`, `0`, `*`, `l` and `ll`. */
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
int puts(const char *string);
int putchar(int character);
/* Output is collected until the end of the line. This prints what there is of one. */
void borrow_flush(void);

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);

void *memcpy(void *to, const void *from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *left, const void *right, size_t len);
size_t strlen(const char *string);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t len);
char *strchr(const char *string, int character);
int atoi(const char *string);

#ifdef __cplusplus
}
#endif

#endif
