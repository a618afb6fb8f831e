//! The calls, one function each, made from the table in `abi`. Programs use the typed functions of the other modules.

use abi::Errno;

/// Makes a call: number in `eax`, arguments in `ebx ecx edx esi edi`, result in `eax`; all other registers are kept.
#[inline]
fn call(number: u32, arguments: [u32; 5]) -> Result<u32, Errno> {
    let result: u32;
    // SAFETY: the kernel reads and writes only memory that the arguments name, which is what the caller of the typed function
    // asked for. LLVM keeps `ebx` and `esi` for itself and takes neither as an operand, so they are saved around the trap, and what
    // goes into them is loaded through `edi`, which is loaded last.
    unsafe {
        core::arch::asm!(
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
    Errno::from_result_word(result)
}

macro_rules! stubs {
    ($($(#[$doc:meta])* $number:literal => $name:ident as $function:ident($($argument:ident),*);)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// As above.
        #[inline]
        pub fn $function($($argument: u32),*) -> Result<u32, Errno> {
            stubs!(@call $number $($argument)*)
        }
    )*};
    (@call $n:literal) => { short_call($n, 0, 0, 0) };
    (@call $n:literal $a:ident) => { short_call($n, $a, 0, 0) };
    (@call $n:literal $a:ident $b:ident) => { short_call($n, $a, $b, 0) };
    (@call $n:literal $a:ident $b:ident $c:ident) => { short_call($n, $a, $b, $c) };
    (@call $n:literal $a:ident $b:ident $c:ident $d:ident) => { call($n, [$a, $b, $c, $d, 0]) };
    (@call $n:literal $a:ident $b:ident $c:ident $d:ident $e:ident) => { call($n, [$a, $b, $c, $d, $e]) };
}

/// A call with at most three arguments: the other registers are not touched.
#[inline]
fn short_call(number: u32, first: u32, second: u32, third: u32) -> Result<u32, Errno> {
    let result: u32;
    // SAFETY: as in `call`.
    unsafe {
        core::arch::asm!(
            "xchg ebx, {first}",
            "int 0x80",
            "xchg ebx, {first}",
            first = in(reg) first,
            inlateout("eax") number => result,
            in("ecx") second,
            in("edx") third,
            options(nostack),
        );
    }
    Errno::from_result_word(result)
}

abi::syscall_table!(stubs);
