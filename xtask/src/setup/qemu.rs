//! QEMU, from the system's package manager.

use super::packages::Wanted;

/// The emulator of a PC with a 32-bit CPU.
pub const QEMU: Wanted = Wanted {
    name: "QEMU",
    program: "qemu-system-i386",
    packages: &[
        ("apt-get", &["qemu-system-x86"]),
        ("dnf", &["qemu-system-x86-core"]),
        ("pacman", &["qemu-system-x86"]),
        ("zypper", &["qemu-x86"]),
        ("brew", &["qemu"]),
    ],
    home: "https://www.qemu.org/download",
};
