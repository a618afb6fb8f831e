//! The calls, one function each, made from the table in `abi`. Programs use the typed functions of the other modules.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the links in the table's texts start from `abi`, and are checked there"
)]

use crate::Error;

use crate::gate;

macro_rules! stubs {
    ($($(#[$doc:meta])* $number:literal => $name:ident as $function:ident(
        $($argument:ident $(: *$access:tt $pointee:ty)?),*
    ) -> [$($error:ident),*];)*) => {$(
        $(#[$doc])*
        ///
        /// ```no_run
        #[doc = concat!("fn ", stringify!($function), "(", stringify!($($argument: u32),*), ") -> Result<u32, libsys::Error> {")]
        #[doc = concat!("    libsys::call::", stringify!($function), "(", stringify!($($argument),*), ")")]
        /// }
        /// ```
        ///
        /// # Errors
        /// These, and no others:
        $(#[doc = concat!("`", stringify!($error), "`")])*
        #[inline]
        pub fn $function($($argument: u32),*) -> Result<u32, Error> {
            stubs!(@call $number $($argument)*)
        }
    )*};
    (@call $n:literal) => { gate::call($n, []) };
    (@call $n:literal $a:ident) => { gate::call($n, [$a]) };
    (@call $n:literal $a:ident $b:ident) => { gate::call($n, [$a, $b]) };
    (@call $n:literal $a:ident $b:ident $c:ident) => { gate::call($n, [$a, $b, $c]) };
    (@call $n:literal $a:ident $b:ident $c:ident $d:ident) => { gate::call($n, [$a, $b, $c, $d]) };
    (@call $n:literal $a:ident $b:ident $c:ident $d:ident $e:ident) => { gate::interrupt($n, [$a, $b, $c, $d, $e]) };
}

abi::syscall_table!(stubs);
