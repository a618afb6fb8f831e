# The boot sector: the BIOS loads it to 0x7C00 and starts it in real mode, with the drive's number in dl ("BIOS Boot Specification").
# It reads the 63 sectors behind it - the boot parameters to 0x7E00, the second stage to 0x8000 - and goes on there.

.code16
.section .boot_sector, "awx"
.global boot_sector
boot_sector:
    cli
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7C00
    sti
    cld
    .byte 0xEA                          # jmp 0:1f - some BIOSes start at 07C0:0000
    .word 1f, 0
1:  push dx

    mov ah, 0x41                        # extensions present? ("Enhanced Disk Drive Specification")
    mov bx, 0x55AA
    int 0x13
    mov si, offset no_extensions
    jc fail
    cmp bx, 0xAA55
    jne fail

    mov bp, 3                           # a drive that was just switched on may need a second try
2:  pop dx
    push dx
    mov si, offset address_packet
    mov ah, 0x42
    int 0x13
    jnc 3f
    xor ah, ah                          # reset the drive
    int 0x13
    dec bp
    jnz 2b
    mov si, offset unreadable
    jmp fail

3:  mov si, offset magic
    mov di, 0x7E00
    mov cx, 8
    repe cmpsb
    mov si, offset not_borrowos
    jne fail
    pop dx
    .byte 0xEA                          # jmp 0:stage2
    .word stage2, 0

# Prints the text at si on the screen and the serial port, and stops.
fail:
    lodsb
    test al, al
    jz 5f
    mov ah, 0x0E
    xor bx, bx
    int 0x10
    mov dx, 0x3F8
    out dx, al
    jmp fail
5:  mov si, offset status               # see abi::image: the host's console port, then its exit port
    mov cx, 11                          # its length
    mov dx, 0xE9
    rep outsb
    mov dx, 0xF4
    mov al, 0x10
    out dx, al
6:  hlt
    jmp 6b

.align 4
address_packet:
    .byte 16, 0
    .word 63                            # sectors
    .word 0x7E00, 0                     # to 0000:7E00
    .long 1, 0                          # from sector 1

magic:          .ascii "BorrowOS"
no_extensions:  .asciz "boot: the BIOS cannot read large disks\r\n"
unreadable:     .asciz "boot: the disk cannot be read; is the image cut short?\r\n"
not_borrowos:   .asciz "boot: sector 1 holds no BorrowOS boot parameters\r\n"
status:         .ascii "status 126\n"

# Bytes 440..510: disk signature and partition table, written by the image builder.
.org boot_sector + 440
.org boot_sector + 510
.word 0xAA55
