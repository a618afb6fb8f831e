//! When the kernel finds one of its own rules broken.

use core::panic::PanicInfo;

use crate::drivers::console::kprintln;
use crate::drivers::power;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    kprintln!("\nkernel: {info}");
    power::fail()
}
