# What the compiler calls to copy and to fill bytes: void *memcpy(to, from, len) and void *memset(to, byte, len) of the C library, which
# return `to`. One string instruction moves four bytes each time it repeats; a loop needs six instructions for as many.

.section .text.bytes, "ax"
.global memcpy
memcpy:
    push edi
    push esi
    mov edi, [esp + 12]
    mov esi, [esp + 16]
    mov edx, [esp + 20]
    mov eax, edi
    mov ecx, edx
    shr ecx, 2
    rep movsd
    mov ecx, edx
    and ecx, 3
    rep movsb
    pop esi
    pop edi
    ret

.global memset
memset:
    push edi
    mov edi, [esp + 8]
    movzx eax, byte ptr [esp + 12]
    mov edx, [esp + 16]
    imul eax, eax, 0x01010101           # the byte four times
    mov ecx, edx
    shr ecx, 2
    rep stosd
    mov ecx, edx
    and ecx, 3
    rep stosb
    mov eax, [esp + 8]
    pop edi
    ret
