//! The calls, one function each: `borrow_write` and so on. They return the word that the kernel returns.

macro_rules! exports {
    ($($(#[$doc:meta])* $number:literal => $name:ident as $function:ident(
        $($argument:ident $(: *$access:tt $pointee:ty)?),*
    ) -> [$($error:ident),*];)*) => {$(
        #[unsafe(export_name = concat!("borrow_", stringify!($function)))]
        extern "C" fn $function($($argument: u32),*) -> u32 {
            libsys::call::$function($($argument),*).unwrap_or_else(libsys::Error::to_result_word)
        }
    )*};
}

libsys::abi::syscall_table!(exports);
