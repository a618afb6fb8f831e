//! The two ways into the kernel: `int 0x80`, which every CPU has, and `sysenter`, which is faster.
//!
//! Programs use the typed functions of the other modules, which take the faster way that there is.

use crate::Error;

#[cfg(target_arch = "x86")]
mod i386 {
    use core::arch::asm;
    use core::sync::atomic::{AtomicBool, Ordering};

    use crate::Error;

    /// The CPU has `sysenter`; asked once, when the program starts.
    static HAS_FAST_CALLS: AtomicBool = AtomicBool::new(false);

    /// Asks the CPU which ways it has.
    pub fn detect() {
        let leaf1 = core::arch::x86::__cpuid(1);
        HAS_FAST_CALLS.store(abi::cpu::has_fast_calls(leaf1.eax, leaf1.edx), Ordering::Relaxed);
    }

    pub fn has_fast_calls() -> bool {
        HAS_FAST_CALLS.load(Ordering::Relaxed)
    }

    // In all of these the kernel reads and writes only memory that the arguments name, which is what the caller of the typed function asked
    // for. LLVM keeps `ebx`, `esi` and `ebp` for itself and takes none of them as an operand, so they are saved around the call.

    #[inline]
    pub fn interrupt(number: u32, arguments: [u32; 5]) -> Result<u32, Error> {
        let result: u32;
        // SAFETY: the kernel uses only memory that the arguments name (see above), and keeps all registers but `eax`. `ebx` and `esi` are
        // put back, and `edi`, through which the others are loaded before it is loaded itself, is given up.
        unsafe {
            asm!(
                "push ebx",
                "push esi",
                "mov ebx, [edi]",
                "mov esi, [edi + 12]",
                "mov edi, [edi + 16]",
                "int 0x80",
                "pop esi",
                "pop ebx",
                inlateout("eax") number => result,
                in("ecx") arguments[1],
                in("edx") arguments[2],
                inout("edi") arguments.as_ptr() => _,
            );
        }
        Error::from_result_word(result)
    }

    /// As [`interrupt`] with at most three arguments: the other registers are not touched.
    #[inline]
    pub fn short_interrupt(number: u32, [first, second, third]: [u32; 3]) -> Result<u32, Error> {
        let result: u32;
        // SAFETY: as in `interrupt`; exchanged twice, `ebx` and `{first}` are what they were. `{first}` is not `eax`, since that is written
        // to, as far as the compiler knows, before all inputs are read.
        unsafe {
            asm!(
                "xchg ebx, {first}",
                "int 0x80",
                "xchg ebx, {first}",
                first = in(reg) first,
                inout("eax") number => result,
                in("ecx") second,
                in("edx") third,
                options(nostack),
            );
        }
        Error::from_result_word(result)
    }

    /// Number in `eax`, arguments in `ebx edi esi ebp`, stack pointer in `ecx`, the address behind the call in `edx`; the last two are lost.
    #[inline]
    pub fn fast(number: u32, arguments: [u32; 4]) -> Result<u32, Error> {
        let result: u32;
        // SAFETY: the kernel uses only memory that the arguments name (see above), and returns to `edx` with the stack of `ecx`; it keeps
        // all other registers but `eax`. `ebx`, `esi` and `ebp` are put back, `ecx`, `edx` and `edi` are given up.
        unsafe {
            asm!(
                "push ebx",
                "push esi",
                "push ebp",
                "mov ebx, [edi]",
                "mov esi, [edi + 8]",
                "mov ebp, [edi + 12]",
                "mov edi, [edi + 4]",
                "mov ecx, esp",
                "lea edx, [2f]",
                "sysenter",
                "2:",
                "pop ebp",
                "pop esi",
                "pop ebx",
                inlateout("eax") number => result,
                inout("edi") arguments.as_ptr() => _,
                out("ecx") _,
                out("edx") _,
            );
        }
        Error::from_result_word(result)
    }

    /// As [`fast`] with at most one argument.
    #[inline]
    pub fn short_fast(number: u32, first: u32) -> Result<u32, Error> {
        let result: u32;
        // SAFETY: as in `fast`; exchanged twice, `ebx` and `{first}` are what they were. `{first}` is none of `eax`, `ecx` and `edx`, since
        // those are written to, as far as the compiler knows, before all inputs are read.
        unsafe {
            asm!(
                "xchg ebx, {first}",
                "mov ecx, esp",
                "lea edx, [2f]",
                "sysenter",
                "2:",
                "xchg ebx, {first}",
                first = in(reg) first,
                inout("eax") number => result,
                out("ecx") _,
                out("edx") _,
                options(nostack),
            );
        }
        Error::from_result_word(result)
    }
}

/// There is no BorrowOS below a program that was compiled for another machine, as documentation's examples are: no call exists there.
#[cfg(not(target_arch = "x86"))]
mod i386 {
    use crate::Error;

    pub const fn has_fast_calls() -> bool {
        false
    }

    pub const fn interrupt(_number: u32, _arguments: [u32; 5]) -> Result<u32, Error> {
        Err(Error::NoSuchCall)
    }

    pub const fn short_interrupt(_number: u32, _arguments: [u32; 3]) -> Result<u32, Error> {
        Err(Error::NoSuchCall)
    }

    pub const fn fast(_number: u32, _arguments: [u32; 4]) -> Result<u32, Error> {
        Err(Error::NoSuchCall)
    }

    pub const fn short_fast(_number: u32, _first: u32) -> Result<u32, Error> {
        Err(Error::NoSuchCall)
    }
}

#[cfg(target_arch = "x86")]
pub(crate) use i386::detect;

/// The CPU has `sysenter`.
///
/// ```no_run
/// if !libsys::gate::has_fast_calls() {
///     libsys::println!("an old CPU");
/// }
/// ```
pub fn has_fast_calls() -> bool {
    i386::has_fast_calls()
}

/// Makes the call with this number by `int 0x80`, with up to five arguments.
///
/// ```no_run
/// use libsys::abi::Number;
///
/// assert_eq!(libsys::gate::interrupt(Number::GetPid as u32, []), libsys::call::get_pid());
/// ```
///
/// # Errors
/// The call's.
#[inline]
pub fn interrupt<const N: usize>(number: u32, arguments: [u32; N]) -> Result<u32, Error> {
    const { assert!(N <= 5, "a call has at most five arguments") };
    if N <= 3 { i386::short_interrupt(number, padded(arguments)) } else { i386::interrupt(number, padded(arguments)) }
}

/// Makes the call with this number by `sysenter`, with up to four arguments. The CPU must [have it](has_fast_calls).
///
/// ```no_run
/// use libsys::{abi::Number, gate};
///
/// if gate::has_fast_calls() {
///     assert_eq!(gate::fast(Number::GetPid as u32, []), libsys::call::get_pid());
/// }
/// ```
///
/// # Errors
/// The call's.
#[inline]
pub fn fast<const N: usize>(number: u32, arguments: [u32; N]) -> Result<u32, Error> {
    const { assert!(N <= 4, "sysenter has four registers to spare") };
    let padded: [u32; 4] = padded(arguments);
    if N <= 1 { i386::short_fast(number, padded[0]) } else { i386::fast(number, padded) }
}

/// Makes a call the fastest way that there is.
#[inline]
pub(crate) fn call<const N: usize>(number: u32, arguments: [u32; N]) -> Result<u32, Error> {
    if has_fast_calls() { fast(number, arguments) } else { interrupt(number, arguments) }
}

/// The arguments, with zeros behind them.
#[inline]
fn padded<const N: usize, const M: usize>(arguments: [u32; N]) -> [u32; M] {
    core::array::from_fn(|index| arguments.get(index).copied().unwrap_or(0))
}
