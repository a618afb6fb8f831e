//! Calls of the BIOS, made in real mode by `stage2.s`.

/// The registers before and after a call. The order is that of `stage2.s`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Registers {
    /// `EAX`.
    pub eax: u32,
    /// `EBX`.
    pub ebx: u32,
    /// `ECX`.
    pub ecx: u32,
    /// `EDX`.
    pub edx: u32,
    /// `ESI`.
    pub esi: u32,
    /// `EDI`.
    pub edi: u32,
    /// `ES` in the low half: the segment of buffers.
    pub es: u32,
    /// `EFLAGS`, as the call left it; not looked at before.
    pub flags: u32,
}

/// `EFLAGS.CF`.
const CARRY: u32 = 1;

impl Registers {
    /// The carry flag is set: the call failed.
    pub const fn failed(&self) -> bool {
        self.flags & CARRY != 0
    }
}

unsafe extern "C" {
    fn bios_call(registers: *mut Registers, vector: u32);
}

/// Calls the BIOS and returns what it left in the registers.
///
/// # Safety
/// The call must write only to memory that nothing else uses, and the memory it is told of must lie below 1 MiB.
pub unsafe fn call(vector: u8, registers: Registers) -> Registers {
    let mut registers = registers;
    // SAFETY: the registers are on the stack, which lies below 0x7C00 and so within real mode's first segment; the rest is the
    // caller's promise.
    unsafe { bios_call(&raw mut registers, vector.into()) };
    registers
}

/// The address of something below 64 KiB, as real mode takes it with a segment of 0.
pub fn offset<T>(of: *const T) -> u32 {
    u32::try_from(of.expose_provenance()).unwrap_or(0)
}
