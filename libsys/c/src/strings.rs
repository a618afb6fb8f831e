//! Strings. `strlen`, `memcpy`, `memmove`, `memset` and `memcmp` come with the compiler's own library.

use core::ffi::{CStr, c_char, c_int};

/// The bytes of a string, without its end.
///
/// # Safety
/// `string` points to a string that ends with a zero byte and is not changed while the result lives.
pub unsafe fn bytes<'a>(string: *const c_char) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(string) }.to_bytes()
}

/// # Safety
/// Both are strings.
#[unsafe(no_mangle)]
unsafe extern "C" fn strcmp(left: *const c_char, right: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let (left, right) = unsafe { (bytes(left), bytes(right)) };
    left.cmp(right) as c_int
}

/// # Safety
/// Both are strings, or have at least `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn strncmp(left: *const c_char, right: *const c_char, len: usize) -> c_int {
    for index in 0..len {
        // SAFETY: the caller's promise: the loop ends behind the first zero byte.
        let (left, right) = unsafe { (left.cast::<u8>().add(index).read(), right.cast::<u8>().add(index).read()) };
        if left != right || left == 0 {
            return c_int::from(left) - c_int::from(right);
        }
    }
    0
}

/// # Safety
/// It is a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn strchr(string: *const c_char, wanted: c_int) -> *const c_char {
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(string) }.to_bytes_with_nul();
    let place = text.iter().position(|&byte| c_int::from(byte) == wanted & 0xFF);
    place.map_or(core::ptr::null(), |place| string.wrapping_add(place))
}

/// # Safety
/// It is a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn atoi(string: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let text = unsafe { bytes(string) }.trim_ascii_start();
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0i32, |number, digit| number.wrapping_mul(10).wrapping_add(i32::from(digit - b'0')));
    if is_negative { number.wrapping_neg() } else { number }
}
