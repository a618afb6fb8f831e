# Changes from one kernel stack to another: what a C function keeps, and FS and GS, which belong to ring 3.

.section .text.switch, "ax"
.global switch_stacks
switch_stacks:
    mov eax, [esp + 4]                  # where to note the old stack pointer; null if nobody will want it
    mov ecx, [esp + 8]                  # where the new stack pointer was noted
    push ebp
    push ebx
    push esi
    push edi
    .byte 0x0F, 0xA0                    # push fs, 32 bits wide: LLVM's assembler reads `push fs` as the 16-bit form
    .byte 0x0F, 0xA8                    # push gs
    test eax, eax
    jz 2f
    mov [eax], esp
2:  mov esp, [ecx]
    .byte 0x0F, 0xA9                    # pop gs
    .byte 0x0F, 0xA1                    # pop fs
    pop edi
    pop esi
    pop ebx
    pop ebp
    ret

# enter_ring_3(entry, stack): the first instruction of a program, with clean registers. DS and ES have its selector already: `trap.s`.
.global enter_ring_3
enter_ring_3:
    mov ebx, [esp + 4]
    mov ecx, [esp + 8]
    mov eax, {user_data}
    mov fs, eax
    mov gs, eax
    push eax
    push ecx
    push 0x202                          # interrupts on
    push {user_code}
    push ebx
    xor eax, eax
    xor ebx, ebx
    xor ecx, ecx
    xor edx, edx
    xor esi, esi
    xor edi, edi
    xor ebp, ebp
    iretd
