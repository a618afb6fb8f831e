# The boot sector: the BIOS loads it to 0x7C00 and starts it in real mode, with the drive's number in dl ("BIOS Boot Specification").
# It reads the 63 sectors behind it - the boot parameters to 0x7E00, the second stage to 0x8000 - and goes on there.

.set SECTORS, 63

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
    test cl, 1                          # "fixed disk access subset", which has extended read
    jz fail

    mov bp, 3                           # a drive that was just switched on may need a second try
2:  pop dx
    push dx
    mov si, offset address_packet
    mov word ptr [si + 2], SECTORS      # the BIOS leaves there how many it has read, so a second try must say it again
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

# Prints the text at si on the screen, then on the serial port, and stops.
fail:
    push si
1:  lodsb
    test al, al
    jz 2f
    mov ah, 0x0E                        # teletype
    xor bx, bx
    int 0x10
    jmp 1b

2:  mov si, offset serial_setup
    mov dx, 0x3F8                       # from here on the high half of dx stays 3
    mov cx, 5                           # pairs
3:  lodsw
    mov dl, al
    mov al, ah
    out dx, al
    loop 3b
    pop si
4:  lodsb
    test al, al
    jz 6f
    mov ah, al
    mov dl, 0xFD                        # line status; cx is 0: 65,536 looks, then the byte is sent all the same
5:  in al, dx
    test al, 0x20                       # the transmitter can take a byte
    loopz 5b
    xor cx, cx
    mov dl, 0xF8
    mov al, ah
    out dx, al
    jmp 4b

6:  mov si, offset status               # see abi::image: a line for the host at the parallel port
    mov cx, 11                          # its length
7:  lodsb
    mov dl, 0x78                        # data
    out dx, al
    mov dl, 0x7A                        # control: strobe, and back
    mov al, 0x0D
    out dx, al
    mov al, 0x0C
    out dx, al
    loop 7b
    mov dl, 0xFD                        # what the serial port has not sent yet would be lost; cx is 0
9:  in al, dx
    test al, 0x40                       # the transmitter is empty
    loopz 9b
    mov dx, 0xF4                        # the port that ends QEMU, then the one that ends Bochs
    mov al, 0x10
    out dx, al
    mov si, offset shutdown
    mov cx, 8                           # its length
    mov dx, 0x8900
    rep outsb
8:  cli
    hlt
    jmp 8b

.align 4
address_packet:
    .byte 16, 0
    .word SECTORS
    .word 0x7E00, 0                     # to 0000:7E00
    .long 1, 0                          # from sector 1

magic:          .ascii "BorrowOS"
no_extensions:  .asciz "boot: the BIOS cannot read large disks\r\n"
unreadable:     .asciz "boot: the disk cannot be read; is the image cut short?\r\n"
not_borrowos:   .asciz "boot: sector 1 holds no BorrowOS boot parameters\r\n"
status:         .ascii "status 126\n"
shutdown:       .ascii "Shutdown"
# Low byte of the port, value: 115200 baud, 8 data bits, no parity, one stop bit, as in console.rs.
serial_setup:   .byte 0xFB, 0x80, 0xF8, 1, 0xF9, 0, 0xFB, 3, 0xFA, 7

# Bytes 440..510: disk signature and partition table, written by the image builder.
.org boot_sector + 440
.org boot_sector + 510
.word 0xAA55
