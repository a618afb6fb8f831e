//! Copying and filling bytes, for the code that the compiler makes of moves and arrays. `compiler_builtins` has the same functions, word by
//! word in a loop, and marked as weak: the linker takes these.

use core::arch::global_asm;

global_asm!(include_str!("bytes.s"));
