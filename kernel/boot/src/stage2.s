# The second stage's way into 32-bit protected mode, and back to real mode for as long as a call of the BIOS takes
# (Intel SDM 3A, "Mode Switching"). All of it lies below 64 KiB, so that both modes reach it with the same offsets.

.set CODE_32, 0x08
.set DATA_32, 0x10
.set CODE_16, 0x18
.set DATA_16, 0x20
.set STACK_TOP, 0x7C00

.code16
.section .stage2.entry, "awx"
.global stage2
stage2:
    cli
    lgdt [gdt_pointer]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0x66, 0xEA                    # jmp CODE_32:1f
    .long 1f
    .word CODE_32
.code32
1:  mov ax, DATA_32
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov fs, ax
    mov gs, ax
    mov esp, STACK_TOP
    mov edi, offset __stage2_end        # no variable has a value yet
    mov ecx, offset __bss_end
    sub ecx, edi
    xor eax, eax
    rep stosb
    movzx edx, dl
    push edx
    call {main}

# bios_call(registers, vector): calls the BIOS with the registers at `registers` (eax ebx ecx edx esi edi, es, flags), and stores there what
# it leaves. DS is 0. The BIOS runs on our stack, so `registers` and the stack must lie below 64 KiB.
.section .stage2, "awx"
.global bios_call
bios_call:
    push ebp
    push ebx
    push esi
    push edi
    mov esi, [esp + 20]
    mov al, [esp + 24]
    mov [bios_interrupt + 1], al
    mov [bios_registers], esi
    mov [protected_esp], esp
    .byte 0xEA                          # jmp CODE_16:2f
    .long 2f
    .word CODE_16
.code16
2:  mov ax, DATA_16                     # real mode keeps the limits of the last segments
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov fs, ax
    mov gs, ax
    lidt [real_mode_idt]
    mov eax, cr0
    and al, 0xFE
    mov cr0, eax
    .byte 0xEA                          # jmp 0:3f
    .word 3f, 0
3:  xor ax, ax
    mov ds, ax
    mov ss, ax
    mov si, [bios_registers]
    mov ax, [si + 24]
    mov es, ax
    mov eax, [si]
    mov ebx, [si + 4]
    mov ecx, [si + 8]
    mov edx, [si + 12]
    mov edi, [si + 20]
    mov esi, [si + 16]
    sti
bios_interrupt:
    int 0
    cli
    cld
    pushfd
    push esi
    mov si, cs:[bios_registers]
    mov cs:[si], eax
    mov cs:[si + 4], ebx
    mov cs:[si + 8], ecx
    mov cs:[si + 12], edx
    mov cs:[si + 20], edi
    pop eax
    mov cs:[si + 16], eax
    pop eax
    mov cs:[si + 28], eax
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0x66, 0xEA                    # jmp CODE_32:4f
    .long 4f
    .word CODE_32
.code32
4:  mov ax, DATA_32                     # all of them: the BIOS may have left anything, and Multiboot promises the kernel flat ones
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov fs, ax
    mov gs, ax
    mov esp, [protected_esp]
    pop edi
    pop esi
    pop ebx
    pop ebp
    ret

.align 8
gdt:
    .quad 0
    .quad 0x00CF9A000000FFFF            # CODE_32: base 0, limit 4 GiB
    .quad 0x00CF92000000FFFF            # DATA_32
    .quad 0x00009A000000FFFF            # CODE_16: base 0, limit 64 KiB
    .quad 0x000092000000FFFF            # DATA_16
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt
real_mode_idt:
    .word 0x3FF
    .long 0
bios_registers: .long 0
protected_esp:  .long 0
