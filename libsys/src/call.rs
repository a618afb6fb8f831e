//! The calls, one function each, made from the table in `abi`. Programs use the typed functions of the other modules.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the links in the table's texts start from `abi`, and are checked there"
)]

use abi::Errno;

/// Makes a call: number in `eax`, arguments in `ebx ecx edx esi edi`, result in `eax`; all other registers are kept.
#[cfg(target_arch = "x86")]
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
    ($($(#[$doc:meta])* $number:literal => $name:ident as $function:ident(
        $($argument:ident $(: *$access:tt $pointee:ty)?),*
    );)*) => {$(
        $(#[$doc])*
        ///
        /// ```no_run
        #[doc = concat!("fn ", stringify!($function), "(", stringify!($($argument: u32),*), ") -> Result<u32, libsys::Errno> {")]
        #[doc = concat!("    libsys::call::", stringify!($function), "(", stringify!($($argument),*), ")")]
        /// }
        /// ```
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
#[cfg(target_arch = "x86")]
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

/// There is no BorrowOS below a program that was compiled for another machine, as documentation's examples are: no call exists there.
#[cfg(not(target_arch = "x86"))]
fn call(_number: u32, _arguments: [u32; 5]) -> Result<u32, Errno> {
    Err(Errno::NoSuchCall)
}

#[cfg(not(target_arch = "x86"))]
fn short_call(number: u32, first: u32, second: u32, third: u32) -> Result<u32, Errno> {
    call(number, [first, second, third, 0, 0])
}

abi::syscall_table!(stubs);
