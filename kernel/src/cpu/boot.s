# From the boot loader to Rust: paging on, higher half, a stack. Intel SDM 3A, "Mode Switching" and "32-Bit Paging".
#
# The loader starts us by the Multiboot 1 protocol: protected mode, flat segments, paging and interrupts off,
# eax = 0x2BADB002, ebx = physical address of its information.

.set KERNEL_BASE, 0xC0000000
.set BOOT_MAPPED_TABLES, 2              # 8 MiB, at 0 and at KERNEL_BASE

.section .boot.header, "a"
.align 4
multiboot_header:
    .long 0x1BADB002                    # magic
    .long 3                             # modules page-aligned, memory map wanted
    .long -(0x1BADB002 + 3)             # checksum

.section .boot, "ax"
.global _start
_start:
    cli
    cld
    mov esi, eax                        # kept across the loops below
    # Page tables: frame n at page n. Bits: present, writable.
    lea edi, [boot_tables - KERNEL_BASE]
    mov eax, 3
    mov ecx, 1024 * BOOT_MAPPED_TABLES
2:  stosd
    add eax, 4096
    loop 2b
    # Directory: the tables at 0 and at KERNEL_BASE, itself in slot 1023.
    lea edi, [boot_directory - KERNEL_BASE]
    lea eax, [boot_tables - KERNEL_BASE + 3]
    mov [edi + 0 * 4], eax
    mov [edi + 768 * 4], eax
    add eax, 4096
    mov [edi + 1 * 4], eax
    mov [edi + 769 * 4], eax
    lea eax, [edi + 3]
    mov [edi + 1023 * 4], eax
    mov cr3, edi
    mov eax, cr0
    and eax, ~0x4                       # EM off: x87 instructions are executed, not trapped
    or eax, 0x80010022                  # PG, WP, NE, MP
    mov cr0, eax
    lea eax, [higher_half]
    jmp eax

.section .text.boot, "ax"
higher_half:
    lea esp, [boot_stack_end]
    xor ebp, ebp                        # ends a debugger's walk of the stack
    push ebx
    push esi
    call {kernel_main}
3:  cli
    hlt
    jmp 3b

.section .bss
.align 4096
boot_directory: .skip 4096
boot_tables:    .skip 4096 * BOOT_MAPPED_TABLES
boot_stack:     .skip 4096 * 8
boot_stack_end:
