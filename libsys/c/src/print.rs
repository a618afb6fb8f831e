//! `printf`, `puts` and `putchar`, to the console. Lines of programs that run at the same time do not mix: a line is one call.

use core::arch::naked_asm;
use core::ffi::{c_char, c_int};

use libsys::console;

use crate::format::{Arguments, format};
use crate::strings;

/// Arguments of a variadic function, as C's `va_list` has them on the i386: words on the stack, one behind the other.
struct Stack(*const u32);

impl Arguments for Stack {
    fn word(&mut self) -> u32 {
        // SAFETY: C's rule for `printf`: there are as many arguments as the format asks for.
        unsafe {
            let word = self.0.read();
            self.0 = self.0.add(1);
            word
        }
    }

    fn text(&mut self) -> &[u8] {
        match core::ptr::with_exposed_provenance::<c_char>(self.word() as usize) {
            string if string.is_null() => b"(null)",
            // SAFETY: C's rule for `%s`: the argument is a string.
            string => unsafe { strings::bytes(string) },
        }
    }
}

/// # Safety
/// `text` is a string, and `arguments` has what it asks for.
#[unsafe(no_mangle)]
unsafe extern "C" fn vprintf(text: *const c_char, arguments: *const u32) -> c_int {
    // SAFETY: as above.
    let text = unsafe { strings::bytes(text) };
    let mut len = 0;
    let mut print = |bytes: &[u8]| {
        len += bytes.len();
        console::print_bytes(bytes);
    };
    format(&mut print, text, &mut Stack(arguments));
    c_int::try_from(len).unwrap_or(c_int::MAX)
}

/// Calls `vprintf` with the address of its own second argument: Rust has no variadic functions of its own.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn printf() -> c_int {
    naked_asm!(
        "lea eax, [esp + 8]",
        "push eax",
        "push dword ptr [esp + 8]",
        "call {vprintf}",
        "add esp, 8",
        "ret",
        vprintf = sym vprintf,
    )
}

/// # Safety
/// It is a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn puts(string: *const c_char) -> c_int {
    // SAFETY: as above.
    console::print_bytes(unsafe { strings::bytes(string) });
    console::print_bytes(b"\n");
    0
}

#[unsafe(no_mangle)]
extern "C" fn putchar(character: c_int) -> c_int {
    let [byte, ..] = character.to_le_bytes();
    console::print_bytes(&[byte]);
    c_int::from(byte)
}

/// Prints what `printf` has collected of a line.
#[unsafe(no_mangle)]
extern "C" fn borrow_flush() {
    console::flush();
}
