# Where the CPU enters the kernel (Intel SDM 3A, "Exception and Interrupt Handling").
#
# Gates are interrupt gates: the CPU clears IF, TF and NT. It does not clear DF, which string instructions need clear, nor AC, with which
# the kernel could touch user memory by accident, so every entry loads clean flags.
#
# Ring 3 may have loaded any selector into DS and ES that it is allowed to, null among them, so every entry loads the flat data segment
# of ring 3. Ring 0 may use that segment too (Intel SDM 3A, "Privilege Level Checking When Accessing Data Segments"). So DS and ES hold
# the same selector everywhere in the kernel, and every return to ring 3 may leave it in them: a call by `sysenter` that was switched
# away from and back returns with the selector that its entry loaded. A selector of ring 0 must not get there: `sysexit` would hand it
# to ring 3, where the next `iretd` makes it null and the next access to memory faults (Intel SDM 2A, "IRET/IRETD"). SS is the only data
# segment register with a selector of ring 0, as the CPU wants it.
#
# Reloading the old values cannot fault: they were in the registers when the descriptors were the same. FS and GS are not used
# by the kernel; `switch` keeps them for each process.

# `push ds` and the like, 32 bits wide (Intel SDM 2B, "PUSH" and "POP"): LLVM's assembler reads them as the 16-bit forms.
.macro PUSH_DS
    .byte 0x1E
.endm
.macro PUSH_ES
    .byte 0x06
.endm
.macro POP_DS
    .byte 0x1F
.endm
.macro POP_ES
    .byte 0x07
.endm

.macro CLEAN_FLAGS
    push 2                              # the one flag that is always set
    popfd
.endm

.macro ENTER_KERNEL
    pushad
    PUSH_DS
    PUSH_ES
    mov ecx, {user_data}
    mov ds, ecx
    mov es, ecx
    CLEAN_FLAGS
.endm

.macro LEAVE_KERNEL
    POP_ES
    POP_DS
    popad
    add esp, 8                          # vector and error code
    iretd
.endm

# Tells debuggers how to get from here to what was interrupted (DWARF 4, "Call Frame Information"). The canonical frame address lies
# `above` bytes above the stack pointer, right behind EFLAGS. There the interrupted stack goes on if ring 0 was interrupted, and there
# is the interrupted stack pointer if ring 3 was: the expression asks CS, 8 below.
.macro UNWIND_INTERRUPT above
    .cfi_signal_frame
    .cfi_def_cfa esp, \above
    .cfi_offset eip, -12
    # esp is: dup, lit8, minus, deref, lit3, and, lit0, eq, bra over the last, deref
    .cfi_escape 0x16, 4, 12, 0x12, 0x38, 0x1C, 0x06, 0x33, 0x1A, 0x30, 0x29, 0x28, 1, 0, 0x06
.endm

# The same for a frame as `TrapFrame` describes it, with `pushed` bytes below.
.macro UNWIND_TRAP pushed
    UNWIND_INTERRUPT 60 + \pushed
    .cfi_offset eax, -24
    .cfi_offset ecx, -28
    .cfi_offset edx, -32
    .cfi_offset ebx, -36
    .cfi_offset ebp, -44
    .cfi_offset esi, -48
    .cfi_offset edi, -52
.endm

# Exceptions and interrupts: 48 entries of 16 bytes. Those for which the CPU pushes no error code push a zero.
.section .text.traps, "ax"
.align 16
.global trap_entries
trap_entries:
.set vector, 0
.rept 48
    .align 16
    .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21)
    .else
    push 0
    .endif
    push vector
    jmp trap_common
    .set vector, vector + 1
.endr

.align 16
trap_common:
    .cfi_startproc
    ENTER_KERNEL
    push esp
    UNWIND_TRAP 4
    call {trap}
    add esp, 4
    LEAVE_KERNEL
    .cfi_endproc

# Page faults: the address is read before anything can fault again.
.align 16
.global page_fault_entry
page_fault_entry:
    .cfi_startproc
    push 14
    ENTER_KERNEL
    mov eax, cr2
    mov ecx, esp
    push eax
    push ecx
    UNWIND_TRAP 8
    call {page_fault}
    add esp, 8
    LEAVE_KERNEL
    .cfi_endproc

# Calls: number in eax, arguments in ebx ecx edx esi edi, result in eax. The called function keeps ebx, esi, edi and ebp as every C
# function does; ecx and edx are popped again with the arguments.
.align 16
.global syscall_entry
syscall_entry:
    .cfi_startproc
    PUSH_DS
    PUSH_ES
    push edi
    push esi
    push edx
    push ecx
    push ebx
    mov edx, {user_data}
    mov ds, edx
    mov es, edx
    CLEAN_FLAGS
    mov ecx, eax
    mov edx, esp
    UNWIND_INTERRUPT 40
    .cfi_offset edi, -24
    .cfi_offset esi, -28
    .cfi_offset edx, -32
    .cfi_offset ecx, -36
    .cfi_offset ebx, -40
    call {syscall}
    pop ebx
    pop ecx
    pop edx
    pop esi
    pop edi
    POP_ES
    POP_DS
    iretd
    .cfi_endproc

# Calls by `sysenter` (Intel SDM 2B, "SYSENTER" and "SYSEXIT"): number in eax, up to four arguments in ebx edi esi ebp, the caller's stack
# pointer in ecx and the address behind the call in edx. Result in eax; ebx, esi, edi and ebp are kept.
#
# The CPU loads a stack pointer that is the same for all processes: at the top of that small stack lies the address of the
# current process's own. It clears IF but neither TF, DF, NT nor AC. With TF set the first instruction here is single-stepped, in ring 0
# and on the small stack; `exceptions.rs` knows that.
.align 16
.global sysenter_entry
sysenter_entry:
    .cfi_startproc
    mov esp, [esp]
    CLEAN_FLAGS
    push ecx
    push edx
    push 0
    push ebp
    push esi
    push edi
    push ebx
    mov ecx, {user_data}                # left to the program
    mov ds, ecx
    mov es, ecx
    mov ecx, eax
    mov edx, esp
    .cfi_signal_frame
    .cfi_def_cfa esp, 28
    .cfi_offset esp, -4
    .cfi_offset eip, -8
    .cfi_offset ebp, -16
    .cfi_offset esi, -20
    .cfi_offset edi, -24
    .cfi_offset ebx, -28
    call {syscall}
    add esp, 20
    pop edx
    pop ecx
    sti                                 # takes effect behind the next instruction
    sysexit
    .cfi_endproc
