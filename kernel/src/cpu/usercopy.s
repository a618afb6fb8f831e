# Copies between kernel and user memory: edi to, esi from, ecx bytes. A page fault between the labels that cannot be repaired resumes
# at copy_refused.

.section .text.usercopy, "ax"
.global copy_user_bytes
copy_user_bytes:
    push edi
    push esi
    mov edi, [esp + 12]
    mov esi, [esp + 16]
    mov ecx, [esp + 20]
    mov edx, ecx
    shr ecx, 2
    and edx, 3
copy_begin:
    rep movsd
    mov ecx, edx
    rep movsb
copy_end:
    xor eax, eax
    pop esi
    pop edi
    ret
copy_refused:
    mov eax, 1
    pop esi
    pop edi
    ret

.section .rodata.usercopy, "a"
.global copy_labels
copy_labels: .long copy_begin, copy_end, copy_refused
